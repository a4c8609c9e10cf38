/** One network connection of a client, from its first byte to its end. */
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import { PacketType, type ProtocolVersion, type QoS } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Variant } from "../../router/variant.ts";
import type { Pipe, PipeReceiver } from "../../transport/pipe.ts";
import { pipeOf } from "../../transport/pulled_pipe.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { ack } from "./responses.ts";
import type {
  ClientConnection,
  ClientProtocol,
  ConnectHandler,
  ConnectionHost,
  EnhancedAuthentication,
  Granted,
  LastPacket,
  WaitingResponses,
} from "./client_connection.ts";
import { dropAliasesBeyond } from "./topic_aliases.ts";
import type { BrokerContext } from "../base/context.ts";
import { ConnectionEnd } from "./connection_end.ts";
import { ConnectionTimer, type TimedConnection } from "./connection_timer.ts";
import { ConnectionReader } from "./packet_reader.ts";
import type { EffectivePolicy, ListenerPolicy } from "../base/listener_policy.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { Outbox } from "../delivery/outbox.ts";
import type { OutboxHost, OutboxOwner } from "../delivery/outbox_host.ts";
import { type Receiver, sharedWire, type Wire } from "../delivery/subscriber.ts";
import { Traffic } from "./traffic.ts";
import type { MessageSender } from "../delivery/publish_sender.ts";
import type { BrokerCounters, DropReason, LimitReason } from "../base/stats.ts";
import type { Session } from "../session/session.ts";
import type { ConnectionLease } from "../limits/connection_admission.ts";

/** Reads packets, and holds what their handlers need. How it ends is in `connection_end.ts`. */
export class Connection implements ClientConnection, OutboxOwner, PipeReceiver, TimedConnection {
  readonly host: ConnectionHost;
  readonly context: BrokerContext;
  readonly outbox: Outbox;
  /** What is known of the peer. */
  readonly peer: PeerInfo;
  /** The policy of its listener, shared with other connections. */
  readonly listenerPolicy: ListenerPolicy;
  /** The rules for the client, as they were when it connected. */
  readonly policy: EffectivePolicy;
  readonly counters: BrokerCounters;
  /** Counts the bytes of the connection. */
  readonly traffic: Traffic;
  rosterIndex = -1;
  version: ProtocolVersion = 4;
  isBridge = false;
  wantsReasons = true;
  wire: Wire;
  session: Session | null = null;
  sender: MessageSender | null = null;
  client: ClientInfo | null = null;
  /** Accepts the client; `null` before CONNECT, and after CONNACK unless AUTH may come again. */
  flow: ConnectHandler | null = null;
  /** An enhanced authentication that is in progress, or repeatable. */
  auth: EnhancedAuthentication | null = null;
  /** The grant of the authenticator; `null` if it has no limit and no deadline. */
  granted: Granted | null = null;
  /** Topic aliases that the client has set. */
  aliases: Map<number, Route<Receiver>> | null = null;
  /** The memory of these aliases, in bytes. */
  aliasBytes = 0;
  /** The route of the last message: the next one often has the same. */
  lastRoute: Route<Receiver> | null = null;
  /** The lease of the connection limiter; `null` for none. Set by the acceptor. */
  lease: ConnectionLease | null = null;
  /** Responses that wait for the disk; created for the first one. */
  acks: WaitingResponses | null = null;
  /** The end of the connection. */
  readonly end: ConnectionEnd;
  /** The timer for CONNECT, Keep Alive and the last bytes. */
  readonly timer: ConnectionTimer;
  readonly #pipe: Pipe;
  readonly #reader: ConnectionReader;
  /** Created for the first message. */
  #origin: Origin | null = null;

  constructor(
    host: ConnectionHost,
    transport: Transport,
    peer: PeerInfo,
    listenerPolicy: ListenerPolicy,
  ) {
    this.host = host;
    const context = this.context = host.context;
    const sinceMs = context.clock.now();
    this.peer = peer;
    this.listenerPolicy = listenerPolicy;
    this.policy = listenerPolicy.effective;
    this.wire = sharedWire(false, this.policy.packetBytesMax, false);
    this.#pipe = pipeOf(transport, this);
    this.#reader = new ConnectionReader(this);
    this.counters = this.policy.peer?.counters ?? context.stats;
    this.outbox = new Outbox(this.#pipe, outboxHostOf(host, this.policy), this);
    this.timer = new ConnectionTimer(this, sinceMs);
    this.end = new ConnectionEnd(this, this.#pipe);
    this.traffic = new Traffic(this.counters, sinceMs);
  }

  /**
   * Applies changed limits, but for those that CONNACK has told the client, which relies on them.
   */
  applyLimits(): void {
    this.lastRoute = null;
    dropAliasesBeyond(this);
    this.#reader.applyLimits();
  }

  /** The client identifier; `""` before the client was accepted. */
  get clientId(): string {
    return this.session?.clientId ?? "";
  }

  /** Where messages of the client, or node, come from: one for all of them. */
  get origin(): Origin {
    return this.#origin ??= this.policy.peer?.origin ?? Origin.client(this.clientId);
  }

  /** Whether packets are still read. */
  get isOpen(): boolean {
    return this.end.isOpen;
  }

  /** Decides about the permissions of the client; `null` allows everything. */
  get authorizer(): Authorizer | null {
    return this.granted === null ? this.policy.authorizer : this.granted.authorizer;
  }

  /** Begins to read. */
  run(): void {
    this.#pipe.start();
  }

  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer> {
    // While the last bytes leave, input is read, but not handled.
    return this.end.isOpen || shared === null ? this.#reader.target(shared) : shared;
  }

  onReceived(bytes: number, isFull = false): void {
    if (!this.end.isOpen) return;
    if (bytes === 0) return this.#reader.settle(false);
    const { context } = this;
    this.timer.onRead(context.turns.arrive());
    this.traffic.onReceived(bytes);
    this.#reader.onFilled(bytes, isFull);
    const wait = this.#take();
    if (wait !== null) this.#pause(wait);
    this.#reader.settle(wait !== null);
  }

  onEnded(error: unknown): void {
    this.end.error ??= error;
    // The end of a connection is work, too, and thousands may end at once.
    this.context.turns.arrive();
    this.context.turns.whenever(() => this.end.transportGone());
  }

  /** Handles everything that has arrived. Returns a promise to wait for, if any. */
  #take(): PromiseLike<void> | null {
    const wait = this.#takePart();
    return wait === null && this.isOpen && this.#reader.isCut ? this.#takeInTurns() : wait;
  }

  /** Handles as much as this turn has time for. */
  #takePart(): PromiseLike<void> | null {
    try {
      return this.#reader.consume() ?? this.#reader.held();
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /** Continues in later turns, until all is handled or there is something else to wait for. */
  #takeInTurns(): Promise<void> {
    const { context } = this;
    return new Promise((resolve) => {
      const job = () => {
        if (!this.isOpen) return resolve();
        const wait = this.#takePart();
        if (wait === null && this.isOpen && this.#reader.isCut) return context.turns.later(job);
        if (wait instanceof Receipt) context.stats.backpressureWaits++;
        resolve(wait ?? undefined);
      };
      context.turns.later(job, this.#reader.isShort);
    });
  }

  /** Counts that the client has reached a limit. */
  reportLimit(reason: LimitReason): void {
    this.context.reportLimit(reason, this.peer.address, this.client?.clientId ?? null);
  }

  /** Stops reading until a wait is over. The Keep Alive timer is paused meanwhile. */
  async #pause(wait: PromiseLike<void>): Promise<void> {
    this.#pipe.pause();
    this.timer.isPaused = true;
    for (let next: PromiseLike<void> | null = wait; next !== null && this.isOpen;) {
      if (next instanceof Receipt) this.context.stats.backpressureWaits++;
      try {
        await next;
      } catch (error) {
        this.fail(error);
        break;
      }
      next = this.isOpen ? this.#take() : null;
    }
    this.timer.resume();
    if (this.end.isGone) return;
    this.#reader.settle(false);
    this.#pipe.resume();
  }

  /** Sets the protocol of the client. */
  speak({ version, isBridge, wantsReasons, wire }: ClientProtocol): void {
    this.version = version;
    this.isBridge = isBridge;
    this.wantsReasons = wantsReasons;
    this.wire = wire;
  }

  /** Sets the session of the client. */
  bind(session: Session, sender: MessageSender): void {
    this.session = session;
    this.sender = sender;
  }

  /** The client is accepted, and CONNACK has left, or may leave. */
  onAccepted(client: ClientInfo): void {
    const { stats, hooks } = this.context;
    if (this.policy.peer !== null) return; // A node is no client.
    this.client = client;
    this.lease?.onAuthenticated();
    stats.connectsAccepted++;
    stats.clientsMost = Math.max(stats.clientsMost, ++stats.clients);
    this.context.guard(() => hooks.connected?.(client));
  }

  /** Adds the memory of what is on its way to the client. */
  tally(tally: Tally): void {
    this.outbox.tally(tally);
    tally.bytes += this.acks?.bytes ?? 0;
  }

  sendPubrel(packetId: number, reasonCode: number): void {
    ack(this, PacketType.pubrel, packetId, reasonCode);
  }

  send(message: Message, how: Variant, qos: QoS, id: number, dup: boolean, sure?: true): boolean {
    const { mount } = this.policy;
    if (mount !== null && !mount.holds(message.topic)) return false;
    return this.sender!.send(message, how, qos, id, dup, sure);
  }

  whyUnsent(message: Message): DropReason {
    const { mount } = this.policy;
    return mount === null || mount.holds(message.topic) ? this.sender!.whyUnsent : "outside-mount";
  }

  pump(): void {
    this.session?.pump();
  }

  onSent(bytes: number): void {
    this.traffic.onSent(bytes);
  }

  onWritten(bytes: number): void {
    this.outbox.onWritten(bytes);
  }

  onWriteFailed(error: unknown): void {
    this.outbox.onWriteFailed(error);
  }

  onOutboxEnded(isComplete: boolean, error: unknown): void {
    this.end.onOutboxEnded(isComplete, error);
  }

  /** The client has sent DISCONNECT. */
  onDisconnect(reasonCode: number): void {
    this.end.byClient(reasonCode);
  }

  /** Ends the connection; a 5.0 client receives the reason [MQTT-4.13.1-1]. */
  disconnect(reasonCode: number, reasonString?: string, last: LastPacket = "disconnect"): void {
    this.end.byBroker(reasonCode, last, reasonString);
  }

  /** Ends the connection because of a protocol violation or an internal error. */
  fail(error: unknown): void {
    this.end.byFault(error);
  }

  /** Records the error that ends the connection. The first one counts. */
  blame(error: unknown): void {
    this.end.error ??= error;
  }

  /** Another connection takes the session [MQTT-3.1.4-3]. */
  takeOver(): Promise<void> {
    return this.end.takeOver();
  }

  /** Closes at once, because the client takes no bytes. */
  cutOff(error: Error): void {
    this.end.cutOff(error);
  }

  /** Stops reading, and releases the input buffer. */
  stopReading(): void {
    this.#reader.close();
  }

  /** Starts the Keep Alive timer with the agreed time, in seconds; 0 for none. */
  keepAlive(seconds: number): void {
    this.timer.keepAlive(seconds);
  }

  /** Closes the transport at once. */
  abort(): void {
    this.end.abort();
  }
}

/** What an outbox needs; that of a node counts apart from those of clients. */
function outboxHostOf({ outboxHost }: ConnectionHost, { peer }: EffectivePolicy): OutboxHost {
  if (peer === null) return outboxHost;
  const { counters } = peer;
  const countSent = (frames: number, bytes: number) => {
    counters.messagesSent += frames;
    counters.publishBytesSent += bytes;
  };
  return { ...outboxHost, countSent };
}
