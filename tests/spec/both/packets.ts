/** Packets and answers whose bytes differ by version, for tests that run in both of them. */
import * as packets from "../../harness/packets.ts";
import { frame, type Level, uint16 } from "../../harness/packets.ts";

/** What {@linkcode packetsOf} makes, each packet in the version of one client. */
export interface VersionPackets {
  publish: typeof packets.publish;
  subscribe: typeof packets.subscribe;
  unsubscribe: typeof packets.unsubscribe;
  /** SUBSCRIBE with packet identifier 1 and these bytes as its payload. */
  subscribeOf(...payload: Uint8Array[]): Uint8Array;
  /** UNSUBSCRIBE with packet identifier 1 and these bytes as its payload. */
  unsubscribeOf(...payload: Uint8Array[]): Uint8Array;
  /** SUBACK; MQTT 3.1.1 has 0x80 for every failure. */
  suback(packetId: number, ...reasonCodes: number[]): Uint8Array;
  /** UNSUBACK; MQTT 3.1.1 has no reason codes. */
  unsuback(packetId: number, ...reasonCodes: number[]): Uint8Array;
  /** PUBACK, PUBREC, PUBREL or PUBCOMP; MQTT 3.1.1 has no reason codes. */
  ack(firstByte: number, packetId: number, reasonCode?: number): Uint8Array;
}

/** Packets in MQTT 3.1.1 or MQTT 5. */
export function packetsOf(level: Level): VersionPackets {
  const is5 = level === 5;
  const noProperties = is5 ? Uint8Array.of(0) : new Uint8Array();
  return {
    publish: (topic, payload, fields = {}) => packets.publish(topic, payload, { level, ...fields }),
    subscribe: (filters, fields = {}) => packets.subscribe(filters, { level, ...fields }),
    unsubscribe: (filters, fields = {}) => packets.unsubscribe(filters, { level, ...fields }),
    subscribeOf: (...payload) => frame(0x82, uint16(1), noProperties, ...payload),
    unsubscribeOf: (...payload) => frame(0xa2, uint16(1), noProperties, ...payload),
    suback(packetId, ...reasonCodes) {
      const codes = is5 ? reasonCodes : reasonCodes.map((code) => Math.min(code, 0x80));
      return frame(0x90, uint16(packetId), noProperties, Uint8Array.from(codes));
    },
    unsuback: (packetId, ...reasonCodes) =>
      frame(0xb0, uint16(packetId), noProperties, Uint8Array.from(is5 ? reasonCodes : [])),
    ack: (firstByte, packetId, reasonCode = 0) =>
      frame(
        firstByte,
        uint16(packetId),
        Uint8Array.from(is5 && reasonCode > 0 ? [reasonCode] : []),
      ),
  };
}
