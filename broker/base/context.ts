/** What every part of the broker uses: clock, limits, counters, hooks and turns. */
import type { Calendar } from "./calendar.ts";
import type { ClientHome } from "./client_home.ts";
import type { Clock } from "./clock.ts";
import { chainHooks } from "./hook_chain.ts";
import type { BrokerHooks } from "./hooks.ts";
import { CommitMeter } from "./histogram.ts";
import type { BrokerLimits } from "./limits.ts";
import { type EffectivePolicy, ListenerPolicy } from "./listener_policy.ts";
import type { Message } from "./message.ts";
import type { Settings } from "./options.ts";
import { Scheduler } from "./scheduler.ts";
import { TurnBudget } from "./turn_budget.ts";
import { BrokerCounters, type DropReason, type LimitReason } from "./stats.ts";

/**
 * The dependencies of every part of the broker: time, limits, counters, and the program's hooks. It
 * knows none of the parts.
 */
export class BrokerContext {
  readonly settings: Settings;
  /** The limits in effect; `Broker.changeLimits()` changes them. Parts read them when needed. */
  readonly limits: BrokerLimits;
  readonly #listenerPolicy: ListenerPolicy;
  /**
   * The hooks of the program and of observers. Not readonly, because `observe()` replaces them:
   * read this field for each call.
   */
  hooks: BrokerHooks;
  readonly #observers = new Set<BrokerHooks>();
  readonly clock: Clock;
  /** The work budget of a turn. */
  readonly turns: TurnBudget;
  readonly scheduler: Scheduler;
  readonly calendar: Calendar;
  readonly stats: BrokerCounters = new BrokerCounters();
  /** Measures the commits to the store. */
  readonly commits: CommitMeter = new CommitMeter();
  /**
   * Called with each dropped message, which is borrowed; `null` for none. Set by `dead_letters.ts`.
   */
  onDrop: ((reason: DropReason, message: Message, clientId: string | null) => void) | null = null;
  /** Where clients live; `null` if all live here. Set by `handover.ts`, before listeners are opened. */
  home: ClientHome | null = null;
  /** Whether another node has the streams; set by `remote_streams.ts`. */
  readsElsewhere = false;
  /** Whether the broker is closing and accepts no more clients; `broker.ts` sets it. */
  isClosing = false;
  /**
   * Counts changes of permissions, after which cached answers of authorizers are outdated; counted
   * by `reauthorization.ts` and `inspection.ts`.
   */
  accessVersion = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.limits = settings.limits;
    this.#listenerPolicy = new ListenerPolicy(settings, this.stats);
    this.hooks = settings.hooks;
    this.clock = settings.clock;
    const onError = (error: unknown) => this.reportError(error);
    this.turns = new TurnBudget(this.clock, this.limits, onError);
    this.scheduler = new Scheduler(this.clock, onError, this.turns);
    this.calendar = {
      toWall: (clockMs) => clockMs - this.clock.now() + settings.wallClock(),
      toClock: (wallMs) => wallMs - settings.wallClock() + this.clock.now(),
    };
  }

  /** The policy of clients whose listener has no rules of its own. */
  get policy(): EffectivePolicy {
    return this.#listenerPolicy.effective;
  }

  /**
   * Adds hooks that are called beside those of the program.
   *
   * @returns Removes them again.
   */
  observe(hooks: BrokerHooks): () => void {
    const change = () => {
      const all = [this.settings.hooks, ...this.#observers];
      this.hooks = chainHooks(all, (error) => this.reportError(error));
    };
    this.#observers.add(hooks);
    change();
    return () => {
      this.#observers.delete(hooks);
      change();
    };
  }

  /** Counts messages that a client may not receive. The `dropped` hook is not called. */
  countWithheld(messages: number): void {
    this.stats.dropped["read-denied"] += messages;
  }

  /** Counts a reached limit, and calls the hook. */
  reportLimit(reason: LimitReason, address: string | null, clientId: string | null): void {
    this.stats.limited[reason]++;
    if (this.hooks.limited) this.guard(() => this.hooks.limited!({ reason, address, clientId }));
  }

  /** Counts a message that was not delivered to a receiver, and calls the hook. */
  reportDrop(reason: DropReason, message: Message, clientId: string | null): void {
    this.onDrop?.(reason, message, clientId);
    this.countDrop(reason, message.name, clientId);
  }

  /** Counts a message that was not delivered, but that `onDrop` must not keep. */
  countDrop(reason: DropReason, topic: string, clientId: string | null): void {
    this.stats.dropped[reason]++;
    if (this.hooks.dropped === undefined) return;
    this.guard(() => this.hooks.dropped!({ reason, topic, clientId }));
  }

  /** Counts QoS 0 messages that were skipped for a client that lags too far behind. */
  reportLag(messages: number): void {
    this.stats.dropped.lag += messages;
    if (this.hooks.dropped === undefined) return;
    this.guard(() => this.hooks.dropped!({ reason: "lag", topic: null, clientId: null }));
  }

  /** Calls the `published` hook, if there is one, on the node where the message was published. */
  reportPublish(message: Message): void {
    if (this.hooks.published === undefined || message.origin.kind === "link") return;
    const { name: topic, payload, qos, retain, origin: { clientId } } = message;
    this.guard(() => this.hooks.published!({ topic, payload, qos, retain, clientId }));
  }

  /** Reports an internal error. It must never reach a peer's connection loop. */
  reportError(error: unknown): void {
    this.stats.internalErrors++;
    try {
      this.hooks.failed?.(error);
    } catch {
      // The hook itself failed.
    }
  }

  /** Calls a function of the program. Its error is reported and not thrown. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reportError(error);
    }
  }
}
