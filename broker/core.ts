import { BufferPool } from "../log/buffer_pool.ts";
import type { Receipt } from "../log/receipt.ts";
import { Router } from "../router/router.ts";
import type { Route } from "../router/route_cache.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { Delivery, Outcome } from "./delivery.ts";
import { FlushQueue } from "./flush_queue.ts";
import type { Journal } from "./durable/journal.ts";
import type { Calendar } from "./durable/records.ts";
import { Guards } from "./guards.ts";
import type { BrokerHooks } from "./hooks.ts";
import type { BrokerLimits, OverflowPolicy } from "./limits.ts";
import { ListenerPolicy, type ListenerTerms } from "./listener_policy.ts";
import { type Growth, MemoryBudget } from "./memory_budget.ts";
import type { Message } from "./message.ts";
import type { Settings } from "./options.ts";
import type { Outbox, OutboxHost } from "./outbox.ts";
import type { Receiver } from "./receiver.ts";
import { RetainedStore } from "./retained_store.ts";
import type { Run } from "./run.ts";
import { Scheduler } from "./scheduler.ts";
import type { Session } from "./session.ts";
import { SessionTable } from "./session_table.ts";
import { BrokerStats, type DropReason, type LimitReason } from "./stats.ts";

/** Everything the parts of a broker share. */
export class Core implements OutboxHost {
  readonly settings: Settings;
  readonly limits: BrokerLimits;
  /** What holds for clients whose listener has no rules of its own. */
  readonly terms: ListenerTerms;
  readonly overflow: OverflowPolicy;
  readonly hooks: BrokerHooks;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly pool: BufferPool = new BufferPool();
  readonly stats: BrokerStats = new BrokerStats();
  readonly router: Router<Receiver>;
  readonly delivery: Delivery;
  readonly retained: RetainedStore;
  readonly sessions: SessionTable;
  /** What brings to the disk what must survive; `null` for a broker that keeps all in memory. */
  journal: Journal | null = null;
  readonly calendar: Calendar;
  readonly guards: Guards;
  readonly memory: MemoryBudget;
  /** Connections that are open, accepted or not. */
  readonly connections: Set<Connection> = new Set();
  /** Whether the broker takes no more clients. */
  isClosing = false;
  /** Counts how often answers of authorizers have become outdated. */
  accessVersion = 0;
  readonly #toFlush: FlushQueue<Outbox>;
  #congestion: Receipt | null = null;

  constructor(settings: Settings) {
    this.settings = settings;
    this.limits = settings.limits;
    this.terms = new ListenerPolicy(settings, this.stats).terms;
    this.overflow = settings.overflow;
    this.hooks = settings.hooks;
    this.clock = settings.clock;
    this.scheduler = new Scheduler(this.clock, (error) => this.failed(error));
    this.#toFlush = new FlushQueue(this.clock, (outbox, error) => {
      this.failed(error);
      outbox.abort();
    });
    const { routesMax, routesBytesMax, topicLevelsMax, topicBytesMax } = this.limits;
    const seed = Math.floor(settings.random() * 2 ** 32);
    this.router = new Router({
      routesMax,
      routesBytesMax,
      levelsMax: topicLevelsMax,
      bytesMax: topicBytesMax,
      seed,
    });
    this.delivery = new Delivery(this);
    this.calendar = {
      toWall: (clockMs) => clockMs - this.clock.now() + settings.wallClock(),
      toClock: (wallMs) => wallMs - settings.wallClock() + this.clock.now(),
    };
    const retainedChanged = (topic: string) => {
      // The state of the broker is another after a restart.
      if (!topic.startsWith("$SYS/")) this.journal?.retainedChanged(topic);
    };
    const mayRetain = (bytes: number) => this.mayGrow("table", bytes, null);
    this.retained = new RetainedStore(
      this.limits,
      this.clock,
      this.scheduler,
      retainedChanged,
      mayRetain,
    );
    this.sessions = new SessionTable(this);
    this.guards = new Guards(this);
    this.memory = new MemoryBudget(this);
    this.memory.fitCaches();
  }

  flushLater(outbox: Outbox, isWoken: boolean): void {
    this.#toFlush.add(outbox, isWoken);
  }

  /** Ends this turn now: what its outboxes begin belongs to it. */
  endTurn(): void {
    this.#toFlush.endTurn();
  }

  congested(room: Receipt): void {
    if (!room.isClosed) this.#congestion = room;
  }

  /** Whether whoever is publishing now should wait. */
  get isCongested(): boolean {
    return this.#congestion !== null;
  }

  /** What whoever has just published should wait for, or `null`. */
  takeCongestion(): Receipt | null {
    const congestion = this.#congestion;
    this.#congestion = null;
    return congestion;
  }

  messagesLeft(frames: number): void {
    this.stats.messagesSent += frames;
  }

  writing(): void {
    this.guards.drain.start();
  }

  lagged(frames: number): void {
    this.stats.dropped.lag += frames;
    this.#hook("dropped", { reason: "lag", topic: null, clientId: null });
  }

  lagMax(appended: number): number {
    return this.memory.lagMax(appended);
  }

  /** Whether something may grow by so many bytes of memory; if not, that is counted and told. */
  mayGrow(growth: Growth, bytes: number, clientId: string | null): boolean {
    const may = this.memory.mayGrow(growth, bytes);
    if (!may) this.limited("memory", null, clientId);
    return may;
  }

  /** Whether there is memory for a message that has to be kept; if not, that is counted and told. */
  mayKeep(message: Message, clientId: string | null): boolean {
    const may = this.memory.mayKeep(message.weight);
    if (!may) this.limited("memory", null, clientId);
    return may;
  }

  /** Counts messages that a client may not receive; that is nobody's fault, and not told. */
  withheld(messages: number): void {
    this.stats.dropped["read-denied"] += messages;
  }

  /** Counts that a limit was reached. */
  limited(reason: LimitReason, address: string | null, clientId: string | null): void {
    this.stats.limited[reason]++;
    if (this.hooks.limited) this.guard(() => this.hooks.limited!({ reason, address, clientId }));
  }

  /** Counts a message that somebody should have received and did not. */
  dropped(reason: DropReason, message: Message, clientId: string | null): void {
    this.stats.dropped[reason]++;
    if (this.hooks.dropped) this.#hook("dropped", { reason, topic: message.name, clientId });
  }

  /**
   * Publishes a message: retains it if it wants to be, and delivers it.
   *
   * @returns One of `Outcome`.
   */
  publish(route: Route<Receiver>, message: Message, clientId: string | null): number {
    const outcome = this.#publish(route, message, clientId);
    if (this.hooks.published && outcome !== Outcome.refused) this.#publishedHook(message, clientId);
    return outcome;
  }

  #publish(route: Route<Receiver>, message: Message, clientId: string | null): number {
    if (this.cannotStore(route, message) || this.#cannotKeep(route, message, clientId)) {
      return Outcome.refused;
    }
    if (message.retain && this.settings.retainAvailable) {
      // What is refused must not be retained, either.
      if (this.delivery.refuses(route, message)) return Outcome.refused;
      if (!this.retained.set(message)) {
        this.dropped("retained-full", message, clientId);
        if (message.qos > 0) return Outcome.refused;
      }
    }
    return this.delivery.message(route, message);
  }

  /** Whether the message would have to be kept for somebody, and there is no memory for it. */
  #cannotKeep(route: Route<Receiver>, message: Message, clientId: string | null): boolean {
    if (message.qos === 0 || this.memory.mayKeep(message.weight)) return false;
    if (!this.delivery.keeps(route)) return false;
    this.limited("memory", null, clientId);
    return true;
  }

  /** Whether the message must survive, and the store cannot take it. */
  cannotStore(route: Route<Receiver>, message: Message): boolean {
    if (message.qos === 0 || this.journal === null || !this.journal.isFull) return false;
    return message.retain || this.delivery.isDurable(route);
  }

  /** Calls the hook for every message of a run. */
  announceRun(run: Run, clientId: string | null): void {
    for (const message of run.messages()) this.#publishedHook(message, clientId);
  }

  /**
   * Ends a session that has overflowed. It is in the middle of a delivery, and
   * what ending it publishes must not come in between, so it ends right after.
   */
  endSessionLater(session: Session, reasonCode: number): void {
    queueMicrotask(() => {
      const { link } = session;
      this.sessions.end(session);
      if (link !== null) link.disconnect(reasonCode);
    });
  }

  /** Reports a failure of the broker's own; it must never reach a peer's connection loop. */
  failed(error: unknown): void {
    this.stats.internalErrors++;
    try {
      this.hooks.failed?.(error);
    } catch {
      // There is nobody left to tell.
    }
  }

  /** Calls a hook; what it throws is not the broker's. */
  #hook<K extends "dropped" | "published">(
    name: K,
    info: Parameters<NonNullable<BrokerHooks[K]>>[0],
  ): void {
    this.guard(() => (this.hooks[name] as ((info: unknown) => void) | undefined)?.(info));
  }

  /** Calls something of the program's. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.failed(error);
    }
  }

  #publishedHook(message: Message, clientId: string | null): void {
    const { name: topic, payload, qos, retain } = message;
    this.#hook("published", { topic, payload, qos, retain, clientId });
  }

  /** Stops every deadline. */
  stop(): void {
    this.scheduler.stop();
    this.#toFlush.clear();
    this.sessions.stop();
    this.memory.stop();
    this.isClosing = true;
  }
}
