import type { AckPacket, Packet, PublishPacket } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import type { VirtualClock } from "../harness/virtual_clock.ts";
import type { Ledger, Publication, SessionRecord } from "./ledger.ts";
import type { Wire } from "./wire.ts";

/** A connection that a client receives on. */
export interface Source {
  readonly wire: Wire;
  readonly session: SessionRecord;
  readonly isV5: boolean;
  /** How many messages the broker may leave unacknowledged. */
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  /** Whether an earlier connection of the session may have been sent something. */
  readonly isResumed: boolean;
}

/** What a client receives: it acknowledges late, in order, and watches what the broker may do. */
export class Inbound {
  readonly #clientId: string;
  readonly #ledger: Ledger;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #ackDelayMsMax: number;
  /** Messages whose last acknowledgement was not sent, on whatever connection they came. */
  readonly #held = new Map<number, Publication>();
  /** QoS 2 messages that were received and not released. */
  readonly #received = new Set<number>();
  /** What counts against the Receive Maximum of this connection. */
  readonly #unacknowledged = new Set<number>();
  readonly #aliases = new Map<number, string>();
  #source: Source | null = null;
  #lastAckMs = 0;
  /** How often the broker had crashed when the connection was made. */
  #crashes = 0;

  constructor(
    clientId: string,
    ledger: Ledger,
    clock: VirtualClock,
    random: Random,
    ackDelayMsMax: number,
  ) {
    this.#clientId = clientId;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#random = random;
    this.#ackDelayMsMax = ackDelayMsMax;
  }

  /** Whether every message was acknowledged, and every one with QoS 2 released. */
  get isIdle(): boolean {
    return this.#held.size === 0 && this.#received.size === 0;
  }

  /** Goes on with a connection. */
  attach(source: Source): void {
    this.#source = source;
    this.#unacknowledged.clear();
    this.#aliases.clear();
    if (this.#crashes === this.#ledger.crashes) return;
    this.#crashes = this.#ledger.crashes;
    // A broker that has crashed need not know what it sent with QoS 1.
    for (const id of this.#held.keys()) if (!this.#received.has(id)) this.#held.delete(id);
  }

  /** The session is no more. */
  forget(): void {
    this.#held.clear();
    this.#received.clear();
  }

  /** Handles a PUBLISH. */
  publish(packet: PublishPacket): void {
    const publication = this.#ledger.publicationOf(packet.payload);
    const topic = this.#topicOf(packet);
    if (publication === undefined || topic !== publication.topic) {
      return this.#fault(`got bytes to ${topic} that nobody has published there`);
    }
    const { packetId, qos } = packet;
    this.#ledger.note(() =>
      `${this.#clientId} < publish ${packetId}${
        packet.dup ? " dup" : ""
      } #${publication.id} to ${topic} q${qos}${packet.retain ? " retain" : ""}`
    );
    if (qos === 0) return this.#deliver(packet, publication);
    this.#checkExchange(packet, publication);
    this.#held.set(packetId, publication);
    this.#unacknowledged.add(packetId);
    if (qos === 1) {
      this.#deliver(packet, publication);
      return this.#acknowledge("puback", packetId);
    }
    if (!this.#received.has(packetId)) this.#deliver(packet, publication);
    this.#received.add(packetId);
    this.#acknowledge("pubrec", packetId);
  }

  /** Handles a PUBREL. */
  release({ packetId, reasonCode }: AckPacket): void {
    if (reasonCode !== 0) this.#fault(`got pubrel ${packetId} with code ${reasonCode}`);
    const isKnown = this.#received.delete(packetId);
    if (!isKnown && !this.#source!.isResumed) this.#fault(`got pubrel ${packetId} for nothing`);
    this.#acknowledge("pubcomp", packetId);
  }

  #topicOf({ topic, properties: { topicAlias } }: PublishPacket): string | undefined {
    if (topicAlias === undefined) return topic;
    if (topicAlias > this.#source!.topicAliasMaximum) this.#fault(`got topic alias ${topicAlias}`);
    if (topic !== "") this.#aliases.set(topicAlias, topic);
    return this.#aliases.get(topicAlias);
  }

  #checkExchange({ packetId, dup }: PublishPacket, publication: Publication): void {
    const held = this.#held.get(packetId);
    const { isResumed, receiveMaximum } = this.#source!;
    if (this.#unacknowledged.has(packetId)) this.#fault(`got ${packetId}, which is in flight`);
    if (held !== undefined && (!dup || held !== publication)) {
      this.#fault(`got ${packetId} for #${publication.id}, in flight for #${held.id}`);
    }
    if (dup && !isResumed) this.#fault(`got ${packetId} again for the first time`);
    if (this.#unacknowledged.size >= receiveMaximum) {
      this.#fault(`got more than ${receiveMaximum} messages unacknowledged`);
    }
  }

  #deliver({ qos, dup, retain, properties }: PublishPacket, publication: Publication): void {
    const identifiers = this.#source!.isV5 ? properties.subscriptionIdentifiers ?? [] : null;
    const at = this.#ledger.tick();
    this.#source!.session.deliveries.push({ publication, qos, dup, retain, identifiers, at });
  }

  /** Acknowledges after a while, never before an earlier message of the connection. */
  #acknowledge(type: "puback" | "pubrec" | "pubcomp", packetId: number): void {
    const source = this.#source!;
    const dueMs = this.#clock.now() + this.#random.integer(0, this.#ackDelayMsMax);
    this.#lastAckMs = Math.max(this.#lastAckMs, dueMs);
    this.#clock.schedule(this.#lastAckMs, () => {
      if (source !== this.#source || !source.wire.isOpen) return;
      if (type !== "pubrec") {
        this.#held.delete(packetId);
        this.#unacknowledged.delete(packetId);
      }
      this.#ledger.activity++;
      this.#ledger.note(() => `${this.#clientId} > ${type} ${packetId}`);
      const packet: Packet = { type, packetId, reasonCode: 0, properties: {} };
      source.wire.send(packet);
    });
  }

  #fault(text: string): void {
    this.#ledger.fault(`${this.#clientId} ${text}`);
  }
}
