/**
 * Has the conversations of a test run take place with two brokers that are joined, as those of two
 * workers are: `deno test --preload FILE tests/spec`. The nodes accept connections in turn, and a
 * client is served by the one that owns its client identifier. Tests that make brokers by themselves
 * run as ever.
 *
 * @module
 */
import { Cluster } from "../../../cluster/cluster.ts";
import { ownerOf } from "../../../cluster/client_owner.ts";
import type { ClientHome } from "../../../broker/base/client_home.ts";
import type { ListenerPolicy } from "../../../broker/base/listener_policy.ts";
import { Scheduler } from "../../../broker/base/scheduler.ts";
import { connectOpening, HANDED_OVER } from "../../../broker/listen/connect_opening.ts";
import { Broker } from "../../../mod.ts";
import { DescriptorOwners } from "../../../server/workers/descriptor_owners.ts";
import { NodeLinks } from "../../../server/workers/node_links.ts";
import { makeRing } from "../../../transport/ring/ring_buffers.ts";
import type { Transport } from "../../../transport/transport.ts";
import { unread } from "../../../transport/unread_transport.ts";
import type { Random } from "../../harness/random.ts";
import type { VirtualClock } from "../../harness/virtual_clock.ts";
import { VirtualConnection } from "../../harness/virtual_network.ts";
import { VirtualPipe } from "../../harness/virtual_pipe.ts";
import { type MemorySite, type Setting, sites, type SocketSite } from "../site.ts";
import { runUnlessExcluded } from "./exclusions.ts";
import { joinedView } from "./joined_view.ts";

const NODES = 2;
/** Nodes in memory need not be watched. A test has centuries pass, and nothing may repeat so often. */
const ALIVE_MS = 50 * 365 * 24 * 60 * 60 * 1000;

/** A node in memory, with the policies of its listeners. */
interface MemoryNode {
  readonly broker: Broker;
  readonly cluster: Cluster;
  readonly policies: readonly ListenerPolicy[];
}

sites.withSockets = withSockets;
sites.inMemory = inMemory;
sites.run = runUnlessExcluded;

/** Two nodes with all that those of a server have, but in one thread. */
async function withSockets({ options, rules }: Setting): Promise<SocketSite> {
  const owners = new DescriptorOwners();
  const nodes = Array.from({ length: NODES }, (_, node) => {
    const broker = new Broker(options);
    const policies = rules.map((rule, i) => broker.listenerPolicy({ name: `${i}`, ...rule }));
    const links = new NodeLinks({ node, nodes: NODES, owners }, {
      broker,
      policyOf: (name) => policies.find((policy) => policy.name === name) ?? null,
      complain: (_, line) => options.hooks?.failed?.(new Error(line)),
    });
    return { broker, policies, links };
  });
  const [one, other] = nodes as [typeof nodes[0], typeof nodes[0]];
  const { port1, port2 } = new MessageChannel();
  const rings = { messages: makeRing(), control: makeRing() };
  one.links.link({ ...rings, peer: 1, port: port1, side: 0 });
  other.links.link({ ...rings, peer: 0, port: port2, side: 1 });
  const listeners = await Promise.all(nodes.map(async ({ broker, policies, links }) => {
    await links.whenJoined();
    const all = policies.map((policy) => broker.listen({ port: 0, policy, native: true }));
    const opened = await Promise.all(all);
    links.begin();
    return opened;
  }));
  let dialled = 0;
  return {
    broker: joinedView(nodes.map(({ broker }) => broker)),
    port: (listener) => listeners[dialled++ % NODES]![listener]!.port,
    async close() {
      await Promise.all(nodes.map(({ broker }) => broker.close()));
      for (const { links } of nodes) links.close();
    },
  };
}

/** Two nodes over links in memory. */
async function inMemory(
  { options, rules }: Setting,
  clock: VirtualClock,
  random: Random,
): Promise<MemorySite> {
  const nodes: MemoryNode[] = [];
  for (let node = 0; node < NODES; node++) {
    const broker = new Broker({ random: () => random.next(), ...options, clock });
    broker.handover.begin(homeOf(node, nodes));
    const cluster = new Cluster(broker.nodePort, { node, nodes: NODES, aliveMs: ALIVE_MS });
    const policies = rules.map((rule, i) => broker.listenerPolicy({ name: `${i}`, ...rule }));
    nodes.push({ broker, cluster, policies });
  }
  const conditions = { maxDelayMs: 0, windowBytes: 2 ** 24 };
  const pipe = () => new VirtualPipe(clock, random.fork(), conditions, () => {});
  const [messages, control] = [0, 1].map((i) => new VirtualConnection(i, pipe(), pipe(), () => {}));
  const [one, other] = nodes as [MemoryNode, MemoryNode];
  one.cluster.join(1, { messages: messages!.client, control: control!.client });
  other.cluster.join(0, { messages: messages!.server, control: control!.server });
  await clock.advance(0);
  if (!one.cluster.isJoined || !other.cluster.isJoined) throw new Error("The nodes do not join");
  let accepted = 0;
  return {
    broker: joinedView(nodes.map(({ broker }) => broker)),
    accept: (pipe, listener) => {
      const node = accepted++ % NODES;
      void open(pipe, homeOf(node, nodes), nodes[node]!, listener);
    },
    async close() {
      await Promise.all(nodes.map(({ broker }) => broker.close()));
      for (const { cluster } of nodes) cluster.close();
    },
  };
}

/** Where clients live, as one of the nodes in memory sees it. */
function homeOf(node: number, nodes: readonly MemoryNode[]): ClientHome {
  return {
    owns: (clientId) => ownerOf(clientId, NODES) === node,
    handOver({ transport, received, peer, listener }) {
      const { broker, policies } = nodes[1 - node]!;
      const policy = policies.find(({ name }) => name === listener);
      broker.accept(unread(transport, received), { ...peer, isAdmitted: true }, policy);
    },
  };
}

/** What a listener does with a connection when there are several nodes. */
async function open(
  pipe: Transport,
  home: ClientHome,
  { broker, policies }: MemoryNode,
  listener: number,
): Promise<void> {
  const policy = policies[listener]!;
  const { clock, limits } = broker;
  const peer = { address: "memory" };
  const host = { clock, limits, scheduler: new Scheduler(clock), reportLimit: () => {} };
  try {
    const { transport } = await connectOpening(home, host, policy)(pipe, peer);
    if (transport !== HANDED_OVER) broker.accept(transport, peer, policy);
  } catch {
    // It has ended before its CONNECT was complete, or has taken too long for it.
    pipe.close();
  }
}
