/** The links of two brokers in one thread. */
import { Cluster } from "../../cluster/cluster.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import type { Link } from "../../cluster/link.ts";
import type { ClientHome } from "../../broker/base/client_home.ts";
import type { ListenerPolicy } from "../../broker/base/listener_policy.ts";
import type { Broker } from "../../mod.ts";
import { SharedLimits } from "../../broker/limits/shared_limits.ts";
import { DescriptorOwners } from "../../server/workers/descriptor_owners.ts";
import { NodeLinks } from "../../server/workers/node_links.ts";
import type { NativeSockets } from "../../transport/native/native_sockets.ts";
import { makeRing } from "../../transport/ring/ring_buffers.ts";
import { unread } from "../../transport/unread_transport.ts";
import { linkPipes } from "./link_pipe.ts";
import type { MemorySockets } from "./memory_sockets.ts";

/** How many nodes are joined. */
export const NODES = 2;
/** Nodes in memory need not be watched. A test has centuries pass, and nothing may repeat so often. */
const ALIVE_MS = 50 * 365 * 24 * 60 * 60 * 1000;

/** A broker as one of two, with the policies of its listeners. */
export interface Node {
  readonly broker: Broker;
  /** The policy with a name; `null` if there is none. */
  policyOf(name: string): ListenerPolicy | null;
}

/** What joins two nodes. */
export interface Links {
  /** Resolves when they are joined. */
  readonly whenJoined: Promise<void>;
  /** Listeners are open, so that nodes may hand connections over to each other. */
  begin(): void;
  /** Ends the links. */
  close(): void;
}

/** Joins nodes with all that those of a server have. */
export function linkAsWorkers(all: readonly Node[], complain: (line: string) => void): Links {
  const owners = new DescriptorOwners();
  const { buffers } = new SharedLimits(NODES, 0);
  const links = all.map((node, number) =>
    new NodeLinks({
      node: number,
      nodes: NODES,
      owners,
      limits: new SharedLimits(NODES, number, buffers),
    }, {
      ...node,
      policyOf: (name) => node.policyOf(name),
      complain: (_, line) => complain(line),
    })
  );
  const { port1, port2 } = new MessageChannel();
  const rings = { messages: makeRing(), control: makeRing() };
  links[0]!.link({ ...rings, peer: 1, port: port1, side: 0 });
  links[1]!.link({ ...rings, peer: 0, port: port2, side: 1 });
  return {
    whenJoined: Promise.all(links.map((one) => one.whenJoined())).then(() => {}),
    begin: () => links.forEach((one) => one.begin()),
    close: () => links.forEach((one) => one.close()),
  };
}

/** Joins nodes in memory, where nothing takes time. Their listeners are of these sockets. */
export function linkInMemory(all: readonly Node[], sockets: readonly MemorySockets[]): Links {
  const clusters = all.map(({ broker }, node) => {
    broker.handover.begin(homeOf(node, all), sockets[node] as unknown as NativeSockets);
    return new Cluster(broker.nodePort, { node, nodes: NODES, aliveMs: ALIVE_MS });
  });
  const [messages, control] = [linkPipes(), linkPipes()];
  const joins = clusters.map((cluster, node) => {
    const link: Link = { messages: messages[node]!, control: control[node]! };
    return cluster.join(1 - node, link).whenJoined();
  });
  return {
    whenJoined: Promise.all(joins).then(() => {}),
    begin: () => {},
    close: () => clusters.forEach((one) => one.close()),
  };
}

/** Where clients live, as one of the nodes in memory sees it. */
function homeOf(node: number, nodes: readonly Node[]): ClientHome {
  return {
    owns: (clientId) => ownerOf(clientId, NODES) === node,
    handOver({ transport, received, peer, listener }) {
      const { broker, policyOf } = nodes[1 - node]!;
      const policy = policyOf(listener) ?? undefined;
      broker.accept(unread(transport, received), { ...peer, isAdmitted: true }, policy);
    },
  };
}
