import type { ClientInfo } from "../auth/authenticator.ts";
import type { Authorizer } from "../auth/authorizer.ts";
import {
  decodePacket,
  FixedHeader,
  type Packet,
  PacketError,
  packetSize,
  PacketType,
  ProtocolError,
  type ProtocolVersion,
  type QoS,
  ReasonCode,
  UnsupportedVersionError,
  writePacket,
} from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import type { Route } from "../router/route_cache.ts";
import type { Variant } from "../router/variant.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import { type AuthFlow, ConnectFlow } from "./connect_flow.ts";
import type { Core } from "./core.ts";
import { AckQueue } from "./durable/ack_queue.ts";
import type { Commit } from "./durable/commit.ts";
import { sendFarewell } from "./farewell.ts";
import type { Granted } from "./granted.ts";
import { InputBuffer } from "./input_buffer.ts";
import type { Link } from "./link.ts";
import type { ListenerPolicy, ListenerTerms } from "./listener_policy.ts";
import type { Message } from "./message.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { Pace } from "./pace.ts";
import { checkPacket, PacketLimitError } from "./packet_limits.ts";
import { handlePacket, handlePuback } from "./packet_handler.ts";
import { PublishFlow } from "./publish_flow.ts";
import type { Receiver, Wire } from "./receiver.ts";
import { Deadline } from "./scheduler.ts";
import type { Sender } from "./sender.ts";
import type { DropReason, LimitReason } from "./stats.ts";
import type { Session } from "./session.ts";
import type { Visit } from "./gate.ts";

/** One for all: it is filled in and read within a call. */
const header = new FixedHeader();

/**
 * One connection of one client: takes bytes, finds the packets in them, and
 * has each handled. What goes the other way is the outbox's.
 *
 * The file is long because a connection can end in many ways, at any moment of
 * reading, and what must hold then is best read in one place.
 */
export class Connection implements Link, OutboxOwner {
  readonly core: Core;
  readonly outbox: Outbox;
  /** What is known of the peer. */
  readonly peer: PeerInfo;
  /** What holds for the client, as of when it connected. */
  readonly terms: ListenerTerms;
  /** What the client speaks; known from its CONNECT on. */
  version: ProtocolVersion = 4;
  /** The session, once the client was let in. */
  session: Session | null = null;
  /** The client, once it was let in. */
  client: ClientInfo | null = null;
  sender: Sender | null = null;
  wire: Wire;
  /** How the client is let in; `null` before its CONNECT, and when nothing of it is left to do. */
  flow: ConnectFlow | null = null;
  /** An enhanced authentication under way, or that may be repeated. */
  auth: AuthFlow | null = null;
  /** How far the authenticator has let the client in; `null` for without end and restriction. */
  granted: Granted | null = null;
  /** Topic aliases that the client has set. */
  aliases: Map<number, Route<Receiver>> | null = null;
  /** The route of the last message: the next is often for the same. */
  lastRoute: Route<Receiver> | null = null;
  /** What is counted of it at the gate; `null` for nothing. */
  visit: Visit | null = null;
  readonly #policy: ListenerPolicy;
  /** Answers that wait for the disk; made for the first. */
  #acks: AckQueue | null = null;
  readonly #transport: Transport;
  readonly #input: InputBuffer;
  #isOpen = true;
  #isPaused = false;
  #isRetired = false;
  #isTransportClosed = false;
  #isGone = false;
  #hasLeft = false;
  // Made when somebody waits, which is rare: an idle connection must cost little.
  #left: Receipt | null = null;
  #gone: Receipt | null = null;
  /** How fast the client may publish; `null` for as fast as it can. */
  readonly #pace: Pace | null;
  /** Bytes of the frame that is incomplete, as far as it is known. */
  #frameBytes = 0;
  #lastReadMs: number;
  #keepAliveMs = 0;
  readonly #deadline: Deadline;
  /** What is said about the end when it comes. */
  #reasonCode: number = ReasonCode.UnspecifiedError;
  #endedBy: "client" | "broker" | "network" = "network";
  #keepsWill = true;
  #error: unknown = null;

  constructor(core: Core, transport: Transport, peer: PeerInfo, policy: ListenerPolicy) {
    this.core = core;
    this.peer = peer;
    this.#policy = policy;
    this.terms = policy.terms;
    this.wire = { v5: false, packetBytesMax: this.terms.packetBytesMax, isOwn: false };
    this.#transport = transport;
    this.#input = new InputBuffer(core.pool);
    this.#pace = Pace.of(core);
    this.outbox = new Outbox(transport, core, this);
    this.#lastReadMs = core.clock.now();
    this.#deadline = new Deadline(() => this.#onDue());
    core.scheduler.set(this.#deadline, this.#lastReadMs + core.limits.connectTimeoutMs);
    core.connections.add(this);
    core.stats.connections++;
    core.stats.connectionsAccepted++;
    policy.connections++;
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
        const target = this.#input.target(this.#frameBytes);
        const bytes = await this.#transport.read(this.#pace?.bounded(target) ?? target);
        if (bytes === null) break;
        // Read on while the last bytes leave: closing with something unread
        // would reset the connection, and the client never learn why.
        if (!this.#isOpen) continue;
        this.#lastReadMs = this.core.clock.now();
        this.core.stats.bytesReceived += bytes;
        this.#input.filled(bytes);
        // Whoever is slowed down by now, it is not for what this client does.
        this.core.takeCongestion();
        const wait = this.#take();
        if (wait !== null) await this.#pause(wait);
        if (this.#isGone) return;
      }
    } catch (error) {
      // The transport has failed: the peer, or the network, is gone.
      this.#error ??= error;
    }
    this.#end();
  }

  /** Takes everything that has arrived. Returns what has to be waited for, if anything. */
  #take(): PromiseLike<void> | null {
    try {
      return this.#consume() ?? this.core.takeCongestion() ?? this.#held();
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /** What has to be waited for because of what this client does itself: too much at once. */
  #held(): Promise<void> | null {
    if (!this.#isOpen) return null;
    const { controlBytesMax } = this.core.limits;
    if (this.outbox.controlBytes > controlBytesMax) {
      this.limited("control-bytes");
      return this.outbox.controlTaken();
    }
    if (this.#acks !== null && this.#acks.bytes > controlBytesMax) {
      this.limited("control-bytes");
      return this.#acks.fewer.wait();
    }
    const wait = this.#pace?.wait() ?? null;
    if (wait === null) return null;
    this.limited("publish-rate");
    if (this.core.settings.overrate === "slow-down") return wait;
    this.disconnect(ReasonCode.MessageRateTooHigh, "Publishes too fast");
    return null;
  }

  /** Counts that the client has reached a limit. */
  limited(reason: LimitReason): void {
    this.core.limited(reason, this.peer.address, this.client?.clientId ?? null);
  }

  /** Reads nothing more until a wait is over; the client cannot keep alive meanwhile. */
  async #pause(wait: PromiseLike<void>): Promise<void> {
    this.#isPaused = true;
    for (let next: PromiseLike<void> | null = wait; next !== null && this.#isOpen;) {
      if (next instanceof Receipt) this.core.stats.backpressureWaits++;
      try {
        await next;
      } catch (error) {
        this.fail(error);
        break;
      }
      // What was allowed by the authorizer meanwhile may be more than somebody can take.
      next = this.#isOpen ? this.core.takeCongestion() ?? this.#take() : null;
    }
    this.#isPaused = false;
    this.#lastReadMs = this.core.clock.now();
  }

  #consume(): PromiseLike<void> | null {
    const input = this.#input;
    const { bytes, end } = input;
    const { core, terms, outbox } = this;
    const { controlBytesMax } = core.limits;
    const pace = this.#pace;
    this.#frameBytes = 0;
    let at = input.start;
    // What waits stays where it is: a backlog never grows by more than a message
    // between the moment it is long and the moment its publishers wait.
    while (at < end && this.#isOpen && !core.isCongested) {
      if (outbox.controlBytes > controlBytesMax || pace?.mayGoOn === false) break;
      if (this.#acks !== null && this.#acks.bytes > controlBytesMax) break;
      const mayRun = this.session !== null && (pace === null || pace.mayTakeAll(end - at));
      if (mayRun && bytes[at] === 0x30) {
        const before = core.stats.messagesReceived;
        const next = PublishFlow.run(this, bytes, at, end);
        if (next > at) {
          pace?.spend(core.stats.messagesReceived - before, next - at);
          at = next;
          continue;
        }
      }
      if (!header.read(bytes, at, end)) break;
      const size = header.end - at;
      const sizeMax = this.session === null ? core.limits.connectBytesMax : terms.packetBytesMax;
      if (size > sizeMax) {
        this.limited("packet-bytes");
        throw new ProtocolError(
          `Packet of ${size} bytes, of at most ${sizeMax}`,
          0,
          "MQTT-3.2.2-15",
          ReasonCode.PacketTooLarge,
        );
      }
      if (header.end > end) {
        if (this.session === null) this.#checkFirst(header.first);
        this.#frameBytes = size;
        break;
      }
      const { first, bodyStart, end: bodyEnd } = header;
      at = bodyEnd;
      if (this.session !== null) pace?.spend(first >> 4 === PacketType.publish ? 1 : 0, size);
      const wait = this.#handle(first, bytes, bodyStart, bodyEnd);
      if (wait !== null) {
        input.consume(at);
        return wait;
      }
    }
    input.consume(at);
    return null;
  }

  #handle(first: number, bytes: Uint8Array, start: number, end: number): PromiseLike<void> | null {
    const type = first >> 4;
    const isLarge = this.session !== null && end - start > this.core.guards.harmlessBytes;
    if (isLarge) checkPacket(this.core.limits, this.version, first, bytes, start, end);
    if (this.session !== null && type === PacketType.publish) {
      return PublishFlow.packet(this, first, bytes, start, end);
    }
    this.core.stats.controlPacketsReceived++;
    if (this.session === null) return this.#handleStranger(first, bytes, start, end);
    if (type === PacketType.puback && end - start === 2 && first === 0x40) {
      handlePuback(this.session, bytes[start]! << 8 | bytes[start + 1]!);
      return null;
    }
    const body = bytes.subarray(start, end);
    return handlePacket(this, decodePacket(this.version, first, body, this.terms.leniency));
  }

  /** Before the client was let in, it may send CONNECT, and AUTH if it is asked to. */
  #handleStranger(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): PromiseLike<void> | null {
    const body = bytes.subarray(start, end);
    if (this.flow === null) {
      this.#checkFirst(first);
      this.flow = new ConnectFlow(this);
      return this.flow.connect(first, body);
    }
    const packet = decodePacket(this.version, first, body, this.terms.leniency);
    if (packet.type === "auth" && this.auth !== null) return this.flow.auth(packet);
    if (packet.type === "disconnect") this.#disconnected(packet.reasonCode);
    else throw new ProtocolError(`Packet ${packet.type} before CONNACK`, 0, "MQTT-3.1.2-30");
    return null;
  }

  /** Whoever speaks another protocol is not waited for until it has said enough. */
  #checkFirst(first: number): void {
    if (this.flow !== null || first >> 4 === PacketType.connect) return;
    throw new ProtocolError("First packet is no CONNECT", 0, "MQTT-3.1.0-1");
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
    this.#disconnected(reasonCode);
  }

  #disconnected(reasonCode: number): void {
    this.#reasonCode = reasonCode;
    this.#endedBy = "client";
    this.abort();
  }

  /** Sends a control packet, if the client takes one of its size; it is written at once. */
  control(packet: Packet): boolean {
    const size = packetSize(packet, this.version);
    if (size > this.wire.packetBytesMax) return false;
    const offset = this.outbox.reserveControl(size);
    this.core.stats.controlPacketsSent++;
    writePacket(packet, this.version, this.outbox.controlBuffer, offset);
    return true;
  }

  /** Sends an answer that the client waits for: one that takes none of its size is let go. */
  reply(packet: Packet): void {
    if (!this.control(packet)) {
      this.#error ??= new Error(`Answer is larger than the client takes: ${packet.type}`);
      this.disconnect(ReasonCode.PacketTooLarge);
    }
  }

  /** Sends PUBACK, PUBREC or PUBCOMP. */
  ack(type: number, packetId: number, reasonCode: number): void {
    const long = this.version === 5 && reasonCode !== 0;
    const offset = this.outbox.reserveControl(long ? 5 : 4);
    this.core.stats.controlPacketsSent++;
    const buffer = this.outbox.controlBuffer;
    buffer[offset] = type << 4;
    buffer[offset + 1] = long ? 3 : 2;
    buffer[offset + 2] = packetId >> 8;
    buffer[offset + 3] = packetId & 0xff;
    if (long) buffer[offset + 4] = reasonCode;
  }

  /**
   * Sends PUBACK, PUBREC or PUBCOMP once a commit is on the disk, and not before
   * those that wait already.
   *
   * @param message What is refused if the commit fails.
   */
  ackAfter(
    commit: Commit | null,
    type: number,
    packetId: number,
    reasonCode: number,
    message: Message | null = null,
  ): void {
    if (commit === null && (this.#acks === null || this.#acks.isEmpty)) {
      this.ack(type, packetId, reasonCode);
    } else this.#ackQueue.ack(commit, type, packetId, reasonCode, message);
  }

  /** Sends an answer once a commit is on the disk. */
  replyAfter(commit: Commit | null, packet: Packet): void {
    if (commit === null) this.reply(packet);
    else this.#ackQueue.reply(commit, packet);
  }

  get #ackQueue(): AckQueue {
    return this.#acks ??= new AckQueue(this, this.core.journal!);
  }

  sendPubrel(packetId: number, reasonCode: number): void {
    this.control({ type: "pubrel", packetId, reasonCode, properties: {} });
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

  sent(bytes: number): void {
    this.core.stats.bytesSent += bytes;
  }

  outboxEnded(isComplete: boolean, error: unknown): void {
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

  /** The client broke the protocol, or the broker has failed: says so and closes. */
  fail(error: unknown): void {
    this.#error ??= error;
    if (!(error instanceof PacketError)) {
      this.core.failed(error);
      return this.disconnect(ReasonCode.UnspecifiedError);
    }
    this.core.stats.protocolErrors++;
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
    this.#isOpen = false;
    this.#endedBy = "broker";
    this.#reasonCode = reasonCode;
    if (this.version === 5 && this.session !== null) {
      sendFarewell(this, reasonCode, reasonString, drain);
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
  }

  /**
   * Another connection takes the session [MQTT-3.1.4-3]: the client is told,
   * and the session is free once the last byte has left.
   */
  async takeOver(): Promise<void> {
    this.disconnect(ReasonCode.SessionTakenOver);
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
    if (seconds === 0) this.core.scheduler.clear(this.#deadline);
    else this.core.scheduler.set(this.#deadline, this.#lastReadMs + this.#keepAliveMs);
  }

  /** Leaves the outbox some time to write the last bytes. */
  #linger(drain: boolean): void {
    const { scheduler, clock, limits } = this.core;
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
    const now = this.core.clock.now();
    const dueMs = (this.#isPaused ? now : this.#lastReadMs) + this.#keepAliveMs;
    if (dueMs > now) this.core.scheduler.set(this.#deadline, dueMs);
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
    const { core } = this;
    core.scheduler.clear(this.#deadline);
    this.granted?.end();
    this.outbox.abort();
    this.#closeTransport();
    this.#input.release();
    core.connections.delete(this);
    core.stats.connections--;
    this.visit?.gone();
    this.#pace?.close();
    this.#policy.connections--;
    core.guard(() => this.#retire());
    this.#gone?.close();
  }

  /** The session goes on without the connection, or ends. */
  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    const { core, session } = this;
    if (session !== null && session.link === this) core.sessions.suspend(session, this.#keepsWill);
    if (this.client !== null) {
      const { client } = this;
      core.stats.clients--;
      const info = { reasonCode: this.#reasonCode, by: this.#endedBy, error: this.#error };
      core.guard(() => core.hooks.disconnected?.(client, info));
    }
  }
}
