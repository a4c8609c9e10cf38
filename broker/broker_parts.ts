/** Creates the parts of a broker, and connects them to each other. */
import { BufferPool } from "../log/buffer_pool.ts";
import { Router } from "../router/router.ts";
import { BrokerContext } from "./base/context.ts";
import type { BrokerLimits } from "./base/limits.ts";
import type { LinkedNodes } from "./base/node_peer.ts";
import { NodeShare } from "./base/node_share.ts";
import type { TurnBudget } from "./base/turn_budget.ts";
import { retainExpiryOf } from "./base/retain_expiry.ts";
import { Roster } from "./base/roster.ts";
import type { Settings } from "./base/options.ts";
import type { Connection } from "./connection/connection.ts";
import type { ConnectionHost } from "./connection/client_connection.ts";
import { DelayedMessages } from "./delivery/delayed_messages.ts";
import { Delivery } from "./delivery/delivery.ts";
import { FlushQueue } from "./delivery/flush_queue.ts";
import type { HostedOutbox, OutboxHost } from "./delivery/outbox_host.ts";
import { Publisher } from "./delivery/publisher.ts";
import { RetainedDeletions } from "./delivery/retained_deletions.ts";
import { RetainedStore, type RetainedWatcher } from "./delivery/retained_store.ts";
import type { Receiver } from "./delivery/subscriber.ts";
import type { AccountRows } from "./durable/account_rows.ts";
import type { DurableHost } from "./durable/durable_host.ts";
import { DurableQueue } from "./durable/durable_queue.ts";
import type { Journal } from "./durable/journal.ts";
import { isOwnState } from "./limits/reserved_topics.ts";
import { MemoryBudget } from "./limits/memory_budget.ts";
import { Limiters } from "./limits/limiters.ts";
import { MemoryQueue } from "./session/memory_queue.ts";
import type { SessionHost } from "./session/session_host.ts";
import type { QueueOwner, SessionQueue } from "./session/session_queue.ts";
import { isReadElsewhere, type ReplayRecord } from "./session/session_replays.ts";
import { BrokerStreams } from "./stream/broker_streams.ts";
import { RemoteReplays } from "./stream/remote_replays.ts";
import { RemoteStreams } from "./stream/remote_streams.ts";
import { Replays } from "./stream/replays.ts";
import type { Session } from "./session/session.ts";
import { SessionTable } from "./session/session_table.ts";

/** Trie nodes of the router that are visited in one unit of a turn's budget. */
const NODES_PER_UNIT = 4;

/**
 * The parts of a broker, created once and connected to each other. No part knows this class: each
 * uses the interface of its own folder, which names its dependencies.
 */
export class BrokerParts implements ConnectionHost, SessionHost, DurableHost {
  readonly context: BrokerContext;
  readonly pool: BufferPool = new BufferPool();
  readonly router: Router<Receiver>;
  readonly delivery: Delivery;
  readonly publisher: Publisher;
  readonly retained: RetainedStore;
  readonly retainedDeletions: RetainedDeletions;
  readonly delayed: DelayedMessages;
  readonly sessions: SessionTable;
  readonly streams: BrokerStreams;
  /** The streams of another node, if one has them. */
  readonly remoteStreams: RemoteStreams = new RemoteStreams(this);
  readonly memory: MemoryBudget;
  readonly limiters: Limiters;
  readonly outboxHost: OutboxHost;
  readonly connections: Roster<Connection> = new Roster();
  /** Called when a retained message comes, changes or goes. */
  readonly retainedWatchers: Set<RetainedWatcher> = new Set();
  journal: Journal | null = null;
  /** The other nodes of the cluster; `null` without one. Set by `node_port.ts`. */
  nodes: LinkedNodes | null = null;
  /** What they have subscribed to. Set by `node_port.ts`. */
  nodeShare: NodeShare = new NodeShare();
  accountRows: AccountRows | null = null;
  readonly #toFlush: FlushQueue<HostedOutbox>;

  constructor(settings: Settings) {
    const context = this.context = new BrokerContext(settings);
    const { limits, clock, scheduler } = context;
    this.router = new Router({
      routesMax: limits.routesMax,
      routesBytesMax: limits.routesBytesMax,
      levelsMax: limits.topicLevelsMax,
      bytesMax: limits.topicBytesMax,
      seed: Math.floor(settings.random() * 2 ** 32),
      onMatched: (nodes) => context.turns.count(Math.floor(nodes / NODES_PER_UNIT)),
    });
    this.delivery = new Delivery(this);
    const retainedChanged: RetainedWatcher = (topic, isExpired) => {
      // After a restart the broker publishes its state again, but the state of a disconnected
      // bridge must be stored.
      if (!isOwnState(topic)) this.journal?.onRetainedChanged(topic);
      for (const watcher of this.retainedWatchers) watcher(topic, isExpired);
      // Also at a broker that is no node any more.
      if (this.retainedDeletions.size > 0 && this.retained.get(topic) !== undefined) {
        this.retainedDeletions.delete(topic);
      }
    };
    this.retainedDeletions = new RetainedDeletions({
      wallClock: settings.wallClock,
      onForgotten: (topic, isEarly) => {
        if (isEarly) context.stats.retainedDeletionsForgotten++;
        this.journal?.onRetainedChanged(topic);
      },
    });
    this.retained = new RetainedStore(
      limits,
      clock,
      scheduler,
      retainedChanged,
      (bytes) => this.memory.admits("table", bytes, null),
      retainExpiryOf(settings.retainExpiry),
    );
    this.publisher = new Publisher(this);
    this.delayed = new DelayedMessages(this);
    this.sessions = new SessionTable(this);
    this.streams = new BrokerStreams(this);
    this.memory = new MemoryBudget(context, this);
    this.limiters = new Limiters(context, this.connections);
    this.#toFlush = new FlushQueue(clock, context.turns, (outbox, error) => {
      context.reportError(error);
      outbox.abort();
    });
    this.outboxHost = this.#outboxHost();
    this.memory.fitCaches();
  }

  /**
   * Applies new limits. Parts that read `context.limits` when needed see them at once. Parts that
   * derive values from limits are called here.
   */
  applyLimits(limits: Readonly<BrokerLimits>): void {
    Object.assign(this.context.limits, limits);
    this.router.limitTopics({
      routesMax: limits.routesMax,
      levelsMax: limits.topicLevelsMax,
      bytesMax: limits.topicBytesMax,
    });
    this.limiters.applyLimits();
    // The limiters may have new tables, so the budget sets their limits again.
    this.memory.applyLimits();
    for (const connection of this.connections) connection.applyLimits();
  }

  /** The broker, as sessions need it. */
  get sessionHost(): SessionHost {
    return this;
  }

  /** The work budget of a turn. */
  get turns(): TurnBudget {
    return this.context.turns;
  }

  /** The policy for messages to a full backlog. */
  get overflow(): Settings["overflow"] {
    return this.context.settings.overflow;
  }

  /** The subscriptions of a session that read streams; created for the first one. */
  replaysOf(session: Session): Replays {
    session.replays ??= new Replays(this.context, this.streams, session);
    return session.replays as Replays;
  }

  /** The subscriptions of a session that read streams of another node. */
  remoteReplaysOf(session: Session): RemoteReplays {
    if (session.replays instanceof RemoteReplays) return session.replays;
    session.replays?.end();
    return session.replays = this.remoteStreams.begin(session);
  }

  /** Adds a subscription that reads a stream, from the store. */
  restoreReplay(session: Session, record: ReplayRecord): void {
    if (isReadElsewhere(record)) this.remoteReplaysOf(session).restore(record);
    else this.replaysOf(session).restore(record);
  }

  /** Creates the queue of a session: a durable one, if the session outlives its connection. */
  newQueue(session: QueueOwner, outlives: boolean): SessionQueue {
    const { journal } = this;
    if (!outlives || journal === null) return new MemoryQueue(this, session);
    return new DurableQueue(this, session, journal.ids.newId(), false);
  }

  /** Ends a session whose backlog is full, and disconnects its client, after the delivery. */
  endSessionLater(clientId: string, reasonCode: number): void {
    const session = this.sessions.get(clientId);
    if (session === undefined) return;
    queueMicrotask(() => {
      const { link } = session;
      this.sessions.end(session);
      if (link !== null) link.disconnect(reasonCode);
    });
  }

  /** Ends this turn now, with the writes of its outboxes. */
  endTurn(): void {
    this.#toFlush.endTurn();
  }

  /** Stores all changes, and stops. */
  async close(): Promise<void> {
    try {
      await this.journal?.close();
    } finally {
      this.stop();
    }
  }

  /** Stops every deadline. */
  stop(): void {
    this.context.scheduler.stop();
    this.#toFlush.clear();
    this.context.turns.clear();
    this.sessions.stop();
    this.memory.stop();
    this.streams.close();
    this.context.isClosing = true;
  }

  #outboxHost(): OutboxHost {
    const { context, pool, publisher, limiters, memory } = this;
    const { limits, clock, scheduler, stats } = context;
    const toFlush = this.#toFlush;
    return {
      limits,
      clock,
      scheduler,
      pool,
      flushLater: (outbox, isWoken) => toFlush.add(outbox, isWoken),
      needRoom: (room) => publisher.needRoom(room),
      countSent: (frames, bytes) => {
        stats.messagesSent += frames;
        stats.publishBytesSent += bytes;
      },
      onWriteStart: () => limiters.writes.start(),
      lagMax: (appended) => memory.lagMax(appended),
      countLagged: (frames) => context.reportLag(frames),
      reportError: (error) => context.reportError(error),
    };
  }
}
