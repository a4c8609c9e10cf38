/** The broker as a program uses it. */
import { ReasonCode } from "../codec/mod.ts";
import { type Damage, type Store, StoreDamagedError } from "../store/store.ts";
import type { Stream } from "../stream/stream.ts";
import type { TcpListener } from "../transport/tcp.ts";
import type { TlsListener } from "../transport/tls.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import type { UnixListener } from "../transport/unix.ts";
import type { Clock } from "./base/clock.ts";
import { type BrokerStats, statsOf } from "./broker_stats.ts";
import { BrokerParts } from "./broker_parts.ts";
import { closeConnections, disconnectAll } from "./close_connections.ts";
import { Inspection } from "./inspection.ts";
import { NodePort } from "./node_port.ts";
import { Acceptor } from "./listen/acceptor.ts";
import { openStore } from "./durable/open_store.ts";
import { checkLimits } from "./base/check_limits.ts";
import type { BrokerLimits } from "./base/limits.ts";
import { ListenerPolicy } from "./base/listener_policy.ts";
import type { ListenerRules } from "./base/listener_options.ts";
import type {
  AnyListenOptions,
  ListenOptions,
  TlsListenOptions,
  UnixListenOptions,
} from "./listen/listen_options.ts";
import { Handover } from "./listen/handover.ts";
import { Listeners } from "./listen/listeners.ts";
import { LocalPublisher, type PublishOptions } from "./delivery/local_publisher.ts";
import type { LocalSubscription, SubscribeOptions } from "./delivery/local_subscription.ts";
import { type BrokerOptions, settingsOf } from "./base/options.ts";
import { reauthorize } from "./connection/reauthorization.ts";
import type { StreamOptions } from "./stream/stream_options.ts";
import { subscribeLocally } from "./subscribe_locally.ts";

/**
 * An MQTT broker for 3.1, 3.1.1 and 5.0, over any byte stream. It can itself publish and subscribe.
 *
 * @example A broker inside a program
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * const messages = broker.subscribe("greetings/#");
 * await broker.publish("greetings/world", "hello");
 * const { value } = await messages.next();
 * assertEquals(new TextDecoder().decode(value!.payload), "hello");
 * ```
 */
export class Broker implements AsyncDisposable {
  /**
   * The view of the admin listener.
   *
   * @internal
   */
  readonly inspection: Inspection;
  /** @internal Connections that go to other nodes. */
  readonly handover: Handover;
  /** @internal What makes the broker a node of a cluster. */
  readonly nodePort: NodePort;
  /** The counters of the broker since its start, and its current sizes. */
  readonly stats: BrokerStats;
  readonly #parts: BrokerParts;
  readonly #acceptor: Acceptor;
  readonly #listeners: Listeners;
  readonly #publisher: LocalPublisher;
  readonly #subscriptions = new Set<LocalSubscription>();
  #limits: Readonly<BrokerLimits> | null = null;
  #closing: Promise<void> | null = null;
  #damage: Damage | null = null;

  /**
   * Creates a broker without listeners.
   *
   * @throws {RangeError} If a limit is out of range.
   */
  constructor(options: BrokerOptions = {}) {
    this.#parts = new BrokerParts(settingsOf(options));
    this.inspection = new Inspection(this.#parts);
    this.nodePort = new NodePort(this.#parts);
    this.stats = statsOf(this.#parts);
    this.#publisher = new LocalPublisher(this.#parts);
    this.#acceptor = new Acceptor(this.#parts);
    this.#listeners = new Listeners(this.#parts.context, this.#acceptor);
    this.handover = new Handover(this.#parts.context, this.#listeners, this.#parts.limiters);
  }

  /**
   * Creates a broker with a store, and restores its contents: sessions, subscriptions, retained
   * messages and wills. An acknowledgement is sent after the disk has the message. The broker
   * closes the store when it is closed.
   *
   * @example A broker that survives a restart
   * ```ts no-eval
   * import { Broker } from "@fairway/mqtt";
   * import { SqliteStore } from "@fairway/mqtt/store";
   *
   * const store = await SqliteStore.open("./fairway-data");
   * await using broker = await Broker.open(store);
   * await broker.listen();
   * ```
   *
   * @throws {StoreError} If the store cannot be read.
   * @throws {RangeError} If a limit is out of range.
   */
  static async open(store: Store, options: BrokerOptions = {}): Promise<Broker> {
    try {
      return await Broker.#restored(store, options).catch(async (error) => {
        if (!(error instanceof StoreDamagedError) || store.repair === undefined) throw error;
        // A partly restored broker cannot be used. Another one starts with the repaired store.
        await store.repair();
        return await Broker.#restored(store, options);
      });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Creates a broker from a store. The store stays open if that fails. */
  static async #restored(store: Store, options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options);
    try {
      await openStore(broker.#parts, store);
      await broker.#parts.streams.open(store);
    } catch (error) {
      broker.#parts.stop();
      throw error;
    }
    broker.#damage = store.damage;
    return broker;
  }

  /** The limits in effect: a frozen copy, which each change replaces. */
  get limits(): Readonly<BrokerLimits> {
    return this.#limits ??= Object.freeze({ ...this.#parts.context.limits });
  }

  /**
   * Changes limits while the broker runs. Missing limits stay unchanged.
   *
   * They apply at once, also to connected clients, except those that are fixed at CONNECT:
   * `packetBytesMax`, `keepAliveSecondsMax`, `sessionExpirySecondsMax`, `receiveMaximum`,
   * `inflightMax` and `topicAliasMax` apply when a client connects again. Rules of a listener take
   * precedence.
   *
   * Anything beyond a new limit stays, and does not grow until there is room again. A wait that has
   * begun keeps its end. Changed connect, login and take-over rates are counted from zero.
   *
   * @throws {RangeError} If a limit is unknown or out of range. Then nothing has changed.
   */
  changeLimits(limits: Partial<BrokerLimits>): void {
    this.#parts.applyLimits(checkLimits(limits, this.#parts.context.limits));
    this.#limits = null;
    this.#parts.memory.fitCaches();
  }

  /** The damage that was found when the store was opened; `null` for none, or without a store. */
  get storeDamage(): Damage | null {
    return this.#damage;
  }

  /** The clock of the broker. */
  get clock(): Clock {
    return this.#parts.context.clock;
  }

  /**
   * Listens for connections of programs on the same machine, on a Unix socket: `listen({ path })`.
   *
   * @throws {TypeError} If an option cannot be used, or the broker is closed.
   * @throws If the path is in use.
   */
  listen(options: UnixListenOptions): Promise<UnixListener>;
  /**
   * Listens for TLS connections (`mqtts:`): `listen({ tls: { cert, key } })`. With the option
   * `webSocket`, it listens for WebSockets over TLS (`wss:`).
   *
   * @throws {TypeError} If an option cannot be used, or the broker is closed.
   * @throws If the address cannot be bound.
   */
  listen(options: TlsListenOptions): Promise<TlsListener>;
  /**
   * Listens for TCP connections (`mqtt:`). With the option `webSocket`, it listens for WebSocket
   * connections (`ws:`), which must offer the subprotocol `mqtt` (or `mqttv3.1`).
   *
   * Web pages can open WebSockets to every address that their browser reaches, including 127.0.0.1:
   * use an `Authenticator` to distinguish them from other clients, and `webSocket.origins` to
   * restrict the pages.
   *
   * @throws {TypeError} If an option cannot be used, or the broker is closed.
   * @throws If the address cannot be bound.
   */
  listen(options?: ListenOptions): Promise<TcpListener>;
  async listen(options: AnyListenOptions = {}): Promise<TcpListener | TlsListener | UnixListener> {
    return await this.#listeners.open(options);
  }

  /**
   * Creates a policy from the rules of a listener. Several listeners can share it, and it can be
   * updated.
   *
   * @throws {RangeError} If a value is out of range.
   */
  listenerPolicy(rules: ListenerRules): ListenerPolicy {
    return new ListenerPolicy(this.#parts.context.settings, this.#parts.context.stats, rules);
  }

  /**
   * Whether the limits on addresses allow a connection from an address. A program that does costly
   * work before `accept()` calls this first, once, and sets `PeerInfo.isAdmitted`.
   */
  mayConnect(address: string): boolean {
    return this.#acceptor.mayConnect(address);
  }

  /**
   * Takes over a connection that the program has accepted, and closes it in the end.
   *
   * @param policy The rules of the client; those of the whole broker by default.
   */
  accept(
    transport: Transport,
    peer: PeerInfo = { address: "unknown" },
    policy?: ListenerPolicy,
  ): void {
    this.#acceptor.accept(transport, peer, policy);
  }

  /**
   * Publishes a message. It is accepted when this method returns. The promise resolves when the
   * next message may be published and, with QoS 1 and 2, the disk has the message if it must be
   * stored. Waiting for it applies the same flow control as to any other publisher.
   *
   * @param payload Bytes, which are copied, or a string.
   * @throws {TypeError} If the topic is not a valid topic name, or the payload, the QoS or a
   * property is invalid: an error in the program. The promise rejects, as with all errors.
   * @throws {QuotaExceededError} If the message is refused, because it cannot be kept for all its
   * receivers; only with QoS 1 and 2. Nobody has to handle this rejection, so it does not end the
   * program; `stats.messagesRefused` counts it.
   */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: PublishOptions = {},
  ): Promise<void> {
    return this.#publisher.publish(topic, payload, options);
  }

  /**
   * Subscribes. Messages wait for the program within the limits of a session's backlog. Beyond them
   * the oldest messages are dropped and counted.
   *
   * @returns An iterator; leaving a `for await` ends the subscription.
   * @throws {TypeError} If the filter is not a valid topic filter, or the QoS is not 0, 1 or 2.
   */
  subscribe(filter: string, options: SubscribeOptions = {}): LocalSubscription {
    return subscribeLocally(this.#parts, this.#subscriptions, filter, options);
  }

  /**
   * Declares a stream, or changes its declaration. From now on it keeps the messages to its topics,
   * within its limits. A stream that is in the store continues with its messages.
   *
   * @throws {RangeError} If an option is out of range, or there are too many streams.
   * @throws {StoreError} If the store cannot be read.
   */
  declareStream(options: StreamOptions): Promise<Stream> {
    return this.#parts.streams.declare(options);
  }

  /** A stream that was declared; `null` if there is none with this name. */
  stream(name: string): Stream | null {
    return this.#parts.streams.get(name)?.stream ?? null;
  }

  /** The names of the declared streams, and of those that are only in the store. */
  get streams(): { readonly declared: readonly string[]; readonly undeclared: readonly string[] } {
    const { declared, undeclared } = this.#parts.streams;
    return { declared: declared.map(({ declaration }) => declaration.name), undeclared };
  }

  /**
   * Stops a stream from taking messages. It keeps what it has, and its readers continue, until it
   * is declared again or removed. Returns whether it was declared.
   */
  retireStream(name: string): Promise<boolean> {
    return this.#parts.streams.retire(name);
  }

  /** Removes a stream with all its messages. Returns whether there was one. */
  removeStream(name: string): Promise<boolean> {
    return this.#parts.streams.remove(name);
  }

  /**
   * Calls the authorizers again for all subscriptions of clients, connected or not. Call it when
   * their answers have changed. Subscriptions that are no longer allowed end; the client is not
   * informed. For waiting and new messages the new answers apply at once.
   *
   * Clients are disconnected if their authenticator does not let them stay.
   *
   * @returns The number of ended subscriptions.
   */
  reauthorize(): Promise<number> {
    return reauthorize(this.#parts);
  }

  /**
   * Disconnects every client of a policy: 5.0 clients receive the reason, and wills are published.
   * Call it after closing the listeners of the policy. Clients that are still connecting are
   * refused, until the policy is updated.
   *
   * @param reasonCode The Reason Code; 0x98, an administrative action, by default.
   */
  disconnectClients(
    policy: ListenerPolicy,
    reasonCode: number = ReasonCode.AdministrativeAction,
  ): void {
    disconnectAll(this.#parts, policy, reasonCode);
  }

  /**
   * Closes the broker: accepts no more connections, sends 0x8B to every client, sends waiting
   * bytes, and releases all resources. Closing again waits for the same end.
   *
   * @param options `graceMs`: the time that clients have to receive waiting bytes, in milliseconds;
   * 1,000 by default.
   */
  close(options: { graceMs?: number } = {}): Promise<void> {
    return this.#closing ??= this.#close(options.graceMs ?? 1000);
  }

  /** Closes the broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(graceMs: number): Promise<void> {
    this.#parts.context.isClosing = true;
    this.#acceptor.close();
    await this.#listeners.close();
    for (const subscription of this.#subscriptions) await subscription.return();
    await closeConnections(this.#parts, graceMs);
    await this.#listeners.release();
    await this.#parts.close();
  }
}
