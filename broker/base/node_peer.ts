/** Another node of a cluster: the name of its session here, and where its messages come from. */
import { Origin } from "./origin.ts";
import { BrokerCounters } from "./stats.ts";
import { readerClientId, type ReadingClient } from "./stream_reader.ts";

/** Begins the client identifier of a node: U+0000 is in no client identifier [MQTT-1.5.4-2]. */
const PREFIX = "\0node ";

/** A node at the other end of a link, or what reads streams for a client of it. */
export interface NodePeer {
  /** Where its messages come from. */
  readonly origin: Origin;
  /** The client identifier of the session that it has here. No other client can have it. */
  readonly clientId: string;
  /** The counters of its connection: what clients send and get is counted where they are. */
  readonly counters: BrokerCounters;
  /** The client of the other node for which it reads streams; `null` for the node itself. */
  readonly reader: ReadingClient | null;
}

/** The other nodes of a cluster, as the handlers of packets see them. */
export interface LinkedNodes {
  /**
   * A promise that resolves when all linked nodes know the subscriptions that were made until now,
   * so that what is published there from then on arrives here; `null` if they know them.
   *
   * @param wantsRetained Whether to wait until the retained messages are here that were published
   * there before.
   */
  whenTold(wantsRetained: boolean): PromiseLike<void> | null;
  /**
   * The shared group, with `$share/…`, that another node has sent a message to: it knows the number
   * from this node. `null` if there is no such group any more.
   */
  groupOf(number: number): string | null;
}

/**
 * A node as a client of this broker.
 *
 * @param node The number of the node, 0 or more.
 * @param pair What both nodes call the pair of sessions that they have at each other: letters and
 * digits. A session is continued only if the other node has the other one of the pair.
 */
export function nodePeer(node: number, pair: string): NodePeer {
  const clientId = nodeClientId(node, pair);
  const origin = Origin.link(String(node));
  return { origin, clientId, counters: new BrokerCounters(), reader: null };
}

/** What reads streams here for a client of another node. */
export function readingPeer(reader: ReadingClient): NodePeer {
  const clientId = readerClientId(reader.clientId);
  return { origin: Origin.link(clientId), clientId, counters: new BrokerCounters(), reader };
}

/** The client identifier of the session that a node has here. */
export function nodeClientId(node: number, pair: string): string {
  return `${PREFIX}${node} ${pair}`;
}

/** Whether a client identifier is that of a node, or of what reads streams for its clients. */
export function isNodeClientId(clientId: string): boolean {
  return clientId.charCodeAt(0) === 0;
}

/** The name of the pair of a session that a node has here; `null` if it is that of another client. */
export function pairOf(node: number, clientId: string): string | null {
  const prefix = nodeClientId(node, "");
  return clientId.startsWith(prefix) ? clientId.slice(prefix.length) : null;
}
