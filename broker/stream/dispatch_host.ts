/** The interface of the broker that the dispatch of groups needs. */
import type { BrokerContext } from "../base/context.ts";
import type { DeadLetterKeeper } from "./undeliverable_message.ts";
import type { ReplayShare } from "./replay_share.ts";

/** The broker, as the dispatch of a group needs it. */
export interface DispatchHost {
  readonly context: BrokerContext;
  /** The share of a turn that replays and groups may use. */
  readonly share: ReplayShare;
  /** Handles messages that no member can receive. */
  readonly deadLetters: DeadLetterKeeper;
}
