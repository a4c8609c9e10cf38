/** The interface of the broker that durable state needs. */
import type { Router } from "../../router/router.ts";
import type { BrokerContext } from "../base/context.ts";
import type { DelayedMessages } from "../delivery/delayed_messages.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { Publisher } from "../delivery/publisher.ts";
import type { RetainedDeletions } from "../delivery/retained_deletions.ts";
import type { RetainedStore } from "../delivery/retained_store.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { Limiters } from "../limits/limiters.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { SessionHost } from "../session/session_host.ts";
import type { Session } from "../session/session.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import type { Replays } from "../stream/replays.ts";
import type { SessionTable } from "../session/session_table.ts";
import type { AccountRows } from "./account_rows.ts";
import type { Journal } from "./journal.ts";

/** The broker, as the store needs it. */
export interface DurableHost {
  readonly context: BrokerContext;
  readonly router: Router<Receiver>;
  readonly delivery: Delivery;
  readonly publisher: Publisher;
  readonly retained: RetainedStore;
  readonly retainedDeletions: RetainedDeletions;
  readonly delayed: DelayedMessages;
  readonly sessions: SessionTable;
  readonly memory: MemoryBudget;
  readonly limiters: Limiters;
  /** The subscriptions of a session that read streams; created for the first one. */
  replaysOf(session: Session): Replays;
  /** Adds a subscription that reads a stream to a session. */
  restoreReplay(session: Session, record: ReplayRecord): void;
  /** The broker, as sessions need it. */
  readonly sessionHost: SessionHost;
  /** The journal; set when the store is opened. */
  journal: Journal | null;
  /** The rows of dynamic security; set when the store is opened. */
  accountRows: AccountRows | null;
  /** Ends this turn's work, so that its changes are in the same commit. */
  endTurn(): void;
}
