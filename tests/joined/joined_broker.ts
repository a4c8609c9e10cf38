/** Two brokers that are joined, as one broker. */
import type {
  Broker,
  BrokerOptions,
  ListenerPolicy,
  ListenerRules,
  ListenOptions,
} from "../../mod.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { TcpListener } from "../../transport/tcp.ts";
import { joinedView } from "./joined_view.ts";
import { linkAsWorkers, linkInMemory, type Links } from "./links.ts";
import { MemorySockets } from "./memory_sockets.ts";

/**
 * Joins two brokers. Connections come to both in turn, and a client is served by the one that owns
 * its client identifier. With a clock of the test's own the nodes are in memory, and nothing takes
 * time; otherwise they have all that those of a server have, but in one thread.
 */
export function joined(brokers: readonly [Broker, Broker], options: BrokerOptions): Broker {
  return joinedView(brokers, new JoinedPair(brokers, options).methods);
}

class JoinedPair {
  /** What two brokers do together in another way than one does it. */
  readonly methods: Partial<Record<PropertyKey, unknown>>;
  readonly #brokers: readonly Broker[];
  readonly #links: Links;
  /** Those in memory; `null` if the nodes are linked as workers are. */
  readonly #sockets: readonly MemorySockets[] | null;
  /** The policies of a listener at each node, by that of the first one. */
  readonly #policies = new Map<ListenerPolicy, readonly ListenerPolicy[]>();
  readonly #ports = new Map<ListenerPolicy | undefined, Promise<readonly number[]>>();
  #named = 0;
  #accepted = 0;
  #closing: Promise<void> | null = null;

  constructor(brokers: readonly [Broker, Broker], options: BrokerOptions) {
    this.#brokers = brokers;
    const nodes = brokers.map((broker, node) => ({
      broker,
      policyOf: (name: string) => this.#policyOf(node, name),
    }));
    this.#sockets = options.clock === undefined ? null : brokers.map(() => new MemorySockets());
    this.#links = this.#sockets === null
      ? linkAsWorkers(nodes, (line) => options.hooks?.failed?.(new Error(line)))
      : linkInMemory(nodes, this.#sockets);
    // A test may close the nodes before.
    this.#links.whenJoined.catch(() => {});
    this.methods = {
      listenerPolicy: (rules: ListenerRules) => this.#listenerPolicy(rules),
      disconnectClients: (policy: ListenerPolicy) => this.#disconnectClients(policy),
      listen: (listening: ListenOptions = {}) => this.#listen(listening),
      accept: (pipe: Transport, peer?: PeerInfo, policy?: ListenerPolicy) =>
        this.#accept(pipe, peer, policy),
      close: (closing?: { graceMs?: number }) => this.#closing ??= this.#close(closing),
      [Symbol.asyncDispose]: () => this.#closing ??= this.#close(),
    };
  }

  #listenerPolicy(rules: ListenerRules): ListenerPolicy {
    const named = { name: `${this.#named++}`, ...rules };
    const policies = this.#brokers.map((broker) => broker.listenerPolicy(named));
    this.#policies.set(policies[0]!, policies);
    return policies[0]!;
  }

  #policyOf(node: number, name: string): ListenerPolicy | null {
    for (const policies of this.#policies.values()) {
      if (policies[node]!.name === name) return policies[node]!;
    }
    return null;
  }

  #policiesOf({ policy, lenient }: ListenOptions): readonly ListenerPolicy[] {
    const known = this.#policies.get(policy as ListenerPolicy);
    if (known !== undefined) return known;
    const rules = { ...policy as ListenerRules, ...lenient === undefined ? {} : { lenient } };
    return this.#policies.get(this.#listenerPolicy(rules))!;
  }

  #disconnectClients(policy: ListenerPolicy): void {
    const policies = this.#policies.get(policy)!;
    this.#brokers.forEach((broker, node) => broker.disconnectClients(policies[node]!));
  }

  /** Listens at both nodes. The port of the listener is that of one and the other in turn. */
  async #listen(options: ListenOptions): Promise<TcpListener> {
    const policies = this.#policiesOf(options);
    const { lenient: _, ...others } = options;
    await this.#links.whenJoined;
    const native = this.#sockets === null ? { native: true } : {};
    const all = this.#brokers.map((broker, node) =>
      broker.listen({ ...native, ...others, policy: policies[node]! })
    );
    const listeners = await Promise.all(all);
    this.#links.begin();
    let dialled = 0;
    return {
      hostname: listeners[0]!.hostname,
      get port() {
        return listeners[dialled++ % listeners.length]!.port;
      },
      close: async () => void await Promise.all(listeners.map((listener) => listener.close())),
    } as TcpListener;
  }

  async #accept(
    pipe: Transport,
    peer: PeerInfo = { address: "memory" },
    policy?: ListenerPolicy,
  ): Promise<void> {
    const node = this.#accepted++ % this.#brokers.length;
    const sockets = this.#sockets?.[node];
    if (sockets === undefined || peer.isAdmitted) {
      return this.#brokers[node]!.accept(pipe, peer, this.#policies.get(policy!)?.[node]);
    }
    let ports = this.#ports.get(policy);
    if (ports === undefined) this.#ports.set(policy, ports = this.#openInMemory(policy));
    try {
      sockets.connect((await ports)[node]!, pipe, peer.address);
    } catch {
      // The broker was closed before its listeners were open.
      pipe.close();
    }
  }

  async #openInMemory(policy?: ListenerPolicy): Promise<readonly number[]> {
    const policies = this.#policiesOf(policy === undefined ? {} : { policy });
    await this.#links.whenJoined;
    const all = this.#brokers.map((broker, node) =>
      broker.listen({ native: true, port: 0, policy: policies[node]! })
    );
    return (await Promise.all(all)).map(({ port }) => port);
  }

  async #close(options?: { graceMs?: number }): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.close(options)));
    this.#links.close();
  }
}
