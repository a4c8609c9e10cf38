/** What a broker offers to other nodes whose clients read its streams, and needs of such a node. */
import { allowAll } from "../auth/authenticator.ts";
import { ReasonCode } from "../codec/mod.ts";
import type { Transport } from "../transport/transport.ts";
import { ListenerPolicy } from "./base/listener_policy.ts";
import { readingPeer } from "./base/node_peer.ts";
import {
  isReaderClientId,
  readerClientId,
  type ReaderHello,
  shownClientId,
  type StreamsHome,
} from "./base/stream_reader.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { Connection } from "./connection/connection.ts";
import { NEVER_EXPIRES } from "./session/session.ts";

/**
 * The streams of a cluster are at one of its nodes. For each client of another node that reads them
 * there is a session at that node, which lasts as long as that of the client, and a connection while
 * the client is connected.
 */
export class ReaderPort {
  readonly #parts: BrokerParts;
  /** The last connection for each client; those that are gone are dropped from time to time. */
  readonly #connections = new Map<string, Connection>();
  #lookAt = 64;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  // The side of the clients.

  /** Another node has the streams, from now on. Call it before the first client connects. */
  readAt(home: StreamsHome): void {
    this.#parts.remoteStreams.readAt(home);
  }

  /** The clients for which the other node must have a session, to continue it. */
  get clientIds(): string[] {
    return this.#parts.remoteStreams.clientIds;
  }

  /** There is a way to the other node, and it has been told {@linkcode clientIds}. */
  onUp(): void {
    this.#parts.remoteStreams.onUp();
  }

  // The side of the streams.

  /**
   * Takes a connection for a client of another node.
   *
   * @param listener The rules by which the client has connected; `null` for those of the broker.
   */
  accept(hello: ReaderHello, transport: Transport, listener: ListenerPolicy | null): void {
    const parts = this.#parts;
    const { clientId, isNew, peer } = hello;
    if (isNew) this.end(clientId);
    // An earlier connection of the client must not take the session over later, by its late CONNECT.
    const earlier = this.#connections.get(clientId);
    if (earlier !== undefined && earlier.session === null) earlier.abort();
    const policy = policyOf(parts, hello, listener);
    const connection = new Connection(parts, transport, { ...peer, isAdmitted: true }, policy);
    this.#connections.set(clientId, connection);
    this.#forgetGone();
    connection.run();
  }

  /** The clients of other nodes that have a session here to read streams. */
  get readingClients(): string[] {
    const all = [...this.#parts.sessions.values()].map(({ clientId }) => clientId);
    return all.filter(isReaderClientId).map(shownClientId);
  }

  /** Ends the session that reads for a client. */
  end(clientId: string): void {
    const { sessions } = this.#parts;
    this.#connections.get(clientId)?.disconnect(ReasonCode.SessionTakenOver);
    this.#connections.delete(clientId);
    const session = sessions.get(readerClientId(clientId));
    if (session !== undefined) sessions.end(session);
  }

  /**
   * Ends the sessions for clients of a node that do not exist any more.
   *
   * @param livesThere Whether a client lives on the node.
   * @param clientIds The clients of the node that read streams.
   */
  keep(livesThere: (clientId: string) => boolean, clientIds: readonly string[]): void {
    const kept = new Set(clientIds);
    for (const clientId of this.readingClients) {
      if (livesThere(clientId) && !kept.has(clientId)) this.end(clientId);
    }
  }

  #forgetGone(): void {
    if (this.#connections.size < this.#lookAt) return;
    for (const [clientId, { end }] of this.#connections) {
      if (end.isGone) this.#connections.delete(clientId);
    }
    this.#lookAt = Math.max(64, 2 * this.#connections.size);
  }
}

/** The rules of the client's listener, without what its own node has decided. */
function policyOf(
  { context: { settings, stats, policy } }: BrokerParts,
  { clientId, username }: ReaderHello,
  listener: ListenerPolicy | null,
): ListenerPolicy {
  const { leniency: _l, peer: _p, runBytesMax: _r, mount, ...rules } = listener?.effective ??
    policy;
  const peer = readingPeer({ clientId, username });
  return new ListenerPolicy(settings, stats, {
    ...rules,
    lenient: false,
    mountPoint: mount?.prefix ?? "",
    authenticator: allowAll,
    allowAnonymous: true,
    identityAsUsername: false,
    subjectAsUsername: false,
    usernameAsClientId: false,
    allowZeroLengthClientId: true,
    clientIdPrefixes: null,
    connectionsMax: Infinity,
    protocolVersions: [3, 4, 5],
    refuseControlCharacters: false,
    keepAliveSecondsMax: 0,
    sessionExpirySecondsMax: NEVER_EXPIRES,
  }, peer);
}
