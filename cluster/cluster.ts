/** A broker as one node of a cluster: its links to the other nodes. */
import type { NodeHost } from "../broker/node_port.ts";
import { Interest } from "./interest.ts";
import type { Link } from "./link.ts";
import { Peer } from "./peer.ts";
import type { ClusterPart } from "./peer_part.ts";
import { RetainedReplica } from "./retained_replica.ts";

/** The most nodes of a cluster. Each has a session, and all subscriptions, of each other one. */
const NODES_MAX = 256;
/** How often a node says that it is there, in milliseconds. */
const ALIVE_MS = 5000;

/** Which node of how many. */
export interface ClusterOptions {
  /** The number of this node: 0 or more, and below `nodes`. */
  readonly node: number;
  /** How many nodes there are: 1 to 256. */
  readonly nodes: number;
  /**
   * How often the nodes of a link say to each other that they are there, in milliseconds: 5000 by
   * default. A link ends when four of these times have passed in silence.
   */
  readonly aliveMs?: number;
}

/**
 * Makes a broker a node of a cluster, until it is closed. What a client publishes at one node
 * reaches the subscribers of all nodes that are joined with it.
 *
 * The links are made by somebody else, and made again when they have ended. Meanwhile what the other
 * node has to get with QoS 1 and 2 waits, as for any client that is away.
 */
export class Cluster {
  /** The number of this node. */
  readonly node: number;
  /** How many nodes there are. */
  readonly nodes: number;
  readonly #aliveMs: number;
  readonly #host: NodeHost;
  readonly #interest: Interest;
  readonly #parts: readonly ClusterPart[];
  readonly #peers = new Map<number, Peer>();
  #isClosed = false;

  /**
   * @param host The port of the broker: `broker.nodePort`.
   * @throws {RangeError} If there is no such node.
   */
  constructor(host: NodeHost, { node, nodes, aliveMs = ALIVE_MS }: ClusterOptions) {
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX) {
      throw new RangeError(`Cannot make a cluster of ${nodes} nodes: 1 to ${NODES_MAX}`);
    }
    if (!Number.isInteger(node) || node < 0 || node >= nodes) {
      throw new RangeError(`Cannot be node ${node}: 0 to ${nodes - 1}`);
    }
    this.node = node;
    this.nodes = nodes;
    this.#aliveMs = aliveMs;
    this.#host = host;
    this.#interest = new Interest(host);
    this.#parts = [this.#interest, new RetainedReplica(host, nodes)];
    host.nodes = this.#interest;
  }

  /**
   * Joins another node by a link. An earlier link to it ends.
   *
   * @param peer The number of the other node. The other node has to join this one.
   * @returns The link: it says when the nodes are joined, and when the link has ended.
   * @throws {RangeError} If there is no such other node.
   */
  join(peer: number, link: Link): Peer {
    if (!Number.isInteger(peer) || peer < 0 || peer >= this.nodes || peer === this.node) {
      throw new RangeError(`Cannot join node ${peer} of ${this.nodes} to node ${this.node}`);
    }
    if (this.#isClosed) throw new TypeError("Cannot join a node: the cluster is closed");
    this.#peers.get(peer)?.end();
    const own = { host: this.#host, node: this.node, nodes: this.nodes, aliveMs: this.#aliveMs };
    const one = new Peer({ ...own, peer, link, parts: this.#parts });
    this.#peers.set(peer, one);
    return one;
  }

  /** The last link to another node, which may have ended; `null` if there was none. */
  peer(node: number): Peer | null {
    return this.#peers.get(node) ?? null;
  }

  /** Whether all other nodes are joined. */
  get isJoined(): boolean {
    let joined = 0;
    for (const peer of this.#peers.values()) if (peer.isJoined) joined++;
    return joined === this.nodes - 1;
  }

  /** Ends all links. The broker goes on alone, and keeps the sessions of the other nodes. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.end();
    for (const part of this.#parts) part.close();
    if (this.#host.nodes === this.#interest) this.#host.nodes = null;
  }
}
