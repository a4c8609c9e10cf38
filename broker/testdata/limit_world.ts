import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { BrokerContext } from "../base/context.ts";
import type { BrokerHooks } from "../base/hooks.ts";
import { type BrokerLimits, checkLimits } from "../base/limits.ts";
import { settingsOf } from "../base/options.ts";

/** What a limiter needs: a context on a clock of the test, and what it tells the program. */
export class LimitWorld {
  readonly clock: VirtualClock;
  readonly context: BrokerContext;
  /** Limits that were reached, as reason, address and client identifier. */
  readonly limited: string[] = [];

  constructor(limits: Partial<BrokerLimits>, hooks: BrokerHooks = {}, clock = new VirtualClock()) {
    this.clock = clock;
    this.context = new BrokerContext(settingsOf({
      limits,
      clock,
      heap: null,
      hooks: {
        ...hooks,
        limited: ({ reason, address, clientId }) =>
          void this.limited.push([reason, address, clientId].filter((x) => x !== null).join(" ")),
      },
    }));
  }

  /** Changes limits; the test tells the limiter. */
  change(limits: Partial<BrokerLimits>): void {
    Object.assign(this.context.limits, checkLimits(limits, this.context.limits));
  }
}
