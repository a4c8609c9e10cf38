/** The broker of a test, and the way to its listeners. */
import { Broker, type BrokerOptions, type ListenerRules } from "../../mod.ts";
import type { BytePipe } from "../harness/byte_pipe.ts";
import type { Random } from "../harness/random.ts";
import type { VirtualClock } from "../harness/virtual_clock.ts";

/** What a test wants. */
export interface Setting {
  /** The name of the test. */
  readonly name: string;
  readonly options: BrokerOptions;
  /** The rules of its listeners. */
  readonly rules: readonly ListenerRules[];
}

/** A broker. */
interface Site {
  readonly broker: Broker;
  close(): Promise<void>;
}

/** A broker with real listeners. */
export interface SocketSite extends Site {
  /** The port of a listener for the next connection. */
  port(listener: number): number;
}

/** A broker without sockets. */
export interface MemorySite extends Site {
  /** Takes a connection to a listener. */
  accept(pipe: BytePipe, listener: number): void;
}

/** How the brokers of tests are made, and tests are run. A preload may put something else here. */
export const sites: {
  withSockets: (setting: Setting) => Promise<SocketSite>;
  inMemory: (setting: Setting, clock: VirtualClock, random: Random) => Promise<MemorySite>;
  run: (name: string, test: () => Promise<void>) => Promise<void>;
} = { withSockets, inMemory, run: (_, test) => test() };

async function withSockets({ options, rules }: Setting): Promise<SocketSite> {
  const broker = new Broker(options);
  const listeners = await Promise.all(rules.map((policy) => broker.listen({ port: 0, policy })));
  return {
    broker,
    port: (listener) => listeners[listener]!.port,
    close: () => broker.close(),
  };
}

function inMemory(
  { options, rules }: Setting,
  clock: VirtualClock,
  random: Random,
): Promise<MemorySite> {
  const broker = new Broker({ random: () => random.next(), ...options, clock });
  const policies = rules.map((rule) => broker.listenerPolicy(rule));
  return Promise.resolve({
    broker,
    accept: (pipe, listener) => broker.accept(pipe, { address: "memory" }, policies[listener]),
    close: () => broker.close(),
  });
}
