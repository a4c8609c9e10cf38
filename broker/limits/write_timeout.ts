import type { Core } from "../core.ts";
import { Deadline } from "../base/scheduler.ts";

/** How many times in a row a write must be found stuck. */
const LOOKS = 4;

/**
 * Closes connections to clients that take nothing although something waits for them. One deadline
 * looks at them all, as long as anybody is written to: no write needs a timer of its own.
 */
export class DrainWatch {
  readonly #core: Core;
  readonly #look: Deadline = new Deadline(() => this.#looked());

  constructor(core: Core) {
    this.#core = core;
  }

  /** Something is written. */
  start(): void {
    if (this.#look.index < 0 && this.#core.limits.drainMs > 0) this.#next();
  }

  #next(): void {
    const { scheduler, clock, limits } = this.#core;
    scheduler.set(this.#look, clock.now() + limits.drainMs / LOOKS);
  }

  #looked(): void {
    const core = this.#core;
    for (const connection of core.connections) {
      const looks = connection.outbox.stuckLooks();
      if (looks > 0) this.start();
      // The first look sees that there is a write, the others that it is still the same.
      if (looks <= LOOKS) continue;
      connection.limited("drain");
      connection.cutOff(new Error(`Has taken nothing for ${core.limits.drainMs} ms`));
    }
  }
}
