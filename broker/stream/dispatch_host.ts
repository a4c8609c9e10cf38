/** The interface of the broker that the dispatch of groups needs. */
import type { BrokerContext } from "../base/context.ts";
import type { Undertaker } from "./dead_message.ts";
import type { ReplayShare } from "./replay_share.ts";

/** The broker, as the dispatch of a group needs it. */
export interface DispatchHost {
  readonly context: BrokerContext;
  /** What replays and groups may take of a turn. */
  readonly share: ReplayShare;
  /** What becomes of messages that no member can be given. */
  readonly undertaker: Undertaker;
}
