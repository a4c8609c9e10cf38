/** The plan for a filter of SUBSCRIBE that reads a stream, or its refusal. */
import { ReasonCode, type UserProperty } from "../../codec/mod.ts";
import type { Position } from "../../stream/position.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { DeclaredStream } from "../stream/broker_streams.ts";
import type { ReplayRequest } from "../stream/replay.ts";

/** The group that a SUBSCRIBE joins. */
export interface GroupPlan {
  /** Its name, with the mount point of the client. */
  readonly name: string;
  /** Whether only one member at a time gets messages; `null` if the client has not said so. */
  readonly isExclusive: boolean | null;
}

/** The plan for one filter of a SUBSCRIBE that reads a stream, or its refusal. */
export interface ReplayPlan {
  /** The reason code of the refusal; 0 for none. */
  code: number;
  /** The correct form, for the client. */
  text: string;
  /** What SUBACK says of the stream and of the start of the subscription. */
  told: readonly UserProperty[];
  readonly stream: DeclaredStream | null;
  request: ReplayRequest | null;
  readonly position: Position | null;
  /** The group that reads it together; `null` for none. */
  readonly group: GroupPlan | null;
  /** Whether it continues at the position that the session has, if any. */
  readonly isResumed: boolean;
  /** Where it begins; `null` until that is found, and if it continues. */
  cursor: StreamCursor | null;
}

/** The plan for a filter that is refused. */
export function refusal(code: number, text: string): ReplayPlan {
  return {
    ...{ code, text, told: [], stream: null, request: null, position: null },
    ...{ group: null, isResumed: false, cursor: null },
  };
}

/** The reason code of a request that makes no sense, by the way in which it was made. */
export function wrongCode({ request }: ReplayPlan): number {
  return request!.prefix === ""
    ? ReasonCode.ImplementationSpecificError
    : ReasonCode.TopicFilterInvalid;
}
