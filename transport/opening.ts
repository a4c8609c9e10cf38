import type { PeerInfo, Transport } from "./transport.ts";

/** A pipe that can be used, and what is known of who is at its other end. */
export interface Opened {
  readonly transport: Transport;
  readonly peer: PeerInfo;
}

/**
 * What has to be done before a connection can be used, and may take its time:
 * to read a PROXY header, or do a handshake of TLS or WebSocket. If it rejects,
 * the pipe is left for the caller to close.
 */
export type Opening = (pipe: Transport, peer: PeerInfo) => Promise<Opened>;
