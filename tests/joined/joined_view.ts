/** Two brokers as one object, for tests that look at their broker. */
import type { Broker } from "../../mod.ts";

/** What every node has, so that a sum would count it twice. */
const REPLICATED = new Set(["retainedMessages", "retainedBytes"]);

/** Methods that have to be called at every node. */
const EVERYWHERE = new Set(["changeLimits", "reauthorize"]);

/**
 * The brokers as if they were one: their counters are added up, and what is changed is changed at
 * all of them. Anything else is that of the first one.
 *
 * @param methods Those that the brokers have together.
 */
export function joinedView(
  brokers: readonly Broker[],
  methods: Partial<Record<PropertyKey, unknown>>,
): Broker {
  const stats = sumView(brokers.map((broker) => broker.stats as unknown as Counters));
  return new Proxy(brokers[0]!, {
    get(first, key) {
      if (key === "stats") return stats;
      if (key in methods) return methods[key];
      const value = Reflect.get(first, key, first);
      if (typeof value !== "function") return value;
      if (!EVERYWHERE.has(key as string)) return value.bind(first);
      return (...args: unknown[]) => {
        const results = brokers.map((broker) =>
          Reflect.get(broker, key, broker).apply(broker, args)
        );
        return results[0] instanceof Promise ? Promise.all(results).then(sum) : undefined;
      };
    },
  });
}

interface Counters {
  readonly [name: string]: number | Counters;
}

function sumView(all: readonly Counters[]): Counters {
  return new Proxy(all[0]!, {
    get(first, key) {
      const values = all.map((counters) => counters[key as string]!);
      if (typeof values[0] === "object") return sumView(values as Counters[]);
      return REPLICATED.has(key as string) ? first[key as string] : sum(values as number[]);
    },
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
