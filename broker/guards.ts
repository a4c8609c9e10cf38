import type { Core } from "./core.ts";
import { DrainWatch } from "./drain_watch.ts";
import { FlapGuard } from "./flap_guard.ts";
import { Gate } from "./gate.ts";
import { LoadWatch } from "./load_watch.ts";
import { LoginGuard } from "./login_guard.ts";
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
