/**
 * The Reason Codes of MQTT 5 and the return codes of MQTT 3.x: their names, their texts, and which
 * packet may have which code.
 *
 * @module
 */
import { PacketType, type PacketTypeName } from "./protocol.ts";

/**
 * The reason codes of MQTT 5 (§2.4). Values from 0x80 are failures. 0x00 is
 * also "granted QoS 0" in SUBACK and "normal disconnection" in DISCONNECT.
 */
export const ReasonCode = {
  Success: 0x00,
  GrantedQoS1: 0x01,
  GrantedQoS2: 0x02,
  DisconnectWithWill: 0x04,
  NoMatchingSubscribers: 0x10,
  NoSubscriptionExisted: 0x11,
  ContinueAuthentication: 0x18,
  ReAuthenticate: 0x19,
  UnspecifiedError: 0x80,
  MalformedPacket: 0x81,
  ProtocolError: 0x82,
  ImplementationSpecificError: 0x83,
  UnsupportedProtocolVersion: 0x84,
  ClientIdentifierNotValid: 0x85,
  BadUserNameOrPassword: 0x86,
  NotAuthorized: 0x87,
  ServerUnavailable: 0x88,
  ServerBusy: 0x89,
  Banned: 0x8a,
  ServerShuttingDown: 0x8b,
  BadAuthenticationMethod: 0x8c,
  KeepAliveTimeout: 0x8d,
  SessionTakenOver: 0x8e,
  TopicFilterInvalid: 0x8f,
  TopicNameInvalid: 0x90,
  PacketIdentifierInUse: 0x91,
  PacketIdentifierNotFound: 0x92,
  ReceiveMaximumExceeded: 0x93,
  TopicAliasInvalid: 0x94,
  PacketTooLarge: 0x95,
  MessageRateTooHigh: 0x96,
  QuotaExceeded: 0x97,
  AdministrativeAction: 0x98,
  PayloadFormatInvalid: 0x99,
  RetainNotSupported: 0x9a,
  QoSNotSupported: 0x9b,
  UseAnotherServer: 0x9c,
  ServerMoved: 0x9d,
  SharedSubscriptionsNotSupported: 0x9e,
  ConnectionRateExceeded: 0x9f,
  MaximumConnectTime: 0xa0,
  SubscriptionIdentifiersNotSupported: 0xa1,
  WildcardSubscriptionsNotSupported: 0xa2,
} as const;

/** The return codes of a CONNACK in MQTT 3.1 and 3.1.1 (§3.2.2.3). */
export const ConnectReturnCode = {
  Accepted: 0,
  UnacceptableProtocolVersion: 1,
  IdentifierRejected: 2,
  ServerUnavailable: 3,
  BadUserNameOrPassword: 4,
  NotAuthorized: 5,
} as const;

/** The highest return code a CONNACK of MQTT 3.x can have. */
export const MAX_CONNECT_RETURN_CODE = 5;

/** The failure code of a SUBACK in MQTT 3.1.1. */
export const SUBACK_FAILURE = 0x80;

/** The codes that each packet may have (§2.4, table). */
const CODES_BY_PACKET: Readonly<Partial<Record<PacketTypeName, readonly number[]>>> = {
  connack: [0x00, ...span(0x80, 0x8a), 0x8c, 0x90, 0x95, 0x97, ...span(0x99, 0x9d), 0x9f],
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  // 0x8c is in the table of §2.4, but not in that of §3.14.2.1.
  disconnect: [
    ...[0x00, 0x04, ...span(0x80, 0x83), 0x87, 0x89, ...span(0x8b, 0x90)],
    ...span(0x93, 0xa2),
  ],
  auth: [0x00, 0x18, 0x19],
};

/** The rule that limits the codes of each packet. */
export const REASON_CLAUSE: Readonly<Partial<Record<PacketTypeName, string>>> = {
  connack: "MQTT-3.2.2-8",
  puback: "MQTT-3.4.2-1",
  pubrec: "MQTT-3.5.2-1",
  pubrel: "MQTT-3.6.2-1",
  pubcomp: "MQTT-3.7.2-1",
  suback: "MQTT-3.9.3-2",
  unsuback: "MQTT-3.11.3-2",
  disconnect: "MQTT-3.14.2-1",
  auth: "MQTT-3.15.2-1",
};

/** For every code, one bit for each packet type that may have it. */
const CARRIERS_BY_CODE: Uint16Array = carriersByCode();

/** The text of every code, made from the words of its name. */
const TEXT_BY_CODE: ReadonlyMap<number, string> = new Map(
  Object.entries(ReasonCode).map(([name, code]) => [code, words(name)]),
);

/** Whether MQTT 5 allows this Reason Code in a packet of this type. */
export function isReasonCodeAllowed(type: PacketTypeName, code: number): boolean {
  return ((CARRIERS_BY_CODE[code] ?? 0) >> PacketType[type] & 1) === 1;
}

/** Throws a RangeError unless {@linkcode isReasonCodeAllowed}. For writers. */
export function checkReasonCode(type: PacketTypeName, code: number): void {
  if (!isReasonCodeAllowed(type, code)) {
    throw new RangeError(`Cannot write reason code in ${type}: ${code}`);
  }
}

/** The text of a Reason Code, such as `"Topic alias invalid (0x94)"`. */
export function reasonText(code: number): string {
  const hex = `0x${code.toString(16).padStart(2, "0")}`;
  return `${TEXT_BY_CODE.get(code) ?? "Unknown reason"} (${hex})`;
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function carriersByCode(): Uint16Array {
  const carriers = new Uint16Array(256);
  for (const [type, codes] of Object.entries(CODES_BY_PACKET)) {
    for (const code of codes) carriers[code]! |= 1 << PacketType[type as PacketTypeName];
  }
  return carriers;
}

function words(name: string): string {
  const spaced = name.replace("QoS", "Qos").replace(/(?<=[a-z])(?=[A-Z0-9])/g, " ").toLowerCase();
  return (spaced.charAt(0).toUpperCase() + spaced.slice(1)).replace(/qos/i, "QoS");
}
