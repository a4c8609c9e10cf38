/** The interface of the broker that sessions need. */
import type { Router } from "../../router/router.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { Publisher } from "../delivery/publisher.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { QueueOwner, SessionQueue } from "./session_queue.ts";
import type { PendingWill } from "./pending_will.ts";

/** What sessions need of the store, if there is one. */
export interface SessionJournal {
  /** A will was added, is due at another time, or is over. */
  onWillChanged(will: PendingWill): void;
}

/** What sessions need of the broker beside the {@linkcode BrokerContext}. */
export interface SessionHost {
  readonly context: BrokerContext;
  readonly router: Router<Receiver>;
  readonly delivery: Delivery;
  readonly publisher: Publisher;
  readonly memory: MemoryBudget;
  /** What stores sessions and wills; `null` for a broker that keeps all in memory. */
  readonly journal: SessionJournal | null;
  /**
   * Makes the queue of a session.
   *
   * @param outlives Whether the session outlives its connection, and so must survive a restart
   * where there is a store.
   */
  newQueue(session: QueueOwner, outlives: boolean): SessionQueue;
  /**
   * Ends a session whose backlog is full, right after the delivery in progress. The end of the
   * session publishes messages, which must not come in the middle of the delivery.
   */
  endSessionLater(clientId: string, reasonCode: number): void;
}
