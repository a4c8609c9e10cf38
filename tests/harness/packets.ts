/**
 * Builds packets for {@linkcode ./raw_client.ts | raw clients}, by hand and on purpose without
 * Fairway's codec: an error in that must not cancel itself out.
 *
 * Properties are given as the bytes they are, without their length, and only for MQTT 5.
 *
 * @module
 */
import { concat } from "@std/bytes";
import { type Bytes, toBytes } from "./hex.ts";

/** The protocol level in CONNECT: MQTT 3.1, 3.1.1 or 5. */
export type Level = 3 | 4 | 5;

/** The quality of service. */
export type QoS = 0 | 1 | 2;

const utf8 = new TextEncoder();

/** A big-endian 16-bit number. */
export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** A big-endian 32-bit number. */
export function uint32(value: number): Uint8Array {
  return concat([uint16(value >>> 16), uint16(value & 0xffff)]);
}

/** A variable byte integer (MQTT 5 §1.5.5). */
export function varint(value: number): Uint8Array {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits[digits.length - 1]! += 128;
    digits.push(rest % 128);
  }
  return Uint8Array.from(digits);
}

/** A text, or binary data, after its 16-bit length. */
export function text(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? utf8.encode(value) : value;
  return concat([uint16(bytes.length), bytes]);
}

/** A packet: its first byte, and its body after the length. */
export function frame(firstByte: number, ...body: Uint8Array[]): Uint8Array {
  const whole = concat(body);
  return concat([Uint8Array.of(firstByte), varint(whole.length), whole]);
}

/** What follows only in MQTT 5. */
function propertiesOf(level: Level, properties: Bytes = ""): Uint8Array {
  if (level < 5) return new Uint8Array();
  const bytes = toBytes(properties);
  return concat([varint(bytes.length), bytes]);
}

/** The fields of {@linkcode connect}. */
export interface ConnectFields {
  level?: Level;
  clientId?: string;
  clean?: boolean;
  keepAliveSeconds?: number;
  username?: string;
  password?: string;
  properties?: Bytes;
  will?: { topic: string; payload: string; qos?: QoS; retain?: boolean; properties?: Bytes };
}

/** CONNECT; without fields a clean 3.1.1 session with an empty client identifier. */
export function connect(fields: ConnectFields = {}): Uint8Array {
  const { level = 4, clientId = "", clean = true, keepAliveSeconds = 0, will } = fields;
  const { username, password } = fields;
  const payload = [text(clientId)];
  let flags = clean ? 0x02 : 0;
  if (will !== undefined) {
    flags |= 0x04 | (will.qos ?? 0) << 3 | (will.retain ? 0x20 : 0);
    payload.push(propertiesOf(level, will.properties), text(will.topic), text(will.payload));
  }
  if (username !== undefined) {
    flags |= 0x80;
    payload.push(text(username));
  }
  if (password !== undefined) {
    flags |= 0x40;
    payload.push(text(password));
  }
  return frame(
    0x10,
    text(level === 3 ? "MQIsdp" : "MQTT"),
    Uint8Array.of(level, flags),
    uint16(keepAliveSeconds),
    propertiesOf(level, fields.properties),
    ...payload,
  );
}

/** The fields of {@linkcode publish}. */
export interface PublishFields {
  level?: Level;
  qos?: QoS;
  /** Needed for QoS 1 and 2. */
  packetId?: number;
  retain?: boolean;
  dup?: boolean;
  properties?: Bytes;
}

/** PUBLISH. */
export function publish(
  topic: string,
  payload: string | Uint8Array,
  fields: PublishFields = {},
): Uint8Array {
  const { level = 4, qos = 0, packetId = 1, retain = false, dup = false } = fields;
  return frame(
    0x30 | (dup ? 8 : 0) | qos << 1 | (retain ? 1 : 0),
    text(topic),
    qos > 0 ? uint16(packetId) : new Uint8Array(),
    propertiesOf(level, fields.properties),
    typeof payload === "string" ? utf8.encode(payload) : payload,
  );
}

/** The fields of {@linkcode subscribe} and {@linkcode unsubscribe}. */
export interface SubscribeFields {
  level?: Level;
  packetId?: number;
  properties?: Bytes;
}

/** SUBSCRIBE; each filter with its options byte, of which the low two bits are the QoS. */
export function subscribe(
  filters: Record<string, number>,
  fields: SubscribeFields = {},
): Uint8Array {
  const entries = Object.entries(filters).flatMap(([filter, options]) => [
    text(filter),
    Uint8Array.of(options),
  ]);
  const { level = 4, packetId = 1, properties } = fields;
  return frame(0x82, uint16(packetId), propertiesOf(level, properties), ...entries);
}

/** UNSUBSCRIBE. */
export function unsubscribe(filters: string[], fields: SubscribeFields = {}): Uint8Array {
  const { level = 4, packetId = 1, properties } = fields;
  return frame(0xa2, uint16(packetId), propertiesOf(level, properties), ...filters.map(text));
}

/** PUBACK with reason code Success, in the short form all versions share. */
export function puback(packetId: number): Uint8Array {
  return frame(0x40, uint16(packetId));
}

/** PUBREC with reason code Success. */
export function pubrec(packetId: number): Uint8Array {
  return frame(0x50, uint16(packetId));
}

/** PUBREL with reason code Success. */
export function pubrel(packetId: number): Uint8Array {
  return frame(0x62, uint16(packetId));
}

/** PUBCOMP with reason code Success. */
export function pubcomp(packetId: number): Uint8Array {
  return frame(0x70, uint16(packetId));
}

/** PINGREQ. */
export function pingreq(): Uint8Array {
  return frame(0xc0);
}

/** DISCONNECT: without arguments the farewell all versions share. */
export function disconnect(reasonCode?: number, properties: Bytes = ""): Uint8Array {
  if (reasonCode === undefined) return frame(0xe0);
  return frame(0xe0, Uint8Array.of(reasonCode), propertiesOf(5, properties));
}
