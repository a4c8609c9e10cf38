/** Where clients live, when the broker is one of several nodes. */
import type { PeerInfo, Transport } from "../../transport/transport.ts";

/** A connection that was accepted here, and whose client lives on another node. */
export interface ForeignConnection {
  /** The client identifier of its CONNECT. */
  readonly clientId: string;
  /** It is not read any more, and nothing was written to it. */
  readonly transport: Transport;
  /** What was read from it: the CONNECT, and maybe more. It belongs to the taker. */
  readonly received: Uint8Array<ArrayBuffer>;
  /** What is known of the peer. */
  readonly peer: PeerInfo;
  /** The name of the listener that has accepted it. */
  readonly listener: string;
}

/**
 * Decides where clients live: every connection of a client is on one node, that of its client
 * identifier. So a session is found where its client connects, and one node alone takes it over.
 */
export interface ClientHome {
  /** Whether a client lives on this node. */
  owns(clientId: string): boolean;
  /** Takes over a connection, and closes it if it cannot be handed on. It must not throw. */
  handOver(connection: ForeignConnection): void;
}
