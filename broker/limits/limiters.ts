import type { Core } from "../core.ts";
import { DrainWatch } from "./write_timeout.ts";
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
  readonly harmlessBytes: number;

  constructor(core: Core) {
    this.gate = new Gate(core);
    this.logins = new LoginGuard(core);
    this.flaps = new FlapGuard(core);
    this.load = new LoadWatch(core);
    this.drain = new DrainWatch(core);
    this.harmlessBytes = harmlessBytes(core.limits);
  }
}
