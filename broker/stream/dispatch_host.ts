/** The interface of the broker that whoever gives the messages of groups to members needs. */
import type { BrokerContext } from "../base/context.ts";
import type { Undertaker } from "./dead_message.ts";
import type { ReplayShare } from "./replay_share.ts";

/** What whoever gives the messages of groups to members needs. */
export interface DispatchHost {
  readonly context: BrokerContext;
  /** What replays and groups may take of a turn. */
  readonly share: ReplayShare;
  /** What becomes of messages that no member can be given. */
  readonly undertaker: Undertaker;
}
