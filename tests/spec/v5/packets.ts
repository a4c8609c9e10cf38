/**
 * The packets of {@linkcode ../../harness/packets.ts | the harness} in MQTT 5, and its properties.
 *
 * @module
 */
import { concat } from "@std/bytes";
import type { Bytes } from "../../harness/hex.ts";
import { toBytes } from "../../harness/hex.ts";
import * as packets from "../../harness/packets.ts";
import { text, uint16, uint32, varint } from "../../harness/packets.ts";

export {
  disconnect,
  frame,
  pingreq,
  puback,
  pubcomp,
  pubrec,
  pubrel,
  text,
  uint16,
  uint32,
  varint,
} from "../../harness/packets.ts";

/** CONNECT. */
export function connect(fields: packets.ConnectFields = {}): Uint8Array {
  return packets.connect({ level: 5, ...fields });
}

/** PUBLISH. */
export function publish(
  topic: string,
  payload: string | Uint8Array,
  fields: packets.PublishFields = {},
): Uint8Array {
  return packets.publish(topic, payload, { level: 5, ...fields });
}

/** SUBSCRIBE; each filter with its options byte. */
export function subscribe(
  filters: Record<string, number>,
  fields: packets.SubscribeFields = {},
): Uint8Array {
  return packets.subscribe(filters, { level: 5, ...fields });
}

/** UNSUBSCRIBE. */
export function unsubscribe(filters: string[], fields: packets.SubscribeFields = {}): Uint8Array {
  return packets.unsubscribe(filters, { level: 5, ...fields });
}

/** AUTH. */
export function auth(reasonCode: number, properties: Bytes = ""): Uint8Array {
  const bytes = toBytes(properties);
  return packets.frame(0xf0, Uint8Array.of(reasonCode), varint(bytes.length), bytes);
}

/** Bits of the options byte in SUBSCRIBE, beside the QoS. */
export const NO_LOCAL = 0x04;
/** Retain As Published. */
export const RETAIN_AS_PUBLISHED = 0x08;
/** Retain Handling 1: retained messages only for a new subscription. */
export const RETAIN_IF_NEW = 0x10;
/** Retain Handling 2: no retained messages. */
export const RETAIN_NEVER = 0x20;

/** The bytes of one property each; {@linkcode all} puts several together. */
const byte = (id: number) => (value: number) => Uint8Array.of(id, value);
const short = (id: number) => (value: number) => concat([Uint8Array.of(id), uint16(value)]);
const long = (id: number) => (value: number) => concat([Uint8Array.of(id), uint32(value)]);
const words = (id: number) => (value: string | Uint8Array) =>
  concat([Uint8Array.of(id), text(value)]);

/** Properties by name, as in `properties.messageExpiry(10)`. */
export const properties = {
  payloadFormat: byte(0x01),
  messageExpiry: long(0x02),
  contentType: words(0x03),
  responseTopic: words(0x08),
  correlationData: words(0x09),
  subscriptionIdentifier: (value: number) => concat([Uint8Array.of(0x0b), varint(value)]),
  sessionExpiry: long(0x11),
  authenticationMethod: words(0x15),
  authenticationData: words(0x16),
  requestProblemInformation: byte(0x17),
  willDelay: long(0x18),
  requestResponseInformation: byte(0x19),
  reasonString: words(0x1f),
  receiveMaximum: short(0x21),
  topicAliasMaximum: short(0x22),
  topicAlias: short(0x23),
  user: (name: string | Uint8Array, value: string | Uint8Array) =>
    concat([Uint8Array.of(0x26), text(name), text(value)]),
  maximumPacketSize: long(0x27),
};

/** Several properties, or other bytes, one after the other. */
export function all(...pieces: Uint8Array[]): Uint8Array {
  return concat(pieces);
}
