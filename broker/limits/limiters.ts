import type { BrokerContext } from "../base/context.ts";
import { DrainWatch, type WatchedConnection } from "./write_timeout.ts";
import { FlapGuard } from "./takeover_limiter.ts";
import { Gate } from "./connection_limiter.ts";
import { LoadWatch } from "./event_loop_monitor.ts";
import { LoginGuard } from "./login_limiter.ts";
import { harmlessBytes } from "./packet_limits.ts";

/** Everything that keeps clients from doing harm to the others, by what they may do harm with. */
export class Guards {
  /** Who may connect, by address and in all. */
  readonly gate: Gate;
  /** Who guesses passwords. */
  readonly logins: LoginGuard;
  /** Who throws another out again and again. */
  readonly flaps: FlapGuard;
  /** Whether there is time for newcomers. */
  readonly load: LoadWatch;
  /** Who takes nothing. */
  readonly drain: DrainWatch;
  /** Bodies of packets up to this size are not looked into, in bytes. */
  harmlessBytes: number;

  readonly #context: BrokerContext;

  constructor(context: BrokerContext, connections: Iterable<WatchedConnection>) {
    this.#context = context;
    this.gate = new Gate(context);
    this.logins = new LoginGuard(context);
    this.flaps = new FlapGuard(context);
    this.load = new LoadWatch(context);
    this.drain = new DrainWatch(context, connections);
    this.harmlessBytes = harmlessBytes(context.limits);
  }

  /** Goes by limits that have changed. */
  applyLimits(): void {
    this.gate.applyLimits();
    this.logins.applyLimits();
    this.flaps.applyLimits();
    this.load.applyLimits();
    this.drain.applyLimits();
    this.harmlessBytes = harmlessBytes(this.#context.limits);
  }
}
