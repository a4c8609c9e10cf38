/** Sessions at the node that has the streams, for clients of other nodes that read them. */
import type { PeerInfo, Transport } from "../../transport/transport.ts";

/** Begins the identifier of such a session: no client can have one with U+0000 [MQTT-1.5.4-2]. */
const PREFIX = "\0reader ";

/** The client of another node for which streams are read here. */
export interface ReadingClient {
  readonly clientId: string;
  /** Its user name; `null` for none. */
  readonly username: string | null;
}

/** What the node of the streams is told of a client that reads them from another node. */
export interface ReaderHello extends ReadingClient {
  /** Whether it begins anew: an earlier reading session of the client ends. */
  readonly isNew: boolean;
  /** What is known of the client. */
  readonly peer: Pick<PeerInfo, "address">;
  /** The name of the listener by whose rules it has connected. */
  readonly listener: string;
}

/** The node that has the streams, as another node sees it. */
export interface StreamsHome {
  /** Whether there is a way to it now. */
  readonly isUp: boolean;
  /**
   * Opens a connection for a client that reads streams. It begins with a CONNECT whose client
   * identifier does not matter. Call it only while there is a way.
   */
  open(hello: ReaderHello): Transport;
  /** Ends the reading session of a client. Without a way nothing happens: see `ReaderPort.keep`. */
  end(clientId: string): void;
}

/** The identifier of the session that reads streams for a client. */
export function readerClientId(clientId: string): string {
  return PREFIX + clientId;
}

/** Whether it is the identifier of a session that reads streams for a client of another node. */
export function isReaderClientId(clientId: string): boolean {
  return clientId.startsWith(PREFIX);
}

/** The identifier by which everybody knows the client of a session that reads streams. */
export function shownClientId(clientId: string): string {
  return isReaderClientId(clientId) ? clientId.slice(PREFIX.length) : clientId;
}
