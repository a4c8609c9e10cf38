import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { BrokerContext } from "../base/context.ts";
import type { BrokerHooks } from "../base/hooks.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { settingsOf } from "../base/options.ts";

/** A context on a virtual clock, without any other part of a broker. */
export function testContext(
  limits: Partial<BrokerLimits> = {},
  hooks: BrokerHooks = {},
  clock: VirtualClock = new VirtualClock(),
): { context: BrokerContext; clock: VirtualClock } {
  const failed = (error: unknown) => {
    throw error;
  };
  const settings = settingsOf({
    limits,
    hooks: { failed, ...hooks },
    clock,
    wallClock: () => clock.now(),
    heap: null,
    random: () => 0.5,
  });
  return { context: new BrokerContext(settings), clock };
}

/** A memory budget with room for every message. */
export const AMPLE_MEMORY = { admitsMessage: (): boolean => true };

/** Changes limits of a context, as `Broker.changeLimits()` does. */
export function setLimits(context: BrokerContext, limits: Partial<BrokerLimits>): void {
  Object.assign(context.limits, limits);
}
