/** What makes a broker one node of a server: the ways to the other nodes. */
import type { ListenerPolicy } from "../../broker/base/listener_policy.ts";
import type { SharedLimits } from "../../broker/limits/shared_limits.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { Cluster } from "../../cluster/cluster.ts";
import type { Peer } from "../../cluster/peer.ts";
import type { Broker } from "../../mod.ts";
import { openLibc } from "../../transport/native/ffi_libc.ts";
import { NativeSockets } from "../../transport/native/native_sockets.ts";
import { ringTransport } from "../../transport/ring/ring_transport.ts";
import type { Transport } from "../../transport/transport.ts";
import { unread } from "../../transport/unread_transport.ts";
import { ConnectionExchange } from "./connection_exchange.ts";
import { type DescriptorOwners, RecordingLibc } from "./descriptor_owners.ts";
import type { HandedConnection, PeerWay, PostedToNode } from "./node_messages.ts";

/** The node that has the streams. */
const STREAMS_NODE = 0;
/** The most connections that are held while the listeners are opened; further ones are closed. */
const HELD_MAX = 1000;

/** What a node shares with the others, in memory. */
export interface SharedState {
  /** Who has which descriptors. */
  readonly owners: DescriptorOwners;
  /** The connections and addresses of all nodes. */
  readonly limits: SharedLimits;
}

/** Which node of how many, and what they share. */
export interface NodeSeat extends SharedState {
  readonly node: number;
  readonly nodes: number;
}

/** The server of one node, as its links need it. */
export interface NodeServer {
  readonly broker: Broker;
  /** The policy of a listener; `null` if there is none of this name. */
  policyOf(listener: string): ListenerPolicy | null;
  /** Tells the operator, in a line that may be repeated. */
  complain(key: string, line: string): void;
}

/** The ways of one broker to the other nodes. Make it before the first listener is opened. */
export class NodeLinks {
  readonly #server: NodeServer;
  readonly #exchange: ConnectionExchange;
  readonly #cluster: Cluster;
  readonly #sockets: NativeSockets;
  /** The links that are made again if they end. */
  readonly #links = new Map<number, Peer>();
  /** Is told that the link to a node has ended by itself, and why. Set by `node_worker.ts`. */
  onLost: (peer: number, why: string) => void = () => {};
  readonly #node: number;
  /** What was posted before the listeners were open; `null` when they are. */
  #held: PostedToNode[] | null = [];

  constructor({ node, nodes, owners, limits }: NodeSeat, server: NodeServer) {
    const { broker } = server;
    this.#server = server;
    this.#node = node;
    const away = `Worker ${node}: another worker does not run now`;
    this.#exchange = new ConnectionExchange({
      node,
      nodes,
      owners,
      take: (posted) => this.#take(posted),
      onLost: () => server.complain("lost", away),
    });
    const reportError = (error: unknown) => server.complain("failed", String(error));
    const libc = new RecordingLibc(openLibc(), owners, node);
    this.#sockets = new NativeSockets({ libc, reportError });
    broker.handover.begin(this.#exchange, this.#sockets);
    broker.handover.share(limits);
    this.#cluster = new Cluster(broker.nodePort, { node, nodes });
    if (node !== STREAMS_NODE) this.#readAtFirst();
  }

  /** The clients of this node read the streams of the first one. */
  #readAtFirst(): void {
    const exchange = this.#exchange;
    this.#server.broker.nodePort.readers.readAt({
      get isUp() {
        return exchange.has(STREAMS_NODE);
      },
      open: (hello) => exchange.openReader(STREAMS_NODE, hello),
      end: (clientId) => exchange.post(STREAMS_NODE, { kind: "reader-ended", clientId }),
    });
  }

  /** There is a way to another node from now on. */
  link({ peer, port, messages, control, side }: PeerWay): void {
    this.#exchange.join(peer, port);
    const link = this.#cluster.join(peer, {
      messages: ringTransport(messages, side),
      control: ringTransport(control, side),
    });
    this.#links.set(peer, link);
    void link.whenEnded().then((error) => {
      // Not if it was ended here, because the other node does not run.
      if (this.#links.get(peer) !== link) return;
      this.#links.delete(peer);
      this.onLost(peer, error === null ? "it has ended" : String(error));
    });
    if (peer === STREAMS_NODE) this.#tellReaders();
  }

  /** Tells the node of the streams which of its sessions it has to keep, and opens them again. */
  #tellReaders(): void {
    const { readers } = this.#server.broker.nodePort;
    const { clientIds } = readers;
    this.#exchange.post(STREAMS_NODE, { kind: "readers", node: this.#node, clientIds });
    readers.onUp();
  }

  /** Resolves when all nodes are joined to which there is a way, or their ways have ended. */
  async whenJoined(): Promise<void> {
    for (let peer = 0; peer < this.#cluster.nodes; peer++) {
      await this.#cluster.peer(peer)?.whenJoined();
    }
  }

  /** The listeners are open, so there are rules for the connections that other nodes hand over. */
  begin(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const posted of held) this.#enter(posted);
  }

  /** Another node does not run. */
  part(peer: number): void {
    this.#exchange.part(peer);
    this.#links.delete(peer);
    this.#cluster.peer(peer)?.end();
  }

  /** Ends all ways. Call it when the broker is closed. */
  close(): void {
    this.#links.clear();
    this.#cluster.close();
    this.#exchange.close();
  }

  #take(posted: PostedToNode): void {
    if (this.#held === null) this.#enter(posted);
    else if (this.#held.length < HELD_MAX || !isConnection(posted)) this.#held.push(posted);
    else this.#transportOf(posted).close();
  }

  #enter(posted: PostedToNode): void {
    const { broker: { nodePort: { readers } } } = this.#server;
    switch (posted.kind) {
      case "reader": {
        const policy = this.#server.policyOf(posted.hello.listener);
        return readers.accept(posted.hello, ringTransport(posted.ring, 1), policy);
      }
      case "reader-ended":
        return readers.end(posted.clientId);
      case "readers": {
        const { nodes } = this.#cluster;
        const livesThere = (clientId: string) => ownerOf(clientId, nodes) === posted.node;
        return readers.keep(livesThere, posted.clientIds);
      }
      default:
        this.#enterConnection(posted);
    }
  }

  #enterConnection(connection: HandedConnection): void {
    const transport = this.#transportOf(connection);
    const { broker } = this.#server;
    const policy = this.#server.policyOf(connection.listener);
    // The other node has not closed the listener yet.
    if (policy === null) return transport.close();
    broker.accept(transport, { ...connection.peer, isAdmitted: true }, policy);
  }

  #transportOf(connection: HandedConnection): Transport {
    const { received } = connection;
    return connection.kind === "socket"
      ? this.#sockets.adopt({ fd: connection.fd, unread: received })
      : unread(ringTransport(connection.ring, 1), received);
  }
}

/** Whether it is a connection of a client, and not a matter between nodes. */
function isConnection(posted: PostedToNode): posted is HandedConnection {
  return posted.kind === "socket" || posted.kind === "ring";
}
