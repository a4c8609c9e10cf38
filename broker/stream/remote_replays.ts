/** The subscriptions of a session that read streams of another node. */
import {
  decodePacket,
  encodePacket,
  type FixedHeader,
  type Packet,
  PacketType,
  type Properties,
  type QoS,
  ReasonCode,
  type SubscriptionRequest,
} from "../../codec/mod.ts";
import type { ReaderHello, StreamsHome } from "../base/stream_reader.ts";
import type { ClientLink } from "../session/client_link.ts";
import type { InflightMessages } from "../session/inflight.ts";
import {
  recordElsewhere,
  type ReplayRecord,
  type SessionReplays,
} from "../session/session_replays.ts";
import type { RemoteAnswer, RemoteSubscribe } from "./remote_subscribe.ts";
import { hasOwnRights, refuseOwnRights } from "./own_rights.ts";
import { ReaderExchanges } from "./reader_exchanges.ts";
import { ReaderLine, type ReaderLineOwner } from "./reader_line.ts";
import { connectOf, numberAt, sendFrame, writeAnswer } from "./reader_packets.ts";

/** The most SUBSCRIBE and UNSUBSCRIBE of a client that the other node has not answered. */
const REQUESTS_MAX = 16;
const PACKET_ID_MAX = 65_535;

/** A session, as what it reads elsewhere needs it. */
export interface RemoteReadingSession {
  readonly clientId: string;
  readonly username: string | null;
  readonly expirySeconds: number;
  readonly hasEnded: boolean;
  readonly link: ClientLink | null;
  readonly queue: { readonly isHolding: boolean; markChanged(): void };
  openInflight(): InflightMessages;
}

/** The way to the other node. */
export interface RemoteReplaysHost {
  /** The node that has the streams; `null` if it is not known. */
  readonly home: StreamsHome | null;
  /** The session has ended, or reads nothing elsewhere any more. */
  forget(replays: RemoteReplays): void;
  /** The other node does not know what was read for the session. */
  onLost(replays: RemoteReplays): void;
}

/** A subscription that the other node has for the client, or was asked for. */
interface RemoteSubscription {
  /** Its key is the filter as the client has sent it; its filter has the mount point. */
  readonly record: ReplayRecord;
  readonly isGranted: boolean;
}

/**
 * The subscriptions of a session that read streams of another node. The other node has a session of
 * its own for them, which lasts as long as this one. While the client is connected there is a line
 * to it, on which the packets of the client and of that session pass nearly untouched: their packet
 * identifiers are in a half of their own. What lasts, such as positions and messages in flight, is
 * the matter of the other node.
 */
export class RemoteReplays implements SessionReplays, ReaderLineOwner {
  readonly session: RemoteReadingSession;
  readonly #host: RemoteReplaysHost;
  readonly #byKey = new Map<string, RemoteSubscription>();
  readonly #exchanges = new ReaderExchanges();
  readonly #requests = new Map<number, (answer: RemoteAnswer | null) => void>();
  #lastRequest = 0;
  #line: ReaderLine | null = null;
  /** Whether the other node has a session for it, or had one. */
  #hasOpened = false;
  /** What could not be told to the other node yet. */
  #untold: Packet[] = [];
  #removed: Promise<void> | null = null;
  /** Whether this node must send again first: it may have messages of the stream, after a move. */
  #isBehind = false;

  constructor(host: RemoteReplaysHost, session: RemoteReadingSession) {
    this.#host = host;
    this.session = session;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Whether one more SUBSCRIBE can be passed on now. */
  get mayAsk(): boolean {
    return this.#requests.size < REQUESTS_MAX;
  }

  /**
   * Passes a SUBSCRIBE of the connected client on.
   *
   * @returns The answer; `null` if the client is away before it comes. It comes with what was sent
   * before it, and so maybe only when the client has acknowledged that.
   */
  subscribe({ properties, requests, known }: RemoteSubscribe): Promise<RemoteAnswer | null> {
    this.connect();
    const asked = requests.map((request, i) => this.#ask(request, known[i]!, properties));
    const subscriptions = [...requests];
    return this.#request({ type: "subscribe", properties, subscriptions }).then((answer) => {
      if (answer === null) return null;
      const codes = asked.map((_, i) => answer.reasonCodes[i] ?? ReasonCode.QuotaExceeded);
      for (const [i, one] of asked.entries()) this.#onAnswered(one, codes[i]!);
      return { reasonCodes: codes, properties: answer.properties };
    });
  }

  /** A subscription that the other node is asked for. It counts at once, for an early UNSUBSCRIBE. */
  #ask(
    { filter: key, qos }: SubscriptionRequest,
    { filter, stream }: { filter: string; stream: string },
    properties: Properties,
  ): RemoteSubscription {
    const identifier = properties.subscriptionIdentifiers?.[0] ?? 0;
    const record = recordElsewhere({ key, stream, filter, qos, identifier });
    const isGranted = this.#byKey.get(key)?.isGranted ?? false;
    const one = { record, isGranted };
    this.#byKey.set(key, one);
    return one;
  }

  #onAnswered(one: RemoteSubscription, code: number): void {
    const { key } = one.record;
    if (this.#byKey.get(key) !== one) return;
    if (code < 0x80) {
      this.#byKey.set(key, { isGranted: true, record: { ...one.record, qos: code as QoS } });
    } else if (!one.isGranted) this.#byKey.delete(key);
    this.session.queue.markChanged();
  }

  /** Adds a subscription from the store. */
  restore(record: ReplayRecord): void {
    this.#hasOpened = true;
    this.#byKey.set(record.key, { record, isGranted: true });
  }

  remove(filter: string): boolean {
    const known = this.#byKey.get(filter) ??
      [...this.#byKey.values()].find(({ record }) => record.filter === filter);
    if (known === undefined) return false;
    const { key } = known.record;
    this.#byKey.delete(key);
    this.session.queue.markChanged();
    const removed = this.#request({ type: "unsubscribe", properties: {}, filters: [key] })
      .then(() => {
        if (this.#removed === removed) this.#removed = null;
      });
    this.#removed = removed;
    return true;
  }

  whenRemoved(): Promise<void> | null {
    return this.#removed;
  }

  records(): readonly ReplayRecord[] {
    return [...this.#byKey.values()].flatMap(({ isGranted, record }) => isGranted ? record : []);
  }

  /** Opens the line to the other node, if the client is connected and there is a way. */
  connect(): void {
    const { session } = this;
    const { link } = session;
    const { home } = this.#host;
    if (home === null && this.#hasOpened) return this.#host.onLost(this);
    if (this.#line !== null || link === null || home === null || !home.isUp) return;
    if (this.size > 0 && hasOwnRights(link)) return refuseOwnRights(link);
    const hello: ReaderHello = {
      clientId: session.clientId,
      username: session.username,
      isNew: !this.#hasOpened,
      peer: { address: link.peer.address },
      listener: link.policy.name,
    };
    const line = this.#line = new ReaderLine(home.open(hello), this);
    const receiveMaximum = session.openInflight().window.limit;
    line.write(connectOf(link, session.expirySeconds > 0, receiveMaximum));
    for (const packet of this.#untold) line.write(encodePacket(packet, link.version));
    line.next();
  }

  onAttached(): void {
    this.#isBehind = this.session.openInflight().window.size > 0;
    this.connect();
  }

  onDetached(): void {
    this.#line?.finish();
    this.#line = null;
    this.#onAway();
  }

  end(): void {
    this.onDetached();
    this.#host.forget(this);
  }

  sendNext(link: ClientLink): boolean {
    const line = this.#line;
    const header = line?.next() ?? null;
    if (line === null || header === null) return false;
    switch (header.first >> 4) {
      case PacketType.publish:
        return this.#publish(line, header, link);
      case PacketType.pubrel: {
        const packetId = numberAt(line.buffer, header.bodyStart);
        this.#exchanges.release(packetId);
        line.shift();
        link.sendPubrel(packetId, ReasonCode.Success);
        return true;
      }
      default:
        this.#control(line, header);
        return true;
    }
  }

  onAnswer(type: number, packetId: number, reasonCode: number): boolean {
    const { window } = this.session.openInflight();
    if (!this.#exchanges.answer(type, packetId, reasonCode, window)) return false;
    const { link } = this.session;
    if (link === null || this.#line === null) return true;
    this.#line.write(writeAnswer(type, packetId, link.version === 5 ? reasonCode : 0));
    link.outbox.hurry();
    return true;
  }

  onPacket(): void {
    for (let line = this.#line; line !== null; line = this.#line) {
      const header = line.next();
      if (header === null) return;
      const type = header.first >> 4;
      if (type === PacketType.publish || type === PacketType.pubrel) {
        return this.session.link?.outbox.hurry();
      }
      this.#control(line, header);
    }
  }

  onEnded(): void {
    this.#line = null;
    const { link } = this.session;
    this.#onAway();
    link?.disconnect(
      ReasonCode.ServerBusy,
      "What has the streams is gone for a moment: connect again",
    );
  }

  /** Nothing of what was asked or sent counts any more. */
  #onAway(answer: RemoteAnswer | null = null): void {
    this.#exchanges.clear();
    this.#removed = null;
    for (const [key, { isGranted }] of this.#byKey) if (!isGranted) this.#byKey.delete(key);
    const waiting = [...this.#requests.values()];
    this.#requests.clear();
    for (const resolve of waiting) resolve(answer);
  }

  /** Passes a PUBLISH on, if the client takes one more. */
  #publish(line: ReaderLine, { first, bodyStart, end }: FixedHeader, link: ClientLink): boolean {
    const qos = first >> 1 & 3;
    const { queue } = this.session;
    const { window } = this.session.openInflight();
    this.#isBehind &&= window.resending || queue.isHolding;
    // The end of one of those messages wakes this.
    if (this.#isBehind) return false;
    if (qos > 0) {
      const packetId = numberAt(line.buffer, bodyStart + 2 + numberAt(line.buffer, bodyStart));
      if (!this.#exchanges.open(packetId, qos, window)) return false;
    }
    sendFrame(link.outbox, line.buffer, { start: line.start, bodyStart, end });
    line.shift();
    return true;
  }

  /** Handles a packet that is not for the client as it is. */
  #control(line: ReaderLine, { first, bodyStart, end }: FixedHeader): void {
    const { link } = this.session;
    const body = line.buffer.slice(bodyStart, end);
    line.shift();
    if (link === null) return;
    const packet = decodePacket(link.version, first, body);
    if (packet.type === "connack") this.#onConnack(packet.sessionPresent, packet.reasonCode);
    else if (packet.type === "suback") this.#onAnswer(packet.packetId, packet);
    else if (packet.type === "unsuback") {
      this.#onAnswer(packet.packetId, { reasonCodes: [], properties: {} });
    } else if (packet.type === "disconnect") {
      this.onDetached();
      link.disconnect(packet.reasonCode || ReasonCode.UnspecifiedError);
    }
  }

  #onConnack(isPresent: boolean, reasonCode: number): void {
    if (reasonCode !== 0 && this.#hasOpened) return this.onEnded();
    if (reasonCode !== 0) {
      this.#line?.close();
      this.#line = null;
      return this.#onAway({ reasonCodes: [], properties: {} });
    }
    this.#untold = [];
    const isLost = this.#hasOpened && !isPresent;
    this.#hasOpened = true;
    if (isLost) this.#host.onLost(this);
  }

  #onAnswer(packetId: number, answer: RemoteAnswer): void {
    const resolve = this.#requests.get(packetId);
    this.#requests.delete(packetId);
    resolve?.(answer);
  }

  /** Sends a request to the other node, now or when there is a line. */
  #request(
    packet:
      | { type: "subscribe"; properties: Properties; subscriptions: SubscriptionRequest[] }
      | { type: "unsubscribe"; properties: Properties; filters: string[] },
  ): Promise<RemoteAnswer | null> {
    do this.#lastRequest = this.#lastRequest % PACKET_ID_MAX + 1; while (
      this.#requests.has(this.#lastRequest)
    );
    const packetId = this.#lastRequest;
    const { link } = this.session;
    if (this.#line === null || link === null) {
      this.#untold.push({ ...packet, packetId });
      return Promise.resolve(null);
    }
    const { promise, resolve } = Promise.withResolvers<RemoteAnswer | null>();
    this.#requests.set(packetId, resolve);
    this.#line.write(encodePacket({ ...packet, packetId }, link.version));
    return promise;
  }
}
