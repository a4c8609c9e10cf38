/** The interfaces of a connection, as the handlers of its packets see it. */
import type { AuthenticationExchange, ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { AuthPacket, Packet, ProtocolVersion } from "../../codec/mod.ts";
import type { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { PeerInfo } from "../../transport/transport.ts";
import type { Commit } from "../base/commit.ts";
import type { BrokerContext } from "../base/context.ts";
import type { EffectivePolicy } from "../base/listener_policy.ts";
import type { Message } from "../base/message.ts";
import type { LinkedNodes } from "../base/node_peer.ts";
import type { Origin } from "../base/origin.ts";
import type { Enlisted, Roster } from "../base/roster.ts";
import type { BrokerCounters, LimitReason } from "../base/stats.ts";
import type { Outbox } from "../delivery/outbox.ts";
import type { OutboxHost } from "../delivery/outbox_host.ts";
import type { MessageSender } from "../delivery/publish_sender.ts";
import type { Receiver, Wire } from "../delivery/subscriber.ts";
import type { ConnectionLease } from "../limits/connection_admission.ts";
import type { ClientLink } from "../session/client_link.ts";
import type { Session } from "../session/session.ts";
import type { BufferPool } from "../../log/buffer_pool.ts";
import type { Router } from "../../router/router.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { Publisher } from "../delivery/publisher.ts";
import type { RetainedStore } from "../delivery/retained_store.ts";
import type { Journal } from "../durable/journal.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { Limiters } from "../limits/limiters.ts";
import type { SessionTable } from "../session/session_table.ts";
import type { BrokerStreams } from "../stream/broker_streams.ts";
import type { RemoteReplays } from "../stream/remote_replays.ts";
import type { RemoteStreams } from "../stream/remote_streams.ts";
import type { Replays } from "../stream/replays.ts";

/** What a connection needs of the broker beside the {@linkcode BrokerContext}. */
export interface ConnectionHost {
  readonly context: BrokerContext;
  readonly pool: BufferPool;
  readonly router: Router<Receiver>;
  readonly memory: MemoryBudget;
  /** What the outbox of the connection needs. */
  readonly outboxHost: OutboxHost;
  readonly publisher: Publisher;
  readonly delivery: Delivery;
  readonly retained: RetainedStore;
  readonly sessions: SessionTable;
  readonly limiters: Limiters;
  readonly streams: BrokerStreams;
  /** What holds the subscriptions of a session that read streams; made for the first one. */
  replaysOf(session: Session): Replays;
  /** The streams of another node, if one has them. */
  readonly remoteStreams: RemoteStreams;
  /** What holds the subscriptions of a session that read those; made for the first one. */
  remoteReplaysOf(session: Session): RemoteReplays;
  /** The other nodes of the cluster; `null` without one. */
  readonly nodes: LinkedNodes | null;
  /** Writes to the store; `null` for a broker that keeps all in memory. */
  readonly journal: Journal | null;
  /** All open connections, accepted or not. */
  readonly connections: Roster<ClientConnection>;
}

/** The protocol of a client, from its CONNECT. */
export interface ClientProtocol {
  readonly version: ProtocolVersion;
  /** Whether it is a bridge of 3.x, which cannot ask for No Local and Retain As Published. */
  readonly isBridge: boolean;
  /**
   * Whether it takes a Reason String in packets other than CONNACK, PUBLISH and DISCONNECT
   * [MQTT-3.1.2-29].
   */
  readonly wantsReasons: boolean;
  /** The format in which the client is written to. */
  readonly wire: Wire;
}

/** What the client is sent when the broker ends the connection. */
export type LastPacket =
  /** DISCONNECT in 5.0, at once; nothing in 3.x, or before CONNACK. */
  | "disconnect"
  /** The same, after the waiting messages. */
  | "disconnect-last"
  /** Nothing more, because CONNACK has the reason. */
  | "none";

/** An enhanced authentication: in progress, or done and repeatable. */
export interface EnhancedAuthentication {
  readonly method: string;
  exchange: AuthenticationExchange | null;
}

/** Accepts or refuses the client, from its CONNECT on. */
export interface ConnectHandler {
  /**
   * Handles CONNECT, whose body is `body`, and may change when this has returned.
   *
   * @returns What has to be waited for until it is decided; `null` if it is.
   */
  connect(first: number, body: Uint8Array): PromiseLike<void> | null;
  /** Handles AUTH before CONNACK, and returns the like. */
  auth(packet: AuthPacket): PromiseLike<void> | null;
  /** Handles AUTH after CONNACK. */
  reauthenticate(packet: AuthPacket): PromiseLike<void>;
  /** Refuses a client whose CONNECT is malformed or breaks the protocol. */
  refuseFaulty(error: Error): void;
  /** Refuses a client because an internal error prevents a decision. */
  refuseUndecided(): void;
}

/** The grant of the authenticator: the permissions of the client, and their deadline. */
export interface Granted {
  /** Decides about the permissions of the client. */
  readonly authorizer: Authorizer | null;
  /** Clears the deadline. */
  end(): void;
}

/** Responses that wait for a commit, in the order in which the client asked. */
export interface WaitingResponses {
  readonly isEmpty: boolean;
  /** The memory of all responses, in bytes. */
  readonly bytes: number;
  /** Closes when fewer wait. */
  readonly fewer: Receipt;
  /**
   * Adds a PUBACK, PUBREC or PUBCOMP. If `commit` is `null`, it waits only for the responses before
   * it.
   */
  ack(
    commit: Commit | null,
    type: number,
    packetId: number,
    reasonCode: number,
    message: Message | null,
  ): void;
  /** Adds another packet. */
  reply(commit: Commit, packet: Packet): void;
}

/**
 * A connection as the handlers of its packets see it. Each mutable field is set by one handler,
 * which a comment names. A field is `null` before and after the phase of the connection to which it
 * belongs.
 */
export interface ClientConnection extends ClientLink, Enlisted {
  readonly host: ConnectionHost;
  readonly context: BrokerContext;
  readonly outbox: Outbox;
  /** The known facts about the peer. */
  readonly peer: PeerInfo;
  /** Where its packets and bytes are counted: for a node apart from those of clients. */
  readonly counters: BrokerCounters;
  /** The rules for the client, as they were when it connected. */
  readonly policy: EffectivePolicy;
  /** The client identifier; `""` before the client was accepted. */
  readonly clientId: string;
  /** Where messages of the client come from; only for a client that has a session. */
  readonly origin: Origin;
  /** Whether packets are still read. */
  readonly isOpen: boolean;
  /** Decides about the permissions of the client; `null` allows everything. */
  readonly authorizer: Authorizer | null;

  // Known from CONNECT on, see `speak`, `bind` and `accepted`.

  readonly version: ProtocolVersion;
  readonly isBridge: boolean;
  readonly wantsReasons: boolean;
  readonly wire: Wire;
  /** The session; `null` until the client has got one. */
  readonly session: Session | null;
  /** Encodes messages for the client; `null` before the client has a session. */
  readonly sender: MessageSender | null;
  /** The client; `null` until it is accepted. */
  readonly client: ClientInfo | null;

  // Set by the handlers of CONNECT and AUTH.

  flow: ConnectHandler | null;
  auth: EnhancedAuthentication | null;
  granted: Granted | null;

  // Set by the handler of PUBLISH.

  /** Topic aliases that the client has set. */
  aliases: Map<number, Route<Receiver>> | null;
  /** The memory of these aliases, in bytes. */
  aliasBytes: number;
  /** The route of the last message: the next is often for the same topic. */
  lastRoute: Route<Receiver> | null;

  /** The lease of the connection limiter; set by the acceptor. */
  lease: ConnectionLease | null;
  /** Responses that wait for the disk; made for the first one. */
  acks: WaitingResponses | null;

  /** Counts that the client has reached a limit. */
  reportLimit(reason: LimitReason): void;
  /** Sets the protocol of the client. */
  speak(protocol: ClientProtocol): void;
  /** Sets the session of the client. */
  bind(session: Session, sender: MessageSender): void;
  /** The client is accepted, and CONNACK has left, or may leave. */
  onAccepted(client: ClientInfo): void;
  /** The client has sent DISCONNECT. */
  onDisconnect(reasonCode: number): void;
  /** Records the error that ends the connection. The first one counts. */
  blame(error: unknown): void;
  /** Ends the connection; a 5.0 client receives the reason [MQTT-4.13.1-1]. */
  disconnect(reasonCode: number, reasonString?: string, last?: LastPacket): void;
  /** Starts the Keep Alive timer with the agreed time, in seconds; 0 for none. */
  keepAlive(seconds: number): void;
  /** Another connection takes the session [MQTT-3.1.4-3]. */
  takeOver(): Promise<void>;
}
