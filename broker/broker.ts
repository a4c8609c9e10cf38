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

/** How a program publishes. */
export interface PublishOptions {
  /** 0 by default. */
  qos?: QoS;
  /** Whether the message is retained; false by default. */
  retain?: boolean;
  /** Message expiry, payload format, content type, response topic, correlation data, user properties. */
  properties?: Properties;
}

/** How a program subscribes. */
export interface SubscribeOptions {
  /** The highest QoS at which messages come; 2 by default. */
  qos?: QoS;
  /** Whether retained messages come first; true by default. */
  retained?: boolean;
}

/** A message was refused, because it cannot be kept for everyone who needs it. */
export class QuotaExceededError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "QuotaExceededError";
}

/** What it costs to tell a client that the broker closes, in units of the budget. */
const UNITS_PER_CLOSE = 16;

const encoder = new TextEncoder();

/**
 * An MQTT broker. It speaks 3.1, 3.1.1 and 5.0 over whatever byte pipe it is
 * given, and is itself a publisher and subscriber.
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
   * Makes a broker that listens nowhere yet.
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
   * Makes a broker that keeps in a store what must survive, and goes on from
   * what is there: sessions, subscriptions, retained messages and wills. An
   * acknowledgement leaves when the disk holds what it promises. The broker
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
        // A broker that is restored in part cannot go on: another one begins with what is saved.
        await store.repair();
        return await Broker.#restored(store, options);
      });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Makes a broker of what is in a store, which stays open if that fails. */
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

  /** The limits in effect: a copy that is frozen, and another one after each change. */
  get limits(): Readonly<BrokerLimits> {
    return this.#limits ??= Object.freeze({ ...this.#parts.context.limits });
  }

  /** What the messages in the store weigh, in bytes; 0 without a store. */
  get storedBytes(): number {
    return this.#parts.journal?.bytes ?? 0;
  }

  /**
   * Changes limits while the broker runs; those not given stay as they are.
   *
   * They hold at once, also for clients that are connected, but for those that are settled when a
   * client connects: `packetBytesMax`, `keepAliveSecondsMax`, `sessionExpirySecondsMax`,
   * `receiveMaximum`, `inflightMax` and `topicAliasMax` hold for it when it connects again. Rules of
   * a listener that say otherwise go before them.
   *
   * What there is beyond a new limit stays, and is only added to when there is room again; a wait
   * that has begun ends when it was to. Connect, login and take-over rates that change are counted
   * from zero.
   *
   * @throws {RangeError} If a limit is unknown or out of range; nothing has changed then.
   */
  changeLimits(limits: Partial<BrokerLimits>): void {
    this.#parts.applyLimits(checkLimits(limits, this.#parts.context.limits));
    this.#limits = null;
    this.#parts.memory.fitCaches();
  }

  /** What was found damaged when the store was opened; `null` if nothing was, or without one. */
  get storeDamage(): Damage | null {
    return this.#damage;
  }

  /** What the broker has counted since its start. */
  get stats(): Readonly<BrokerStats> {
    return this.#parts.context.stats;
  }

  /** How many sessions there are, connected or not. */
  get sessions(): number {
    return this.#parts.sessions.size;
  }

  /** How many subscriptions there are, those of the program included. */
  get subscriptions(): number {
    return this.#parts.router.subscriptions;
  }

  /** How many of them are shared ones. */
  get sharedSubscriptions(): number {
    return this.#parts.router.sharedSubscriptions;
  }

  /**
   * What clients make the broker hold in memory as of now, in bytes: counted, not measured. Its
   * bound is `memoryBytesMax` of the limits, or what stands for it.
   */
  get memory(): MemoryUse & { readonly bytes: number; readonly bytesMax: number } {
    const { use, bytesMax } = this.#parts.memory;
    const bytes = Object.values(use).reduce((sum, one) => sum + one, 0);
    return { ...use, bytes, bytesMax };
  }

  /** What retained messages cost in memory, in bytes. */
  get retainedBytes(): number {
    return this.#parts.retained.bytes;
  }

  /** The clock that the broker goes by. */
  get clock(): Clock {
    return this.#parts.context.clock;
  }

  /** How many messages are retained. */
  get retainedMessages(): number {
    return this.#parts.retained.size;
  }

  /**
   * Starts to take TCP connections.
   *
   * @throws If the address cannot be bound, an option cannot be used, or the broker is closed.
   */
  // deno-lint-ignore require-await
  async listen(options: ListenOptions = {}): Promise<TcpListener> {
    return this.#listeners.tcp(options);
  }

  /**
   * Starts to take TLS connections (`mqtts:`); with the option `webSocket`,
   * WebSockets over TLS (`wss:`).
   *
   * @throws If the address cannot be bound, an option cannot be used, or the broker is closed.
   */
  // deno-lint-ignore require-await
  async listenTls(options: TlsListenOptions): Promise<TlsListener> {
    return this.#listeners.tls(options);
  }

  /**
   * Starts to take connections of programs on the same machine, on a unix socket.
   *
   * @throws If the path is in use, or the broker is closed.
   */
  listenUnix(options: UnixListenOptions): Promise<UnixListener> {
    return this.#listeners.unix(options);
  }

  /**
   * Starts to take WebSocket connections (`ws:`), which must offer the
   * subprotocol `mqtt` (or `mqttv3.1`).
   *
   * Web pages can open WebSockets to every address that their browser reaches,
   * 127.0.0.1 included: an `Authenticator` tells them from other clients, and
   * the option `origins` says which pages may.
   *
   * @throws If the address cannot be bound, an option cannot be used, or the broker is closed.
   */
  // deno-lint-ignore require-await
  async listenWebSocket(options: WebSocketListenOptions = {}): Promise<TcpListener> {
    const { port = 8080 } = options;
    return this.#listeners.tcp({ ...options, port, webSocket: options });
  }

  /**
   * Puts the rules of a listener into effect, to be shared by several, or changed later on.
   *
   * @throws {RangeError} If a value is out of range.
   */
  listenerPolicy(rules: ListenerRules): ListenerPolicy {
    return new ListenerPolicy(this.#parts.context.settings, this.#parts.context.stats, rules);
  }

  /**
   * Whether the limits on addresses admit a connection from an address. A program that does
   * something costly before `accept()` calls this first, once, and sets `PeerInfo.isAdmitted`.
   */
  mayConnect(address: string): boolean {
    return this.#acceptor.mayConnect(address);
  }

  /**
   * Takes a connection over, from whatever has accepted it, and closes it in the end.
   *
   * @param policy What holds for the client; by default what does for the whole broker.
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
   * @param payload Bytes, which are copied, or text.
   * @returns A receipt: the message is accepted when this returns, and the
   * receipt closes when the next one is welcome and, with QoS 1 and 2, the disk
   * holds what must survive of this one. Who waits for it is slowed down to the
   * pace of busy subscribers, like any other publisher.
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
   * Subscribes. What the program does not take is kept within the limits of a
   * session's backlog; past them the oldest messages are dropped and counted.
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
   * Has the authorizers asked again about everything that clients are
   * subscribed to, connected or not: to be called when their answers have
   * changed. What is allowed no more ends, without a word to the client. For
   * messages that wait, and those to come, the new answers count at once.
   *
   * Clients whose authenticator says that they may not stay are disconnected.
   *
   * @returns How many subscriptions have ended.
   */
  reauthorize(): Promise<number> {
    return reauthorize(this.#parts);
  }

  /**
   * Disconnects every client that has come by a policy: in 5.0 it is told why, and its will is
   * published. To be called when what listened by it was closed; who is still on its way in is
   * turned away from then on, until the policy is updated.
   *
   * @param reasonCode What the clients are told; 0x98, an administrative action, by default.
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
   * Closes the broker: takes no more connections, tells every client 0x8B,
   * sends what waits, and leaves nothing behind. Closing again waits for the same.
   *
   * @param options `graceMs`: how long clients have to take what waits for
   * them, in milliseconds; 1,000 by default.
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

  /** Waits until the last bytes have left, or for so long. */
  async #grace(connections: readonly Connection[], graceMs: number): Promise<void> {
    const over = new Receipt();
    const { clock } = this.#parts.context;
    const cancel = clock.schedule(clock.now() + graceMs, () => over.close());
    const left = Promise.all(connections.map((connection) => connection.left.wait()));
    await Promise.race([left, over.wait()]);
    cancel();
  }
}
