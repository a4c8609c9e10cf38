/** The steps before a connection can be used, such as a handshake. */
import type { PeerInfo, Transport } from "./transport.ts";

/** A pipe that is ready for use, and what is known about the peer. */
export interface Opened {
  readonly transport: Transport;
  readonly peer: PeerInfo;
}

/**
 * A step before a connection can be used: it reads a PROXY header, or does the handshake of TLS or
 * WebSocket. It may take long. If it rejects, the caller must close the pipe.
 */
export type Opening = (pipe: Transport, peer: PeerInfo) => Promise<Opened>;
