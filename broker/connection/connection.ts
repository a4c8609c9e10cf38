import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import {
  PacketError,
  ProtocolError,
  type ProtocolVersion,
  type QoS,
  ReasonCode,
  UnsupportedVersionError,
} from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Variant } from "../../router/variant.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { sendControl } from "./responses.ts";
import type {
  ClientConnection,
  ConnectHandler,
  ConnectionHost,
  EnhancedAuthentication,
  Granted,
  WaitingResponses,
} from "./client_connection.ts";
import { dropAliasesBeyond, releaseAliases } from "./topic_aliases.ts";
import type { BrokerContext } from "../base/context.ts";
import { sendDisconnect } from "./reason_packets.ts";
import { ConnectionReader } from "./packet_reader.ts";
import type { EffectivePolicy, ListenerPolicy } from "../base/listener_policy.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { Message } from "../base/message.ts";
import { Outbox, type OutboxOwner } from "../delivery/outbox.ts";
import { PacketLimitError } from "../limits/packet_limits.ts";
import type { Receiver, Wire } from "../delivery/subscriber.ts";
import { Deadline } from "../base/scheduler.ts";
import { Traffic } from "./traffic.ts";
import type { PublishSender } from "../delivery/publish_sender.ts";
import type { DropReason, LimitReason } from "../base/stats.ts";
import type { Session } from "../session/session.ts";
import type { ConnectionLease } from "../limits/connection_limiter.ts";

/** What the end of a connection costs, in units of the budget: its will, its session, its socket. */
const UNITS_PER_END = 32;

/**
 * One connection of one client, from its first byte to its end. What is done with
 * the bytes that arrive is the intake's; what goes the other way is the outbox's.
 *
 * The file is long because a connection can end in many ways, at any moment of
 * reading, and what must hold then is best read in one place.
 */
export class Connection implements ClientConnection, OutboxOwner {
  readonly host: ConnectionHost;
  readonly context: BrokerContext;
  readonly outbox: Outbox;
  /** What is known of the peer. */
  readonly peer: PeerInfo;
  /** The rules by which it came, shared with others. */
  readonly policy: ListenerPolicy;
  /** What holds for the client, as of when it connected. */
  readonly terms: EffectivePolicy;
  /** What it has brought and taken. */
  readonly traffic: Traffic;
  /** What the client speaks; known from its CONNECT on. */
  version: ProtocolVersion = 4;
  /** Whether it is a bridge of 3.x, which cannot ask for No Local and Retain As Published. */
  isBridge = false;
  /** Whether it may be told more than a reason code where that is not the end [MQTT-3.1.2-29]. */
  wantsReasons = true;
  /** The session, once the client was let in. */
  session: Session | null = null;
  /** The client, once it was let in. */
  client: ClientInfo | null = null;
  sender: PublishSender | null = null;
  wire: Wire;
  /** How the client is let in; `null` before its CONNECT, and when nothing of it is left to do. */
  flow: ConnectHandler | null = null;
  /** An enhanced authentication under way, or that may be repeated. */
  auth: EnhancedAuthentication | null = null;
  /** How far the authenticator has let the client in; `null` for without end and restriction. */
  granted: Granted | null = null;
  /** Topic aliases that the client has set. */
  aliases: Map<number, Route<Receiver>> | null = null;
  /** What they cost in memory, in bytes. */
  aliasBytes = 0;
  /** The route of the last message: the next is often for the same. */
  lastRoute: Route<Receiver> | null = null;
  /** What the connection limiter counts of it; `null` for nothing. */
  lease: ConnectionLease | null = null;
  /** Answers that wait for the disk; made for the first. */
  acks: WaitingResponses | null = null;
  readonly #transport: Transport;
  readonly #intake: ConnectionReader;
  #isOpen = true;
  #isPaused = false;
  #isRetired = false;
  #isTransportClosed = false;
  #isGone = false;
  #hasLeft = false;
  // Made when somebody waits, which is rare: an idle connection must cost little.
  #left: Receipt | null = null;
  #gone: Receipt | null = null;
  #lastReadMs: number;
  #keepAliveMs = 0;
  readonly #deadline: Deadline;
  /** What is said about the end when it comes. */
  #reasonCode: number = ReasonCode.UnspecifiedError;
  #endedBy: "client" | "broker" | "network" = "network";
  #keepsWill = true;
  #error: unknown = null;

  constructor(host: ConnectionHost, transport: Transport, peer: PeerInfo, policy: ListenerPolicy) {
    const { context } = host;
    this.host = host;
    this.context = context;
    this.peer = peer;
    this.policy = policy;
    this.terms = policy.effective;
    this.wire = { v5: false, packetBytesMax: this.terms.packetBytesMax, isOwn: false };
    this.#transport = transport;
    this.#intake = new ConnectionReader(this);
    this.outbox = new Outbox(transport, host.outboxHost, this);
    this.#lastReadMs = context.clock.now();
    this.#deadline = new Deadline(() => this.#onDue());
    context.scheduler.set(this.#deadline, this.#lastReadMs + context.limits.connectTimeoutMs);
    host.connections.add(this);
    this.traffic = new Traffic(context, policy);
  }

  /**
   * Goes by limits that have changed. What CONNACK has told the client stays: it has counted on it.
   */
  applyLimits(): void {
    this.lastRoute = null;
    dropAliasesBeyond(this);
    this.#intake.applyLimits();
  }

  /** The client identifier; `""` before the client was let in. */
  get clientId(): string {
    return this.session?.clientId ?? "";
  }

  /** Whether packets are still read. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Who is asked what the client may do; nobody if `null`. */
  get authorizer(): Authorizer | null {
    return this.granted === null ? this.terms.authorizer : this.granted.authorizer;
  }

  /** Closes when the last byte for the client has left, or none ever will. */
  get left(): Receipt {
    return this.#left ??= this.#hasLeft ? Receipt.closed() : new Receipt();
  }

  /** Closes when the connection is no more. */
  get gone(): Receipt {
    return this.#gone ??= this.#isGone ? Receipt.closed() : new Receipt();
  }

  /** Reads until the connection ends. Never rejects. */
  async run(): Promise<void> {
    try {
      while (this.#isOpen || this.#endedBy === "broker") {
        const bytes = await this.#transport.read(this.#intake.target());
        if (bytes === null) break;
        // Read on while the last bytes leave: closing with something unread
        // would reset the connection, and the client never learn why.
        if (!this.#isOpen) continue;
        this.#lastReadMs = this.context.clock.now();
        this.context.turns.begin(this.#lastReadMs);
        this.traffic.received(bytes);
        this.#intake.filled(bytes);
        const wait = this.#take();
        if (wait !== null) await this.#pause(wait);
        if (this.#isGone) return;
      }
    } catch (error) {
      // The transport has failed: the peer, or the network, is gone.
      this.#error ??= error;
    }
    // To end is work, too, and thousands may lose their connections at once.
    this.context.turns.begin();
    this.context.turns.whenever(() => this.#end());
  }

  /** Takes everything that has arrived. Returns what has to be waited for, if anything. */
  #take(): PromiseLike<void> | null {
    const wait = this.#takePart();
    return wait === null && this.#isOpen && this.#intake.isCut ? this.#takeInTurns() : wait;
  }

  /** Takes what there is time for in this turn. */
  #takePart(): PromiseLike<void> | null {
    try {
      return this.#intake.consume() ?? this.#intake.held();
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /** Goes on in later turns, until everything was taken or there is something else to wait for. */
  #takeInTurns(): Promise<void> {
    const { context } = this;
    return new Promise((resolve) => {
      const job = () => {
        if (!this.#isOpen) return resolve();
        const wait = this.#takePart();
        if (wait === null && this.#isOpen && this.#intake.isCut) return context.turns.later(job);
        if (wait instanceof Receipt) context.stats.backpressureWaits++;
        resolve(wait ?? undefined);
      };
      context.turns.later(job, this.#intake.isShort);
    });
  }

  /** Counts that the client has reached a limit. */
  limited(reason: LimitReason): void {
    this.context.limited(reason, this.peer.address, this.client?.clientId ?? null);
  }

  /** Reads nothing more until a wait is over; the client cannot keep alive meanwhile. */
  async #pause(wait: PromiseLike<void>): Promise<void> {
    this.#isPaused = true;
    for (let next: PromiseLike<void> | null = wait; next !== null && this.#isOpen;) {
      if (next instanceof Receipt) this.context.stats.backpressureWaits++;
      try {
        await next;
      } catch (error) {
        this.fail(error);
        break;
      }
      next = this.#isOpen ? this.#take() : null;
    }
    this.#isPaused = false;
    this.#lastReadMs = this.context.clock.now();
  }

  /** The client says goodbye (§3.14). */
  goodbye(reasonCode: number, expirySeconds: number | undefined): void {
    const session = this.session!;
    if (expirySeconds !== undefined) {
      if (session.expirySeconds === 0 && expirySeconds > 0) {
        throw new ProtocolError("Session Expiry Interval was 0 in CONNECT", 0, "§3.14.2.2.2");
      }
      session.expirySeconds = Math.min(expirySeconds, this.terms.sessionExpirySecondsMax);
    }
    this.#keepsWill = reasonCode !== ReasonCode.Success;
    this.departed(reasonCode);
  }

  /** The client has taken its leave: nothing is left to say. */
  departed(reasonCode: number): void {
    this.#reasonCode = reasonCode;
    this.#endedBy = "client";
    this.abort();
  }

  /** Adds what is on its way to the client. */
  tally(tally: Tally): void {
    this.outbox.tally(tally);
    tally.bytes += this.acks?.bytes ?? 0;
  }

  sendPubrel(packetId: number, reasonCode: number): void {
    sendControl(this, { type: "pubrel", packetId, reasonCode, properties: {} });
  }

  send(message: Message, variant: Variant, qos: QoS, packetId: number, dup: boolean): boolean {
    const { mount } = this.terms;
    if (mount !== null && !mount.holds(message.topic)) return false;
    return this.sender!.send(message, variant, qos, packetId, dup);
  }

  whyUnsent(message: Message): DropReason {
    const { mount } = this.terms;
    return mount === null || mount.holds(message.topic) ? "too-large" : "outside-mount";
  }

  pump(): void {
    this.session?.pump();
  }

  onSent(bytes: number): void {
    this.traffic.sent(bytes);
  }

  onOutboxEnded(isComplete: boolean, error: unknown): void {
    this.#isOpen = false;
    this.#error ??= error;
    if (!isComplete) this.#closeTransport();
    else {
      // The peer may still be sending, and is heard out.
      this.#transport.closeWrite?.().catch(() => {
        // The pipe has broken: the read that is pending finds out.
      });
    }
    this.#hasLeft = true;
    this.#left?.close();
  }

  /** Takes note of what the connection ends for, unless something else came before. */
  blame(error: Error): void {
    this.#error ??= error;
  }

  /** The client broke the protocol, or the broker has failed: says so and closes. */
  fail(error: unknown): void {
    this.#error ??= error;
    if (!(error instanceof PacketError)) {
      this.context.failed(error);
      if (this.session === null && this.flow !== null) return this.flow.refuseUndecided();
      return this.disconnect(ReasonCode.UnspecifiedError);
    }
    this.context.stats.protocolErrors++;
    if (error instanceof PacketLimitError) this.limited(error.limit);
    if (this.session !== null) this.disconnect(error.reasonCode, error.message);
    else if (error instanceof UnsupportedVersionError || this.flow !== null) {
      this.flow!.refuseFaulty(error);
    } else this.close();
  }

  /**
   * Says why, in 5.0, and closes [MQTT-4.13.1-1].
   *
   * @param drain Whether messages that wait are sent first.
   */
  disconnect(reasonCode: number, reasonString?: string, drain = false): void {
    if (!this.#isOpen) return;
    this.#sayGoodbye(reasonCode, reasonString, drain);
    if (!drain) this.#retireSoon();
  }

  #sayGoodbye(reasonCode: number, reasonString: string | undefined, drain: boolean): void {
    this.#isOpen = false;
    this.#endedBy = "broker";
    this.#reasonCode = reasonCode;
    if (this.version === 5 && this.session !== null) {
      sendDisconnect(this, reasonCode, reasonString, drain);
    }
    this.#linger(drain);
  }

  /** Closes as soon as what control packets there are have left. */
  close(reasonCode: number = this.#reasonCode): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#endedBy = "broker";
    this.#reasonCode = reasonCode;
    this.#linger(false);
    this.#retireSoon();
  }

  /**
   * Another connection takes the session [MQTT-3.1.4-3]: the client is told,
   * and the session is free once the last byte has left.
   */
  async takeOver(): Promise<void> {
    if (this.#isOpen) this.#sayGoodbye(ReasonCode.SessionTakenOver, undefined, false);
    await this.left;
    this.#retire();
  }

  /** Closes at once. */
  abort(): void {
    this.#isOpen = false;
    this.outbox.abort();
    this.#closeTransport();
  }

  /** The broker closes at once, since there is no use in saying why. */
  cutOff(error: Error): void {
    this.#error ??= error;
    this.#endedBy = "broker";
    this.abort();
  }

  /** Starts to watch the Keep Alive that was agreed on, in seconds; 0 for none. */
  keepAlive(seconds: number): void {
    this.#keepAliveMs = seconds * 1500;
    if (seconds === 0) this.context.scheduler.clear(this.#deadline);
    else this.context.scheduler.set(this.#deadline, this.#lastReadMs + this.#keepAliveMs);
  }

  /** Leaves the outbox some time to write the last bytes. */
  #linger(drain: boolean): void {
    const { scheduler, clock, limits } = this.context;
    scheduler.set(this.#deadline, clock.now() + limits.lingerMs);
    this.outbox.finish(drain);
  }

  #onDue(): void {
    try {
      this.#due();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  #due(): void {
    if (!this.#isOpen) {
      this.outbox.abort();
      return this.#closeTransport();
    }
    if (this.session === null) {
      // No CONNECT in time, or an authentication that goes nowhere.
      this.#error ??= new Error("No CONNECT in time");
      this.limited("connect-timeout");
      return this.close();
    }
    const now = this.context.clock.now();
    const dueMs = (this.#isPaused ? now : this.#lastReadMs) + this.#keepAliveMs;
    if (dueMs > now) this.context.scheduler.set(this.#deadline, dueMs);
    else {
      this.#error ??= new Error("Keep Alive timeout");
      this.disconnect(ReasonCode.KeepAliveTimeout);
    }
  }

  #closeTransport(): void {
    if (this.#isTransportClosed) return;
    this.#isTransportClosed = true;
    this.#transport.close();
    // Nobody reads, so nobody would find out: what is waited for may never come.
    if (this.#isPaused) this.#end();
  }

  #end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isOpen = false;
    const { context, host } = this;
    context.scheduler.clear(this.#deadline);
    this.granted?.end();
    this.outbox.abort();
    this.#closeTransport();
    this.#intake.close();
    host.connections.delete(this);
    this.traffic.ended();
    this.lease?.release();
    releaseAliases(this);
    context.guard(() => this.#retire());
    context.turns.spend(UNITS_PER_END);
    this.#gone?.close();
  }

  /**
   * Lets go of the session when what is going on is over: a will does not wait until a client that
   * has fallen silent takes its last bytes [MQTT-3.1.2-22].
   */
  #retireSoon(): void {
    if (this.session === null) return;
    queueMicrotask(() => this.context.guard(() => this.#retire()));
  }

  /** The session goes on without the connection, or ends. */
  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    const { context, host, session } = this;
    if (session !== null && session.link === this) host.sessions.suspend(session, this.#keepsWill);
    if (this.client !== null) {
      const { client } = this;
      context.stats.clients--;
      const info = { reasonCode: this.#reasonCode, by: this.#endedBy, error: this.#error };
      context.guard(() => context.hooks.disconnected?.(client, info));
    }
  }
}
