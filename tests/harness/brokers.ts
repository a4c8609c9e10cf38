/** How tests make a broker that may be several nodes. */
import { Broker, type BrokerOptions } from "../../mod.ts";
import type { Store } from "../../store/mod.ts";

/** How the brokers of tests are made. A preload may put something else here. */
export const brokers: {
  make: (options?: BrokerOptions) => Broker;
  /** Each node has a store of its own. */
  open: (newStore: () => Store, options?: BrokerOptions) => Promise<Broker>;
  /** Flags of `deno run` that have another process make them in the same way. */
  flags: readonly string[];
} = {
  make: (options) => new Broker(options),
  open: (newStore, options) => Broker.open(newStore(), options),
  flags: [],
};
