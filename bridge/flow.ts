/** One direction of a bridge: passes messages on, and acknowledgements back. */
import {
  type AckPacket,
  type Packet,
  packetSize,
  type PublishPacket,
  type QoS,
  ReasonCode,
} from "../codec/mod.ts";
import type { OutgoingAliases } from "../client/topic_aliases.ts";
import type { BridgeDropReason } from "./counters.ts";
import type { Leg } from "./leg.ts";
import type { StalePacketIds } from "./packet_ids.ts";

/** What a message is on the side that it goes to. */
export type Passage = Pick<PublishPacket, "topic" | "retain" | "properties">;

/** The rules of one direction. */
export interface FlowRules {
  /** The highest QoS that the receiver accepts. */
  readonly maximumQoS: QoS;
  /** The largest packet that it accepts, in bytes. */
  readonly packetBytesMax: number;
  /** The topic aliases to use; `null` for none. */
  readonly aliases: OutgoingAliases | null;
  /** Identifiers that the receiver may remember from a lost session; `null` for none. */
  readonly staleIds: StalePacketIds | null;
  /** What a message is on the other side, or why it does not pass. */
  admit(packet: PublishPacket): Passage | BridgeDropReason;
  /** A message was passed on; the packet is the sender's. */
  onPassed(packet: PublishPacket): void;
  /** A message was not passed on. */
  onDropped(reason: BridgeDropReason): void;
}

/** Reason Codes by which a broker says that it may take the message later. */
const LATER_CODES: ReadonlySet<number> = new Set([ReasonCode.QuotaExceeded]);

/** The broker that a message went to cannot take it now, so the exchange must not end. */
export class BusyError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "BusyError";
}

/**
 * One direction of a bridge. It keeps no message: a message has the same packet identifier on both
 * sides, and each acknowledgement of the receiver becomes one to the sender. So the state of each
 * exchange is in the sessions of both brokers alone, which survive a restart of the bridge.
 */
export class Flow {
  readonly #from: Leg;
  readonly #to: Leg;
  readonly #rules: FlowRules;
  /** The QoS of messages that were passed on with a lower one, by their packet identifiers. */
  readonly #lowered = new Map<number, QoS>();
  /** QoS 2 messages whose exchange with the sender the bridge ends itself. */
  readonly #own = new Set<number>();

  constructor(from: Leg, to: Leg, rules: FlowRules) {
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
  }

  /** Takes a PUBLISH of the sender. */
  onPublish(packet: PublishPacket): void {
    const rules = this.#rules;
    const passage = rules.admit(packet);
    if (typeof passage === "string") return this.#drop(packet, passage);
    const qos = Math.min(packet.qos, rules.maximumQoS) as QoS;
    const passed: PublishPacket = {
      ...packet,
      ...passage,
      qos,
      dup: qos > 0 && packet.dup,
      packetId: qos === 0 ? 0 : packet.packetId,
    };
    const sent = rules.aliases?.apply(passed) ?? passed;
    const isTooLarge = rules.packetBytesMax !== Infinity &&
      packetSize(sent, this.#to.connection.version) > rules.packetBytesMax;
    if (isTooLarge) return this.#drop(packet, "too-large");
    if (qos === 2) rules.staleIds?.beforeUse(packet.packetId);
    if (qos < packet.qos && qos > 0) this.#lowered.set(packet.packetId, packet.qos);
    this.#to.send(sent);
    rules.aliases?.note(passed.topic, sent);
    if (qos === 0) this.#end(packet.packetId, packet.qos);
    rules.onPassed(packet);
  }

  /** Takes the PUBREL of the sender. */
  onPubrel(packet: AckPacket): void {
    // A receiver without QoS 2 knows no PUBREL: the message was passed on by an earlier connection.
    const isOwn = this.#own.delete(packet.packetId) || this.#rules.maximumQoS < 2;
    if (isOwn) this.#from.send(ackOf("pubcomp", packet.packetId));
    else this.#to.send({ ...packet, properties: {} });
  }

  /** Takes the PUBACK, PUBREC or PUBCOMP of the receiver. */
  onAck(packet: AckPacket): void {
    const { packetId, reasonCode, type } = packet;
    if (type === "pubcomp" && this.#rules.staleIds?.takes(packetId)) return;
    if (LATER_CODES.has(reasonCode)) throw new BusyError(`${this.#to.who} is full`);
    if (type !== "pubcomp" && reasonCode >= 0x80) this.#rules.onDropped("refused");
    const qos = this.#lowered.get(packetId);
    if (qos === undefined) {
      // Only a server may say that there is no subscriber, and the properties are for the bridge.
      return this.#from.send({ ...ackOf(type, packetId), reasonCode: failureOf(reasonCode) });
    }
    this.#lowered.delete(packetId);
    this.#end(packetId, qos);
  }

  #drop(packet: PublishPacket, reason: BridgeDropReason): void {
    this.#rules.onDropped(reason);
    this.#end(packet.packetId, packet.qos);
  }

  /** Ends the exchange with the sender. */
  #end(packetId: number, qos: QoS): void {
    if (qos === 0) return;
    if (qos === 2) this.#own.add(packetId);
    this.#from.send(ackOf(qos === 1 ? "puback" : "pubrec", packetId));
  }
}

/** Whether a packet acknowledges a message to the side that has sent it. */
export function isAck(packet: Packet): packet is AckPacket {
  return packet.type === "puback" || packet.type === "pubrec" || packet.type === "pubcomp";
}

function failureOf(reasonCode: number): number {
  return reasonCode >= 0x80 ? reasonCode : ReasonCode.Success;
}

function ackOf(type: AckPacket["type"], packetId: number): AckPacket {
  return { type, packetId, reasonCode: ReasonCode.Success, properties: {} };
}
