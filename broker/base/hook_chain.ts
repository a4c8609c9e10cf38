/** Makes one set of hooks of several. */
import type { BrokerHooks } from "./hooks.ts";

type AnyHooks = Partial<Record<keyof BrokerHooks, (...args: never[]) => void>>;

/**
 * Hooks that call those of several in turn. A hook that none of them has is left out, so it costs
 * nothing.
 *
 * @param onError Called with an error that one of them throws. The others are still called.
 */
export function chainHooks(
  all: readonly BrokerHooks[],
  onError: (error: unknown) => void,
): BrokerHooks {
  if (all.length === 1) return all[0]!;
  const chained: AnyHooks = {};
  for (const hooks of all as AnyHooks[]) {
    for (const name of Object.keys(hooks) as (keyof BrokerHooks)[]) {
      const called = all.filter((one) => one[name] !== undefined);
      chained[name] = (...args: never[]) => {
        for (const one of called as AnyHooks[]) {
          try {
            one[name]!(...args);
          } catch (error) {
            onError(error);
          }
        }
      };
    }
  }
  return chained as BrokerHooks;
}
