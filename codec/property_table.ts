/**
 * The table of properties (§2.2.2.2): name, kind of value, and the packets that may have the
 * property.
 *
 * @module
 */
import type { Properties } from "./properties.ts";
import { PacketType, type PacketTypeName } from "./protocol.ts";

/** What has a property section: a packet, or the will inside CONNECT. */
export type PropertyCarrier = PacketTypeName | "will";

/** One bit for each carrier. */
export const CarrierBit: Readonly<Record<PropertyCarrier, number>> = {
  will: 1,
  ...Object.fromEntries(
    Object.entries(PacketType).map(([name, type]) => [name, 1 << type]),
  ) as Record<PacketTypeName, number>,
};

/** The kinds of values: the encoding, and the legal values. */
export const PropertyKind = {
  /** A byte that is 0 or 1, decoded as a number. */
  bit: 0,
  /** A byte that is 0 or 1, decoded as a boolean. */
  flag: 1,
  /** A two-byte integer. */
  uint16: 2,
  /** A two-byte integer above 0. */
  positive16: 3,
  /** A four-byte integer. */
  uint32: 4,
  /** A four-byte integer above 0. */
  positive32: 5,
  /** A Variable Byte Integer above 0. It may repeat, so it is decoded as a list. */
  identifiers: 6,
  /** A string. */
  string: 7,
  /** Binary data. */
  binary: 8,
  /** Two strings. It may repeat, so it is decoded as a list. */
  pairs: 9,
} as const;

/** One row of the table. */
export interface PropertyRow {
  /** The property identifier. */
  readonly id: number;
  /** The key in {@linkcode Properties}. */
  readonly name: keyof Properties;
  /** One of {@linkcode PropertyKind}. */
  readonly kind: number;
  /** The {@linkcode CarrierBit}s of all carriers that may have it. */
  readonly carriers: number;
  /** Whether it can be left out where it is misplaced, because the sender does not rely on it. */
  readonly isHarmless: boolean;
}

/** Property identifiers that the code uses by name. */
export const PropertyId = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  responseTopic: 0x08,
  subscriptionIdentifier: 0x0b,
  topicAlias: 0x23,
  userProperties: 0x26,
} as const;

const ACKS: readonly PropertyCarrier[] = [
  ...["connack", "puback", "pubrec", "pubrel", "pubcomp"] as const,
  ...["suback", "unsuback", "disconnect", "auth"] as const,
];
const ALL: readonly PropertyCarrier[] = [
  ...["connect", "will", "publish", "subscribe", "unsubscribe"] as const,
  ...ACKS,
];

/**
 * Properties that must not be left out, because a client relies on them: otherwise it would lose
 * its messages, get more than it accepts, or have no authentication.
 */
const RELIED_ON: ReadonlySet<keyof Properties> = new Set([
  "sessionExpiryInterval",
  "receiveMaximum",
  "maximumPacketSize",
  "authenticationMethod",
  "authenticationData",
]);

/** All rows, by identifier. */
export const PROPERTY_ROWS: readonly PropertyRow[] = [
  row(0x01, "payloadFormatIndicator", "bit", ["publish", "will"]),
  row(0x02, "messageExpiryInterval", "uint32", ["publish", "will"]),
  row(0x03, "contentType", "string", ["publish", "will"]),
  row(0x08, "responseTopic", "string", ["publish", "will"]),
  row(0x09, "correlationData", "binary", ["publish", "will"]),
  row(0x0b, "subscriptionIdentifiers", "identifiers", ["publish", "subscribe"]),
  row(0x11, "sessionExpiryInterval", "uint32", ["connect", "connack", "disconnect"]),
  row(0x12, "assignedClientIdentifier", "string", ["connack"]),
  row(0x13, "serverKeepAlive", "uint16", ["connack"]),
  row(0x15, "authenticationMethod", "string", ["connect", "connack", "auth"]),
  row(0x16, "authenticationData", "binary", ["connect", "connack", "auth"]),
  row(0x17, "requestProblemInformation", "flag", ["connect"]),
  row(0x18, "willDelayInterval", "uint32", ["will"]),
  row(0x19, "requestResponseInformation", "flag", ["connect"]),
  row(0x1a, "responseInformation", "string", ["connack"]),
  row(0x1c, "serverReference", "string", ["connack", "disconnect"]),
  row(0x1f, "reasonString", "string", ACKS),
  row(0x21, "receiveMaximum", "positive16", ["connect", "connack"]),
  row(0x22, "topicAliasMaximum", "uint16", ["connect", "connack"]),
  row(0x23, "topicAlias", "positive16", ["publish"]),
  row(0x24, "maximumQoS", "bit", ["connack"]),
  row(0x25, "retainAvailable", "flag", ["connack"]),
  row(0x26, "userProperties", "pairs", ALL),
  row(0x27, "maximumPacketSize", "positive32", ["connect", "connack"]),
  row(0x28, "wildcardSubscriptionAvailable", "flag", ["connack"]),
  row(0x29, "subscriptionIdentifiersAvailable", "flag", ["connack"]),
  row(0x2a, "sharedSubscriptionAvailable", "flag", ["connack"]),
];

/** The rows by identifier; `undefined` where there is no such property. */
export const PROPERTY_BY_ID: readonly (PropertyRow | undefined)[] = Array.from(
  { length: 256 },
  (_, id) => PROPERTY_ROWS.find((candidate) => candidate.id === id),
);

/** The rows by name. */
export const PROPERTY_BY_NAME: ReadonlyMap<string, PropertyRow> = new Map(
  PROPERTY_ROWS.map((each) => [each.name, each]),
);

function row(
  id: number,
  name: keyof Properties,
  kind: keyof typeof PropertyKind,
  carriers: readonly PropertyCarrier[],
): PropertyRow {
  const bits = carriers.reduce((sum, carrier) => sum | CarrierBit[carrier], 0);
  const isHarmless = !RELIED_ON.has(name);
  return { id, name, kind: PropertyKind[kind], carriers: bits, isHarmless };
}
