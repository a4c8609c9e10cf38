import { type Properties, type QoS, ReasonCode } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import { Subscription } from "../router/subscription.ts";
import { topicFilterFault, topicNameFault } from "../router/topic.ts";
import { retainedVariant } from "../router/variant.ts";
import type { Damage, Store } from "../store/store.ts";
import type { TcpListener } from "../transport/tcp.ts";
import type { TlsListener } from "../transport/tls.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import type { UnixListener } from "../transport/unix.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { Core } from "./core.ts";
import { Outcome } from "./delivery.ts";
import { Door } from "./door.ts";
import { openStore } from "./durable/host.ts";
import { type BrokerLimits, checkLimits } from "./limits.ts";
import { ListenerPolicy } from "./listener_policy.ts";
import type { ListenerRules } from "./listener_rules.ts";
import {
  Listeners,
  type ListenOptions,
  type TlsListenOptions,
  type UnixListenOptions,
  type WebSocketListenOptions,
} from "./listeners.ts";
import { LocalReceiver } from "./local_receiver.ts";
import { LocalSubscription } from "./local_subscription.ts";
import { Message } from "./message.ts";
import { encodeProperties } from "./message_properties.ts";
import { type BrokerOptions, settingsOf } from "./options.ts";
import { reauthorize } from "./reauthorization.ts";
import type { Receiver } from "./receiver.ts";
import { RetainedFeed } from "./retained_feed.ts";
import type { BrokerStats } from "./stats.ts";

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
  readonly #core: Core;
  readonly #door: Door;
  readonly #listeners: Listeners;
  readonly #subscriptions = new Set<LocalSubscription>();
  #closing: Promise<void> | null = null;
  #damage: Damage | null = null;

  /**
   * Makes a broker that listens nowhere yet.
   *
   * @throws {RangeError} If a limit is out of range.
   */
  constructor(options: BrokerOptions = {}) {
    this.#core = new Core(settingsOf(options));
    this.#door = new Door(this.#core);
    this.#listeners = new Listeners(this.#core, this.#door);
  }

  /**
   * Makes a broker that keeps in a store what must survive, and goes on from
   * what is there: sessions, subscriptions, retained messages and wills. An
   * acknowledgement leaves when the disk holds what it promises. The broker
   * closes the store when it is closed.
   *
   * @example A broker that survives a restart
   * ```ts no-eval
   * import { Broker, SqliteStore } from "@fairway/mqtt";
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
    const broker = new Broker(options);
    broker.#damage = store.damage;
    try {
      await openStore(broker.#core, store);
    } catch (error) {
      broker.#core.stop();
      await store.close();
      throw error;
    }
    return broker;
  }

  /** The limits in effect. */
  get limits(): Readonly<BrokerLimits> {
    return this.#core.limits;
  }

  /** What the messages in the store weigh, in bytes; 0 without a store. */
  get storedBytes(): number {
    return this.#core.journal?.bytes ?? 0;
  }

  /**
   * Changes limits while the broker runs; those not given go back to their
   * defaults. What there is beyond a new limit stays, and is only added to when
   * there is room again. Routes, once remembered, keep their limit.
   *
   * @throws {RangeError} If a limit is out of range; nothing has changed then.
   */
  changeLimits(limits: Partial<BrokerLimits>): void {
    Object.assign(this.#core.limits, checkLimits(limits));
  }

  /** What was found damaged when the store was opened; `null` if nothing was, or without one. */
  get storeDamage(): Damage | null {
    return this.#damage;
  }

  /** What the broker has counted since its start. */
  get stats(): Readonly<BrokerStats> {
    return this.#core.stats;
  }

  /** How many sessions there are, connected or not. */
  get sessions(): number {
    return this.#core.sessions.size;
  }

  /** How many subscriptions there are, those of the program included. */
  get subscriptions(): number {
    return this.#core.router.subscriptions;
  }

  /** How many of them are shared ones. */
  get sharedSubscriptions(): number {
    return this.#core.router.sharedSubscriptions;
  }

  /** What retained messages cost in memory, in bytes. */
  get retainedBytes(): number {
    return this.#core.retained.bytes;
  }

  /** The clock that the broker goes by. */
  get clock(): Clock {
    return this.#core.clock;
  }

  /** How many messages are retained. */
  get retainedMessages(): number {
    return this.#core.retained.size;
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
  policy(rules: ListenerRules): ListenerPolicy {
    return new ListenerPolicy(this.#core.settings, this.#core.stats, rules);
  }

  /**
   * Whether a connection from an address may go on, by the limits on addresses.
   * Whoever does something costly before `accept()`, such as a TLS handshake,
   * asks first, once, and says so in `PeerInfo.isVetted`.
   */
  vets(address: string): boolean {
    return this.#door.vets(address);
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
    this.#door.accept(transport, peer, policy);
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
    const route = fault === null ? this.#core.router.routeOf(topic) : null;
    if (route === null) {
      throw new TypeError(`Cannot publish to "${topic}": ${fault ?? "too many levels"}`);
    }
    const { qos = 0, retain = false, properties = {} } = options;
    const head = encodeProperties(properties);
    const body = typeof payload === "string" ? encoder.encode(payload) : payload;
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    const expiry = properties.messageExpiryInterval ?? -1;
    const message = new Message(
      route.topic,
      route.bytes,
      bytes,
      0,
      head.length,
      head.length,
      bytes.length,
      qos,
      retain,
      expiry,
      this.#core.clock.now(),
      null,
    );
    const { journal } = this.#core;
    const before = journal?.stored;
    const outcome = this.#core.publish(route, message, null);
    const room = this.#core.takeCongestion();
    if (outcome === Outcome.refused) {
      throw new QuotaExceededError(`Cannot publish to "${topic}": a backlog is full`);
    }
    const commit = journal !== null && journal.stored !== before ? journal.gathering : null;
    if (qos === 0 || commit === null) return room ?? Receipt.closed();
    const stored = journal!.whenStored(commit);
    return room === null ? stored : allOf(stored, room);
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
    const { router } = this.#core;
    const receiver = new LocalReceiver(this.#core);
    const local = new LocalSubscription(receiver, () => {
      router.unsubscribe(receiver, filter);
      this.#subscriptions.delete(local);
    });
    const subscription = new Subscription<Receiver>(receiver, filter, {
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      identifier: 0,
    });
    router.subscribe(subscription);
    this.#subscriptions.add(local);
    if (retained) {
      const walk = this.#core.retained.match(filter);
      receiver.feed = new RetainedFeed(filter, walk, retainedVariant(subscription), false);
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
    return reauthorize(this.#core);
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
    this.#core.isClosing = true;
    this.#door.close();
    await this.#listeners.close();
    for (const subscription of this.#subscriptions) await subscription.return();
    const connections = [...this.#core.connections];
    const { turns } = this.#core;
    for (const connection of connections) {
      connection.disconnect(ReasonCode.ServerShuttingDown, undefined, true);
      if (turns.spend(UNITS_PER_CLOSE)) await turns.next();
    }
    await this.#grace(connections, graceMs);
    for (const connection of connections) connection.abort();
    await Promise.all(connections.map((connection) => connection.gone));
    try {
      await this.#core.journal?.close();
    } finally {
      this.#core.stop();
    }
  }

  /** Waits until the last bytes have left, or for so long. */
  async #grace(connections: readonly Connection[], graceMs: number): Promise<void> {
    const over = new Receipt();
    const { clock } = this.#core;
    const cancel = clock.schedule(clock.now() + graceMs, () => over.close());
    const left = Promise.all(connections.map((connection) => connection.left.wait()));
    await Promise.race([left, over.wait()]);
    cancel();
  }
}

/** A receipt that closes when all the others have. */
function allOf(...receipts: Receipt[]): Receipt {
  const all = new Receipt();
  Promise.all(receipts.map((receipt) => receipt.wait())).then(() => all.close());
  return all;
}
