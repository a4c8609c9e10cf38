/** What a filter of SUBSCRIBE that reads a stream asks for, or why it is refused. */
import { ReasonCode } from "../../codec/mod.ts";
import type { Position } from "../../stream/position.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { DeclaredStream } from "../stream/broker_streams.ts";
import type { ReplayRequest } from "../stream/replay.ts";

/** A group that a SUBSCRIBE wants to be a member of. */
export interface GroupPlan {
  /** Its name as the broker knows it: below the mount point of the client. */
  readonly name: string;
  /** What the client has said of one member at a time; `null` for nothing. */
  readonly isExclusive: boolean | null;
}

/** What is planned for one filter of a SUBSCRIBE that reads a stream, or why it is refused. */
export interface ReplayPlan {
  /** The reason code of the refusal; 0 for none. */
  code: number;
  /** What would be right. */
  text: string;
  readonly stream: DeclaredStream | null;
  request: ReplayRequest | null;
  readonly position: Position | null;
  /** The group that reads it together; `null` for none. */
  readonly group: GroupPlan | null;
  /** Whether it goes on where the session has left it, if it has. */
  readonly isResumed: boolean;
  /** Where it begins; `null` until that was found, and where it goes on. */
  cursor: StreamCursor | null;
}

/** The plan for a filter that is refused. */
export function refusal(code: number, text: string): ReplayPlan {
  return {
    ...{ code, text, stream: null, request: null, position: null },
    ...{ group: null, isResumed: false, cursor: null },
  };
}

/** The reason code of a request that makes no sense, by the way in which it was made. */
export function wrongCode({ request }: ReplayPlan): number {
  return request!.prefix === ""
    ? ReasonCode.ImplementationSpecificError
    : ReasonCode.TopicFilterInvalid;
}
