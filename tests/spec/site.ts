/** The broker of a test, and the way to its listeners. */
import type { Broker, BrokerOptions, ListenerRules } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
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

/** Makes a broker with real listeners. */
export async function withSockets({ options, rules }: Setting): Promise<SocketSite> {
  const broker = brokers.make(options);
  const listeners = await Promise.all(rules.map((policy) => broker.listen({ port: 0, policy })));
  return {
    broker,
    port: (listener) => listeners[listener]!.port,
    close: () => broker.close(),
  };
}

/** Makes a broker without sockets, on a clock of the test's own. */
export function inMemory(
  { options, rules }: Setting,
  clock: VirtualClock,
  random: Random,
): MemorySite {
  const broker = brokers.make({ random: () => random.next(), ...options, clock });
  const policies = rules.map((rule) => broker.listenerPolicy(rule));
  return {
    broker,
    accept: (pipe, listener) => broker.accept(pipe, { address: "memory" }, policies[listener]),
    close: () => broker.close(),
  };
}
