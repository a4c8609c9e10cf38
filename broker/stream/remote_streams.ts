/** The streams of another node, for the clients that live here. */
import { ReasonCode } from "../../codec/mod.ts";
import type { BrokerContext } from "../base/context.ts";
import type { StreamsHome } from "../base/stream_reader.ts";
import {
  type RemoteReadingSession,
  RemoteReplays,
  type RemoteReplaysHost,
} from "./remote_replays.ts";

/** The broker, as the streams of another node need it. */
export interface RemoteStreamsHost {
  readonly context: BrokerContext;
  /** Ends a session, and disconnects its client, after what is done now. */
  endSessionLater(clientId: string, reasonCode: number): void;
}

/** The sessions of this node that read streams of another one, and the way to it. */
export class RemoteStreams implements RemoteReplaysHost {
  readonly #host: RemoteStreamsHost;
  /** By the identifier of the client. */
  readonly #sessions = new Map<string, RemoteReplays>();
  #home: StreamsHome | null = null;

  constructor(host: RemoteStreamsHost) {
    this.#host = host;
  }

  /** The node that has the streams; `null` if it is this one. */
  get home(): StreamsHome | null {
    return this.#home;
  }

  /** From now on another node has the streams. Call it before clients connect. */
  readAt(home: StreamsHome): void {
    this.#home = home;
    this.#host.context.readsElsewhere = true;
  }

  /** The identifiers of the clients for which the other node has to keep reading sessions. */
  get clientIds(): string[] {
    return [...this.#sessions.keys()];
  }

  /** There is a way to the node of the streams again, and it knows {@linkcode clientIds}. */
  onUp(): void {
    for (const replays of this.#sessions.values()) replays.connect();
  }

  /** What holds the streams that a session reads elsewhere. */
  begin(session: RemoteReadingSession): RemoteReplays {
    const replays = new RemoteReplays(this, session);
    this.#sessions.set(session.clientId, replays);
    return replays;
  }

  /** A session that reads elsewhere has ended. */
  forget(replays: RemoteReplays): void {
    const { clientId } = replays.session;
    if (this.#sessions.get(clientId) !== replays) return;
    this.#sessions.delete(clientId);
    this.#home?.end(clientId);
  }

  /** The other node has lost the session that reads for a client: this one goes, too. */
  onLost({ session: { clientId } }: RemoteReplays): void {
    this.#host.endSessionLater(clientId, ReasonCode.UnspecifiedError);
  }
}
