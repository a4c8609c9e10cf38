/**
 * Packets that a broker can make something of: few names, few numbers, so that clients meet.
 *
 * @module
 */
import {
  encodePacket,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type QoS,
  type UserProperty,
} from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";

const TOPICS = ["a", "a/b", "a/b/c", "/", "a//b", "b", "$SYS/x", "é/🚢", "long/".repeat(12)];
const FILTERS = [
  ...["#", "+", "a/#", "a/+", "+/b", "+/+/c", "a/b", "b", "$SYS/#", "/+"],
  ...["$share/g/a/#", "$share/g/a/b", "$share/h/#", "a/#/b", "a+", "", "$share//a", "$share/g/"],
];
const CLIENT_IDS = ["c0", "c1", "c2", "shared", "", "65536", "131072", "x".repeat(200)];
const WORDS = ["", "x", "text/plain", "r/t", "r/+", "öl", "k".repeat(300)];
const QOS: readonly QoS[] = [0, 0, 1, 2];
const IDS = [1, 1, 2, 3, 4, 5, 1000, 65_535];
const SECONDS = [0, 0, 1, 5, 30, 0xffff_ffff];
const ACKS = ["puback", "pubrec", "pubrel", "pubcomp"] as const;
const CODES = [0, 0, 0, 0, 0x10, 0x80, 0x92, 0x97];

/** A CONNECT that is likely to be let in. */
export function connectBytes(random: Random, version: ProtocolVersion): Uint8Array {
  const username = random.chance(0.3) ? random.pick(["user", "bad", "slow"]) : null;
  return encode({
    type: "connect",
    protocolVersion: version,
    cleanStart: random.chance(0.5),
    keepAlive: random.pick([0, 0, 0, 1, 60]),
    clientId: random.pick(CLIENT_IDS),
    properties: version === 5 ? connectProperties(random) : {},
    will: random.chance(0.7) ? null : {
      topic: random.pick(TOPICS),
      payload: payload(random),
      qos: random.pick(QOS),
      retain: random.chance(0.3),
      properties: version === 5 ? willProperties(random) : {},
    },
    username,
    password: username !== null && random.chance(0.7) ? random.bytes(4) : null,
  }, version);
}

/** Any packet that a client may send, for the most part as it may be sent. */
export function packetBytes(random: Random, version: ProtocolVersion): Uint8Array {
  const dice = random.next();
  const v5 = version === 5;
  if (dice < 0.42) return publishBytes(random, version);
  if (dice < 0.57) {
    return encode({
      type: "subscribe",
      packetId: random.pick(IDS),
      properties: v5 && random.chance(0.3)
        ? { subscriptionIdentifiers: [random.pick([1, 2, 268_435_455])], ...users(random) }
        : {},
      subscriptions: list(random, 3, () => ({
        filter: random.pick(FILTERS),
        qos: random.pick(QOS),
        noLocal: v5 && random.chance(0.2),
        retainAsPublished: v5 && random.chance(0.3),
        retainHandling: v5 ? random.pick([0, 0, 1, 2] as const) : 0,
      })),
    }, version);
  }
  if (dice < 0.62) {
    const filters = list(random, 3, () => random.pick(FILTERS));
    return encode(
      { type: "unsubscribe", packetId: random.pick(IDS), filters, properties: {} },
      version,
    );
  }
  if (dice < 0.85) {
    const type = random.pick(ACKS);
    const code = v5 ? random.pick(CODES) : 0;
    const isTold = !((type === "pubrel" || type === "pubcomp") && code !== 0 && code !== 0x92) &&
      !(code === 0x92 && (type === "puback" || type === "pubrec"));
    const reasonCode = isTold ? code : 0;
    return encode({ type, packetId: random.pick(IDS), reasonCode, properties: {} }, version);
  }
  if (dice < 0.9) return encode({ type: "pingreq" }, version);
  if (dice < 0.93) {
    const properties = v5 && random.chance(0.5)
      ? { sessionExpiryInterval: random.pick(SECONDS) }
      : {};
    const reasonCode = v5 ? random.pick([0, 4]) : 0;
    return encode({ type: "disconnect", reasonCode, properties }, version);
  }
  if (dice < 0.97 && v5) {
    const properties = { authenticationMethod: "M", authenticationData: random.bytes(3) };
    const reasonCode = random.pick([0, 0x18, 0x19]);
    return encode({ type: "auth", reasonCode, properties }, version);
  }
  if (dice < 0.99) return connectBytes(random, version);
  return serverBytes(random, version);
}

/** A PUBLISH; often one of several that make a run. */
function publishBytes(random: Random, version: ProtocolVersion): Uint8Array {
  const qos = random.pick(QOS);
  const properties = version === 5 && random.chance(0.4) ? publishProperties(random) : {};
  const isAliased = properties.topicAlias !== undefined && random.chance(0.5);
  return encode({
    type: "publish",
    topic: isAliased ? "" : random.pick(TOPICS),
    payload: payload(random),
    qos,
    retain: random.chance(0.15),
    dup: qos > 0 && random.chance(0.15),
    packetId: qos > 0 ? random.pick(IDS) : 0,
    properties,
  }, version);
}

/** What only a server sends. */
function serverBytes(random: Random, version: ProtocolVersion): Uint8Array {
  const packetId = random.pick(IDS);
  return encode(
    random.pick<Packet>([
      { type: "connack", sessionPresent: false, reasonCode: 0, properties: {} },
      { type: "suback", packetId, reasonCodes: [0], properties: {} },
      { type: "unsuback", packetId, reasonCodes: version === 5 ? [0] : [], properties: {} },
      { type: "pingresp" },
    ]),
    version,
  );
}

function connectProperties(random: Random): Properties {
  const properties: Properties = { sessionExpiryInterval: random.pick(SECONDS) };
  if (random.chance(0.3)) properties.receiveMaximum = random.pick([1, 2, 10, 65_535]);
  if (random.chance(0.2)) properties.maximumPacketSize = random.pick([1, 20, 50, 200, 5000]);
  if (random.chance(0.3)) properties.topicAliasMaximum = random.pick([0, 1, 3, 65_535]);
  if (random.chance(0.1)) properties.requestResponseInformation = true;
  if (random.chance(0.1)) properties.requestProblemInformation = random.chance(0.5);
  if (random.chance(0.15)) {
    properties.authenticationMethod = random.pick(["M", "M", "unknown"]);
    properties.authenticationData = random.bytes(2);
  }
  return { ...properties, ...users(random) };
}

function willProperties(random: Random): Properties {
  const properties: Properties = { willDelayInterval: random.pick(SECONDS) };
  if (random.chance(0.2)) properties.messageExpiryInterval = random.pick(SECONDS);
  if (random.chance(0.2)) properties.correlationData = random.bytes(3);
  return { ...properties, ...users(random) };
}

function publishProperties(random: Random): Properties {
  const properties: Properties = {};
  if (random.chance(0.4)) properties.topicAlias = random.pick([1, 1, 2, 3, 65_535]);
  if (random.chance(0.3)) properties.messageExpiryInterval = random.pick([0, 1, 5]);
  if (random.chance(0.2)) properties.payloadFormatIndicator = random.pick([0, 1]);
  if (random.chance(0.2)) properties.contentType = random.pick(WORDS);
  if (random.chance(0.2)) properties.responseTopic = random.pick(["r/t", "é"]);
  if (random.chance(0.2)) properties.correlationData = random.bytes(3);
  if (random.chance(0.05)) properties.subscriptionIdentifiers = [1];
  return { ...properties, ...users(random) };
}

function users(random: Random): Properties {
  if (random.chance(0.8)) return {};
  const count = random.chance(0.1) ? 40 : 2;
  const pair = (): UserProperty => [random.pick(WORDS), random.pick(WORDS)];
  return { userProperties: list(random, count, pair) };
}

function payload(random: Random): Uint8Array {
  const size = random.pick([0, 1, 3, 3, 20, 100, 130, 600, 5000]);
  return new Uint8Array(size).fill(random.integer(0, 255));
}

function list<T>(random: Random, max: number, make: () => T): T[] {
  return Array.from({ length: random.integer(1, max) }, make);
}

/** What cannot be encoded, since the codec knows better, is a ping instead. */
function encode(packet: Packet, version: ProtocolVersion): Uint8Array {
  try {
    return encodePacket(packet, version);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return Uint8Array.of(0xc0, 0);
    throw error;
  }
}
