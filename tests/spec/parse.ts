/**
 * Takes packets from a broker apart, by hand and on purpose without Fairway's codec.
 *
 * @module
 */
import { toHex } from "../harness/hex.ts";
import type { Level } from "../harness/packets.ts";

/** Where a packet is read. */
class Reader {
  offset = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.offset === this.bytes.length;
  }

  uint8(): number {
    const value = this.bytes[this.offset++];
    if (value === undefined) throw new Error(`Packet ends early: ${toHex(this.bytes)}`);
    return value;
  }

  uint16(): number {
    return this.uint8() * 256 + this.uint8();
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 128 ** 3; factor *= 128) {
      const digit = this.uint8();
      value += (digit & 0x7f) * factor;
      if (digit < 0x80) return value;
    }
    throw new Error(`Endless variable byte integer: ${toHex(this.bytes)}`);
  }

  take(length: number): Uint8Array {
    if (this.offset + length > this.bytes.length) {
      throw new Error(`Packet ends early: ${toHex(this.bytes)}`);
    }
    return this.bytes.subarray(this.offset, this.offset += length);
  }

  text(): string {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(this.take(this.uint16()));
  }

  rest(): Uint8Array {
    return this.take(this.bytes.length - this.offset);
  }
}

/** Properties as they came: each with its identifier and its value, text or hex digits or number. */
export type Properties = [id: number, value: number | string][];

type Kind = "uint8" | "uint16" | "uint32" | "varint" | "text" | "binary" | "pair";

/** How the value of each property is written (MQTT 5 §2.2.2.2). */
const KINDS: Record<number, Kind> = {
  0x01: "uint8",
  0x02: "uint32",
  0x03: "text",
  0x08: "text",
  0x09: "binary",
  0x0b: "varint",
  0x11: "uint32",
  0x12: "text",
  0x13: "uint16",
  0x15: "text",
  0x16: "binary",
  0x17: "uint8",
  0x18: "uint32",
  0x19: "uint8",
  0x1a: "text",
  0x1c: "text",
  0x1f: "text",
  0x21: "uint16",
  0x22: "uint16",
  0x23: "uint16",
  0x24: "uint8",
  0x25: "uint8",
  0x26: "pair",
  0x27: "uint32",
  0x28: "uint8",
  0x29: "uint8",
  0x2a: "uint8",
};

function value(reader: Reader, kind: Kind | undefined): number | string {
  switch (kind) {
    case "uint8":
      return reader.uint8();
    case "uint16":
      return reader.uint16();
    case "uint32":
      return reader.uint16() * 0x10000 + reader.uint16();
    case "varint":
      return reader.varint();
    case "text":
      return reader.text();
    case "binary":
      return toHex(reader.take(reader.uint16()));
    case "pair":
      return `${reader.text()}=${reader.text()}`;
    case undefined:
      throw new Error(`Unknown property: ${toHex(reader.bytes)}`);
  }
}

/** Splits a property section, given without its length. */
export function parseProperties(bytes: Uint8Array): Properties {
  const reader = new Reader(bytes);
  const properties: Properties = [];
  while (!reader.isAtEnd) {
    const id = reader.uint8();
    properties.push([id, value(reader, KINDS[id])]);
  }
  return properties;
}

function section(reader: Reader, level: Level): Properties {
  return level < 5 ? [] : parseProperties(reader.take(reader.varint()));
}

/** A packet without its fixed header. */
export interface Frame {
  /** The high four bits of the first byte: 2 for CONNACK, 3 for PUBLISH and so on. */
  type: number;
  /** The low four bits of the first byte. */
  flags: number;
  body: Uint8Array;
}

/** Splits a packet, and checks that its length is written in as few bytes as it can be. */
function parseFrame(bytes: Uint8Array): Frame {
  const reader = new Reader(bytes);
  const first = reader.uint8();
  const length = reader.varint();
  const digits = reader.offset - 1;
  if (digits > 1 && length < 128 ** (digits - 1)) {
    throw new Error(`Remaining Length is longer than needed: ${toHex(bytes)}`);
  }
  const body = reader.rest();
  if (body.length !== length) throw new Error(`Not one whole packet: ${toHex(bytes)}`);
  return { type: first >> 4, flags: first & 0x0f, body };
}

/** A PUBLISH as a subscriber gets it. */
export interface Delivery {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  dup: boolean;
  /** 0 with QoS 0, where there is none. */
  packetId: number;
  /** Without those before MQTT 5. */
  properties: Properties;
}

/** Takes a PUBLISH apart. */
export function parsePublish(bytes: Uint8Array, level: Level): Delivery {
  const { type, flags, body } = parseFrame(bytes);
  if (type !== 3) throw new Error(`Not a PUBLISH: ${toHex(bytes)}`);
  const reader = new Reader(body);
  const topic = reader.text();
  const qos = flags >> 1 & 3;
  const packetId = qos > 0 ? reader.uint16() : 0;
  const properties = section(reader, level);
  return {
    topic,
    payload: new TextDecoder().decode(reader.rest()),
    qos,
    retain: (flags & 1) === 1,
    dup: (flags & 8) === 8,
    packetId,
    properties,
  };
}

/** A CONNACK. */
export interface Connack {
  /** The byte of acknowledge flags, of which bit 0 is Session Present. */
  flags: number;
  reasonCode: number;
  properties: Properties;
}

/** Takes a CONNACK apart. */
export function parseConnack(bytes: Uint8Array, level: Level): Connack {
  const { type, flags, body } = parseFrame(bytes);
  if (type !== 2 || flags !== 0) throw new Error(`Not a CONNACK: ${toHex(bytes)}`);
  const reader = new Reader(body);
  const connack = { flags: reader.uint8(), reasonCode: reader.uint8() };
  const properties = section(reader, level);
  if (!reader.isAtEnd) throw new Error(`Bytes after the CONNACK: ${toHex(bytes)}`);
  return { ...connack, properties };
}

/** A packet of a packet identifier, and in MQTT 5 a reason code or several. */
export interface Ack {
  type: number;
  packetId: number;
  properties: Properties;
  /** Of SUBACK and UNSUBACK one for each filter; of the others one, which may be left out. */
  reasonCodes: number[];
}

/** Takes a PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK or UNSUBACK apart. */
export function parseAck(bytes: Uint8Array, level: Level): Ack {
  const { type, flags, body } = parseFrame(bytes);
  const known = [4, 5, 6, 7, 9, 11].includes(type) && flags === (type === 6 ? 2 : 0);
  if (!known) throw new Error(`Not an acknowledgement: ${toHex(bytes)}`);
  const reader = new Reader(body);
  const packetId = reader.uint16();
  if (type >= 9) {
    const properties = section(reader, level);
    return { type, packetId, properties, reasonCodes: [...reader.rest()] };
  }
  const reasonCodes = [reader.isAtEnd ? 0 : reader.uint8()];
  const properties = reader.isAtEnd ? [] : section(reader, level);
  if (!reader.isAtEnd) throw new Error(`Bytes after the acknowledgement: ${toHex(bytes)}`);
  return { type, packetId, properties, reasonCodes };
}

/** A DISCONNECT or an AUTH, of MQTT 5. */
export interface Reasoned {
  type: number;
  reasonCode: number;
  properties: Properties;
}

/** Takes a DISCONNECT or an AUTH apart. */
export function parseReasoned(bytes: Uint8Array): Reasoned {
  const { type, flags, body } = parseFrame(bytes);
  if (type < 14 || flags !== 0) throw new Error(`Not a DISCONNECT or AUTH: ${toHex(bytes)}`);
  const reader = new Reader(body);
  const reasonCode = reader.isAtEnd ? 0 : reader.uint8();
  const properties = reader.isAtEnd ? [] : section(reader, 5);
  if (!reader.isAtEnd) throw new Error(`Bytes after the packet: ${toHex(bytes)}`);
  return { type, reasonCode, properties };
}
