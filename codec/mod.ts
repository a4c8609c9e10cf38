/**
 * Encodes and decodes MQTT packets of 3.1, 3.1.1 and 5.0, in both directions. It opens no socket,
 * reads no clock and never waits, so it can be used alone.
 *
 * {@linkcode decodePacket} and {@linkcode encodePacket} convert one packet. {@linkcode
 * PacketReader} reads packets from a stream of bytes. {@linkcode PublishView} and {@linkcode
 * writeForwarded} forward a message without decoding it.
 *
 * @example Encode a packet and read it back
 * ```ts
 * import { encodePacket, PacketReader } from "@fairway/mqtt/codec";
 * import { assertEquals } from "@std/assert";
 *
 * const reader = new PacketReader({ version: 4 });
 * reader.push(encodePacket({ type: "pingreq" }, 4));
 * assertEquals(reader.read(), { type: "pingreq" });
 * assertEquals(reader.read(), null);
 * ```
 *
 * @module
 */
export * from "./ack.ts";
export * from "./auth.ts";
export * from "./bare_publish.ts";
export * from "./connack.ts";
export * from "./connect.ts";
export * from "./disconnect.ts";
export * from "./errors.ts";
export { FixedHeader, frameSize, writeFixedHeader } from "./fixed_header.ts";
export * from "./forward.ts";
export * from "./packet.ts";
export * from "./packet_reader.ts";
export * from "./ping.ts";
export type { Properties, UserProperty } from "./properties.ts";
export * from "./protocol.ts";
export { decodePublish, type PublishPacket, publishSize, writePublish } from "./publish.ts";
export * from "./publish_view.ts";
export { ConnectReturnCode, isReasonCodeAllowed, ReasonCode, reasonText } from "./reason_code.ts";
export * from "./suback.ts";
export * from "./subscribe.ts";
export * from "./tolerance.ts";
export * from "./unsuback.ts";
export * from "./unsubscribe.ts";
export { decodeUtf8, MAX_FIELD_BYTES, utf8Size, validateUtf8, writeUtf8 } from "./utf8.ts";
export * from "./varint.ts";
