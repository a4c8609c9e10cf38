/**
 * Random packets, the same for the same seed.
 *
 * @module
 */
import type {
  AckPacket,
  Packet,
  Properties,
  ProtocolVersion,
  QoS,
  SubscriptionRequest,
  UserProperty,
} from "../mod.ts";
import {
  CarrierBit,
  PROPERTY_ROWS,
  type PropertyCarrier,
  PropertyKind,
} from "../property_table.ts";
import { isReasonCodeAllowed, type PacketTypeName } from "../mod.ts";

/** A source of random numbers (the mulberry32 generator). */
export class Random {
  #state: number;

  /** Starts from a seed. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed)) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % limit;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of the values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** A list with as many results of `make` as chance wants, up to `max`. */
  list<T>(min: number, max: number, make: () => T): T[] {
    return Array.from({ length: min + this.below(max - min + 1) }, make);
  }

  /** Random bytes: few, now and then more. */
  bytes(): Uint8Array {
    const size = this.once(50) ? this.below(3000) : this.below(20);
    return Uint8Array.from({ length: size }, () => this.below(256));
  }

  /** A string of characters of one to four bytes, now and then longer. */
  string(): string {
    const size = this.once(50) ? this.below(300) : this.below(12);
    const alphabet = this.once(3) ? ALPHABET : ASCII;
    return Array.from({ length: size }, () => this.pick(alphabet)).join("");
  }
}

const ASCII = [..."abcdefghijklmnopqrstuvwxyz/ $0123456789\u0001\u007f"];
const ALPHABET = [...ASCII, "\u0080", "é", "\u07ff", "\u0800", "€", "\ud7ff", "\ue000", "\ufeff"]
  .concat(["\uffff", "\u{10000}", "🚢", "\u{10ffff}"]);
const QOS: readonly QoS[] = [0, 1, 2];

/** A packet that can be sent in `version` and comes back as it is. */
export function randomPacket(random: Random, version: ProtocolVersion): Packet {
  const packetId = 1 + random.below(65_535);
  const type = random.pick(version === 5 ? TYPES : TYPES_3);
  const properties = type.startsWith("ping") ? {} : randomProperties(random, version, type);
  const code = (): number => randomCode(random, version, type);
  switch (type) {
    case "connect":
      return randomConnect(random, version, properties);
    case "connack": {
      const reasonCode = version === 5 ? code() : random.below(6);
      const sessionPresent = version !== 3 && reasonCode === 0 && random.once(2);
      return { type, sessionPresent, reasonCode, properties };
    }
    case "publish":
      return randomPublish(random, packetId, properties);
    case "subscribe": {
      const subscriptions = random.list(1, 3, () => randomRequest(random, version));
      return { type, packetId, properties, subscriptions };
    }
    case "suback": {
      const old = (): number => random.pick([0, 1, 2, 0x80]);
      const reasonCodes = random.list(1, 4, version === 5 ? code : old);
      return { type, packetId, reasonCodes, properties };
    }
    case "unsubscribe":
      return { type, packetId, filters: random.list(1, 3, () => random.string()), properties };
    case "unsuback":
      return {
        type,
        packetId,
        reasonCodes: version === 5 ? random.list(1, 4, code) : [],
        properties,
      };
    case "pingreq":
    case "pingresp":
      return { type };
    case "disconnect":
    case "auth":
      return { type, reasonCode: code(), properties };
    default:
      return { type: type as AckPacket["type"], packetId, reasonCode: code(), properties };
  }
}

const TYPES: readonly PacketTypeName[] = [
  ...["connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp"] as const,
  ...["subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp"] as const,
  ...["disconnect", "auth"] as const,
];
const TYPES_3 = TYPES.filter((type) => type !== "auth");

function randomCode(random: Random, version: ProtocolVersion, type: PacketTypeName): number {
  if (version !== 5) return 0;
  for (;;) {
    const code = random.below(256);
    if (isReasonCodeAllowed(type, code)) return code;
  }
}

function randomConnect(
  random: Random,
  protocolVersion: ProtocolVersion,
  properties: Properties,
): Packet {
  const username = random.once(2) ? random.string() : null;
  const mayHavePassword = protocolVersion === 5 || username !== null;
  return {
    type: "connect",
    protocolVersion,
    cleanStart: random.once(2),
    keepAlive: random.below(65_536),
    clientId: random.string(),
    properties,
    will: random.once(2) ? null : {
      topic: random.string(),
      payload: random.bytes(),
      qos: random.pick(QOS),
      retain: random.once(2),
      properties: randomProperties(random, protocolVersion, "will"),
    },
    username,
    password: mayHavePassword && random.once(2) ? random.bytes() : null,
  };
}

function randomPublish(random: Random, packetId: number, properties: Properties): Packet {
  const qos = random.pick(QOS);
  const topic = random.string() || (properties.topicAlias === undefined ? "t" : "");
  return {
    type: "publish",
    topic,
    payload: random.bytes(),
    qos,
    retain: random.once(2),
    dup: qos > 0 && random.once(2),
    packetId: qos > 0 ? packetId : 0,
    properties,
  };
}

function randomRequest(random: Random, version: ProtocolVersion): SubscriptionRequest {
  const isNew = version === 5;
  return {
    filter: random.string(),
    qos: random.pick(QOS),
    noLocal: isNew && random.once(2),
    retainAsPublished: isNew && random.once(2),
    retainHandling: isNew ? random.pick([0, 1, 2]) : 0,
  };
}

/** Properties that the carrier may have, in any order. */
function randomProperties(
  random: Random,
  version: ProtocolVersion,
  carrier: PropertyCarrier,
): Properties {
  const properties: Record<string, unknown> = {};
  if (version !== 5 || random.once(3)) return {};
  const rows = PROPERTY_ROWS.filter((row) => (row.carriers & CarrierBit[carrier]) !== 0);
  for (const row of rows.toSorted(() => random.below(3) - 1)) {
    if (random.once(2)) properties[row.name] = randomValue(random, row.kind, carrier);
  }
  if (properties.authenticationMethod === undefined) delete properties.authenticationData;
  return properties as Properties;
}

function randomValue(random: Random, kind: number, carrier: PropertyCarrier): unknown {
  switch (kind) {
    case PropertyKind.bit:
      return random.below(2);
    case PropertyKind.flag:
      return random.once(2);
    case PropertyKind.uint16:
    case PropertyKind.positive16:
      return 1 + random.below(65_535);
    case PropertyKind.uint32:
    case PropertyKind.positive32:
      return 1 + random.below(0xffffffff);
    case PropertyKind.identifiers: {
      const max = carrier === "subscribe" ? 1 : 3;
      return random.list(1, max, () => 1 + random.below(random.pick([100, 20_000, 268_435_455])));
    }
    case PropertyKind.binary:
      return random.bytes();
    case PropertyKind.pairs:
      return random.list(1, 3, (): UserProperty => [random.string(), random.string()]);
    default:
      return random.string();
  }
}
