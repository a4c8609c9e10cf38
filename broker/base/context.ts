import type { Calendar } from "./calendar.ts";
import type { Clock } from "./clock.ts";
import { chainHooks } from "./hook_chain.ts";
import type { BrokerHooks } from "./hooks.ts";
import { CommitMeter } from "./histogram.ts";
import type { BrokerLimits } from "./limits.ts";
import { ListenerPolicy, type ListenerTerms } from "./listener_policy.ts";
import type { Message } from "./message.ts";
import type { Settings } from "./options.ts";
import { Scheduler } from "./scheduler.ts";
import { TurnBudget } from "./turn_budget.ts";
import { BrokerStats, type DropReason, type LimitReason } from "./stats.ts";

/**
 * What every part of a broker needs: the time, the limits, the counters, and the program's hooks.
 * It knows none of the parts.
 */
export class BrokerContext {
  readonly settings: Settings;
  /** The limits in effect; they change with `Broker.changeLimits()`. Parts read them when needed. */
  readonly limits: BrokerLimits;
  readonly #policy: ListenerPolicy;
  /** Those of the program, and of whoever else looks on; read anew for each call. */
  hooks: BrokerHooks;
  readonly #observers = new Set<BrokerHooks>();
  readonly clock: Clock;
  /** How much is done before others have their turn. */
  readonly turns: TurnBudget;
  readonly scheduler: Scheduler;
  readonly calendar: Calendar;
  readonly stats: BrokerStats = new BrokerStats();
  /** What commits to the store are like. */
  readonly commits: CommitMeter = new CommitMeter();
  /** Whether the broker takes no more clients. */
  isClosing = false;
  /** Counts how often answers of authorizers have become outdated. */
  accessVersion = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.limits = settings.limits;
    this.#policy = new ListenerPolicy(settings, this.stats);
    this.hooks = settings.hooks;
    this.clock = settings.clock;
    const failed = (error: unknown) => this.failed(error);
    this.turns = new TurnBudget(this.clock, this.limits, failed);
    this.scheduler = new Scheduler(this.clock, failed, this.turns);
    this.calendar = {
      toWall: (clockMs) => clockMs - this.clock.now() + settings.wallClock(),
      toClock: (wallMs) => wallMs - settings.wallClock() + this.clock.now(),
    };
  }

  /** What holds for clients whose listener has no rules of its own. */
  get terms(): ListenerTerms {
    return this.#policy.effective;
  }

  /**
   * Has hooks called beside those of the program.
   *
   * @returns Takes them away again.
   */
  observe(hooks: BrokerHooks): () => void {
    const change = () => {
      const all = [this.settings.hooks, ...this.#observers];
      this.hooks = chainHooks(all, (error) => this.failed(error));
    };
    this.#observers.add(hooks);
    change();
    return () => {
      this.#observers.delete(hooks);
      change();
    };
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
    if (this.hooks.dropped === undefined) return;
    this.guard(() => this.hooks.dropped!({ reason, topic: message.name, clientId }));
  }

  /** Counts QoS 0 messages that were skipped for a client that lags too far behind. */
  lagged(messages: number): void {
    this.stats.dropped.lag += messages;
    if (this.hooks.dropped === undefined) return;
    this.guard(() => this.hooks.dropped!({ reason: "lag", topic: null, clientId: null }));
  }

  /** Tells the program of a message that was published, if it wants to know. */
  published(message: Message, clientId: string | null): void {
    if (this.hooks.published === undefined) return;
    const { name: topic, payload, qos, retain } = message;
    this.guard(() => this.hooks.published!({ topic, payload, qos, retain, clientId }));
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

  /** Calls something of the program's; what it throws is reported and goes no further. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.failed(error);
    }
  }
}
