/**
 * The numbers that the packets of all versions share.
 *
 * @module
 */

/** The protocol level: 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

/**
 * The version in which to answer a client of an unsupported protocol level. A client most likely
 * understands the short CONNACK of 3.1.1. Level 5 has its own form.
 */
export function answerVersionOf(level: number): ProtocolVersion {
  return level === 5 ? 5 : 4;
}

/** Quality of service: 0 at most once, 1 at least once, 2 exactly once. */
export type QoS = 0 | 1 | 2;

/** Packet types by name: the high four bits of the first byte of a packet. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** The name of a packet type, such as `"publish"`. */
export type PacketTypeName = keyof typeof PacketType;
