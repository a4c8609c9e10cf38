import type { BufferPool } from "../../log/buffer_pool.ts";
import type { Router } from "../../router/router.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { OutboxHost } from "../delivery/outbox.ts";
import type { Publisher } from "../delivery/publisher.ts";
import type { RetainedStore } from "../delivery/retained_store.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { Journal } from "../durable/journal.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { Guards } from "../limits/limiters.ts";
import type { SessionTable } from "../session/session_table.ts";
import type { Connection } from "./connection.ts";

/** What a connection needs of the broker beside the {@linkcode BrokerContext}. */
export interface ConnectionHost {
  readonly context: BrokerContext;
  readonly pool: BufferPool;
  readonly router: Router<Receiver>;
  readonly memory: MemoryBudget;
  /** What the outbox of the connection needs. */
  readonly outboxHost: OutboxHost;
  readonly publisher: Publisher;
  readonly delivery: Delivery;
  readonly retained: RetainedStore;
  readonly sessions: SessionTable;
  readonly guards: Guards;
  /** What brings to the disk what must survive; `null` for a broker that keeps all in memory. */
  readonly journal: Journal | null;
  /** Connections that are open, accepted or not. */
  readonly connections: Set<Connection>;
}
