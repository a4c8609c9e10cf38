import { type Properties, type QoS, ReasonCode } from "../codec/mod.ts";
import { allReceipts } from "../log/all_receipts.ts";
import { Receipt } from "../log/receipt.ts";
import { PLAIN_OPTIONS, Subscription } from "../router/subscription.ts";
import { topicFilterFault, topicNameFault } from "../router/topic.ts";
import { retainedVariant } from "../router/variant.ts";
import { type Damage, type Store, StoreDamagedError } from "../store/store.ts";
import type { TcpListener } from "../transport/tcp.ts";
import type { TlsListener } from "../transport/tls.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import type { UnixListener } from "../transport/unix.ts";
import type { Clock } from "./base/clock.ts";
import type { Connection } from "./connection/connection.ts";
import { BrokerParts } from "./broker_parts.ts";
import { Outcome } from "./delivery/delivery.ts";
import { Inspection } from "./inspection.ts";
import { Acceptor } from "./listen/acceptor.ts";
import { openStore } from "./durable/open_store.ts";
import { type BrokerLimits, checkLimits } from "./base/limits.ts";
import { ListenerPolicy } from "./base/listener_policy.ts";
import type { ListenerRules } from "./base/listener_options.ts";
import {
  Listeners,
  type ListenOptions,
  type TlsListenOptions,
  type UnixListenOptions,
  type WebSocketListenOptions,
} from "./listen/listeners.ts";
import { LocalSubscriber } from "./delivery/local_subscriber.ts";
import { LocalSubscription } from "./delivery/local_subscription.ts";
import type { MemoryUse } from "./limits/memory_budget.ts";
import { Message } from "./base/message.ts";
import { type BrokerOptions, settingsOf } from "./base/options.ts";
import { reauthorize } from "./connection/reauthorization.ts";
import type { Receiver } from "./delivery/subscriber.ts";
import { RetainedDelivery } from "./delivery/retained_delivery.ts";
import type { BrokerStats } from "./base/stats.ts";

/** Options of a publication of the program. */
export interface PublishOptions {
  /** 0 by default. */
  qos?: QoS;
  /** Whether the message is retained; false by default. */
  retain?: boolean;
  /** Message expiry, payload format, content type, response topic, correlation data, user properties. */
  properties?: Properties;
}

/** Options of a subscription of the program. */
export interface SubscribeOptions {
  /** The maximum QoS of its messages; 2 by default. */
  qos?: QoS;
  /** Whether retained messages are delivered first; true by default. */
  retained?: boolean;
}

/** A message was refused, because it cannot be kept for all its receivers. */
export class QuotaExceededError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "QuotaExceededError";
}

/** The cost of closing a client, in units of the budget. */
const UNITS_PER_CLOSE = 16;

const encoder = new TextEncoder();

/**
 * An MQTT broker. It supports 3.1, 3.1.1 and 5.0 over any byte stream, and can itself publish and
 * subscribe.
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
   * What the admin listener sees and does.
   *
   * @internal
   */
  readonly inspection: Inspection;
  readonly #parts: BrokerParts;
  readonly #acceptor: Acceptor;
  readonly #listeners: Listeners;
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
    this.#acceptor = new Acceptor(this.#parts);
    this.#listeners = new Listeners(this.#parts.context, this.#parts.connections, this.#acceptor);
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

  /** The weight of the stored messages, in bytes; 0 without a store. */
  get storedBytes(): number {
    return this.#parts.journal?.bytes ?? 0;
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

  /** The counters of the broker since its start. */
  get stats(): Readonly<BrokerStats> {
    return this.#parts.context.stats;
  }

  /** The number of sessions, connected or not. */
  get sessions(): number {
    return this.#parts.sessions.size;
  }

  /** The number of subscriptions, including those of the program. */
  get subscriptions(): number {
    return this.#parts.router.subscriptions;
  }

  /** The number of shared subscriptions. */
  get sharedSubscriptions(): number {
    return this.#parts.router.sharedSubscriptions;
  }

  /**
   * The memory that clients cause the broker to use, in bytes: counted, not measured. Its limit is
   * `memoryBytesMax`, or its default.
   */
  get memory(): MemoryUse & { readonly bytes: number; readonly bytesMax: number } {
    const { use, bytesMax } = this.#parts.memory;
    const bytes = Object.values(use).reduce((sum, one) => sum + one, 0);
    return { ...use, bytes, bytesMax };
  }

  /** Memory of retained messages, in bytes. */
  get retainedBytes(): number {
    return this.#parts.retained.bytes;
  }

  /** The clock of the broker. */
  get clock(): Clock {
    return this.#parts.context.clock;
  }

  /** The number of retained messages. */
  get retainedMessages(): number {
    return this.#parts.retained.size;
  }

  /**
   * Listens for TCP connections.
   *
   * @throws If the address cannot be bound, an option cannot be used, or the broker is closed.
   */
  // deno-lint-ignore require-await
  async listen(options: ListenOptions = {}): Promise<TcpListener> {
    return this.#listeners.tcp(options);
  }

  /**
   * Listens for TLS connections (`mqtts:`); with the option `webSocket`, for WebSockets over TLS
   * (`wss:`).
   *
   * @throws If the address cannot be bound, an option cannot be used, or the broker is closed.
   */
  // deno-lint-ignore require-await
  async listenTls(options: TlsListenOptions): Promise<TlsListener> {
    return this.#listeners.tls(options);
  }

  /**
   * Listens for connections of programs on the same machine, on a Unix socket.
   *
   * @throws If the path is in use, or the broker is closed.
   */
  listenUnix(options: UnixListenOptions): Promise<UnixListener> {
    return this.#listeners.unix(options);
  }

  /**
   * Listens for WebSocket connections (`ws:`), which must offer the subprotocol `mqtt` (or
   * `mqttv3.1`).
   *
   * Web pages can open WebSockets to every address that their browser reaches, including 127.0.0.1:
   * use an `Authenticator` to distinguish them from other clients, and the option `origins` to
   * restrict the pages.
   *
   * @throws If the address cannot be bound, an option cannot be used, or the broker is closed.
   */
  // deno-lint-ignore require-await
  async listenWebSocket(options: WebSocketListenOptions = {}): Promise<TcpListener> {
    const { port = 8080 } = options;
    return this.#listeners.tcp({ ...options, port, webSocket: options });
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
   * Publishes a message.
   *
   * @param payload Bytes, which are copied, or a string.
   * @returns A receipt. The message is accepted when this method returns. The receipt closes when
   * the next message may be published and, with QoS 1 and 2, the disk has the message if it must be
   * stored. Waiting for it applies the same flow control as to any other publisher.
   * @throws {TypeError} If the topic is not a valid topic name.
   * @throws {QuotaExceededError} If the message is refused; only with QoS 1 and 2.
   */
  publish(topic: string, payload: Uint8Array | string, options: PublishOptions = {}): Receipt {
    const fault = topicNameFault(topic);
    const route = fault === null ? this.#parts.router.routeOf(topic) : null;
    if (route === null) {
      throw new TypeError(`Cannot publish to "${topic}": ${fault ?? "too many levels"}`);
    }
    const { qos = 0, retain = false, properties = {} } = options;
    const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
    const nowMs = this.#parts.context.clock.now();
    const parts = { route, payload: bytes, properties, qos, retain, nowMs, publisher: null };
    const message = Message.of(parts);
    const { outcome, room, commit } = this.#parts.publisher.publish(route, message, null);
    if (outcome === Outcome.refused) {
      throw new QuotaExceededError(`Cannot publish to "${topic}": a backlog is full`);
    }
    if (qos === 0 || commit === null) return room ?? Receipt.closed();
    const stored = this.#parts.journal!.whenStored(commit);
    return room === null ? stored : allReceipts(stored, room);
  }

  /**
   * Subscribes. Messages wait for the program within the limits of a session's backlog. Beyond them
   * the oldest messages are dropped and counted.
   *
   * @returns An iterator; leaving a `for await` ends the subscription.
   * @throws {TypeError} If the filter is not a valid topic filter.
   */
  subscribe(filter: string, options: SubscribeOptions = {}): LocalSubscription {
    const fault = topicFilterFault(filter);
    if (fault !== null) throw new TypeError(`Cannot subscribe to "${filter}": ${fault}`);
    const { qos = 2, retained = true } = options;
    const { router } = this.#parts;
    const receiver = new LocalSubscriber(this.#parts.context);
    const local = new LocalSubscription(receiver, () => {
      router.unsubscribe(receiver, filter);
      this.#subscriptions.delete(local);
    });
    const subscription = new Subscription<Receiver>(receiver, filter, {
      qos,
      ...PLAIN_OPTIONS,
    });
    router.subscribe(subscription);
    this.#subscriptions.add(local);
    if (retained) {
      const walk = this.#parts.retained.match(filter);
      receiver.feed = new RetainedDelivery(filter, walk, retainedVariant(subscription), false);
    }
    return local;
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
    policy.isClosed = true;
    for (const connection of [...this.#parts.connections]) {
      if (connection.policy === policy) connection.disconnect(reasonCode);
    }
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
    const connections = [...this.#parts.connections];
    const { turns } = this.#parts.context;
    for (const connection of connections) {
      connection.disconnect(ReasonCode.ServerShuttingDown, undefined, true);
      if (turns.spend(UNITS_PER_CLOSE)) await turns.next();
    }
    await this.#grace(connections, graceMs);
    for (const connection of connections) connection.abort();
    await Promise.all(connections.map((connection) => connection.gone));
    try {
      await this.#parts.journal?.close();
    } finally {
      this.#parts.stop();
    }
  }

  /** Waits until the last bytes are sent, or `graceMs` have passed. */
  async #grace(connections: readonly Connection[], graceMs: number): Promise<void> {
    const over = new Receipt();
    const { clock } = this.#parts.context;
    const cancel = clock.schedule(clock.now() + graceMs, () => over.close());
    const left = Promise.all(connections.map((connection) => connection.left.wait()));
    await Promise.race([left, over.wait()]);
    cancel();
  }
}
