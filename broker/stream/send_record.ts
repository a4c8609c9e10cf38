/** Writes messages of streams as PUBLISH packets, from their records straight to an outbox. */
import { copyBytes, writeUint16 } from "../../codec/fields.ts";
import { frameSize, writeFixedHeader } from "../../codec/fixed_header.ts";
import { varintSize, writeVarint } from "../../codec/varint.ts";
import type { Variant } from "../../router/variant.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { ClientLink } from "../session/client_link.ts";
import { composeMarks, copyMarks } from "./marks.ts";

/** The property Subscription Identifier (§3.3.2.3.8). */
const SUBSCRIPTION_IDENTIFIER = 0x0b;

/**
 * Sends the message at a cursor, with the QoS of its subscription. The message must not have an expiry.
 *
 * @param topic The topic, as the client receives it, in UTF-8.
 * @param packetId 0 with QoS 0.
 * @param delivery How often a group has sent it, including this time; 1 without a group.
 * @returns False if it exceeds the client's Maximum Packet Size. Then nothing is sent.
 */
export function sendRecord(
  { outbox, wire: { v5, packetBytesMax } }: ClientLink,
  { record, seq, gap }: StreamCursor,
  topic: Uint8Array,
  { qos, identifiers }: Variant,
  packetId: number,
  delivery: number,
): boolean {
  const { bytes, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = record;
  const identifier = identifiers?.[0] ?? 0;
  let body = 2 + topic.length + (qos > 0 ? 2 : 0) + payloadEnd - payloadStart;
  let properties = 0;
  let marks = 0;
  if (v5) {
    marks = composeMarks(record.timeMs, seq, gap, delivery);
    properties = propertiesEnd - propertiesStart + marks;
    if (identifier > 0) properties += 1 + varintSize(identifier);
    body += varintSize(properties) + properties;
  }
  const size = frameSize(body);
  if (size > packetBytesMax) return false;
  // The reader only sends what there is room for, so nothing may be skipped.
  const offset = outbox.reserve(size, true);
  const target = outbox.buffer;
  let at = writeFixedHeader(0x30 | qos << 1, body, target, offset);
  at = writeUint16(topic.length, target, at);
  at = copyBytes(topic, 0, topic.length, target, at);
  if (qos > 0) at = writeUint16(packetId, target, at);
  if (v5) {
    at = writeVarint(properties, target, at);
    if (identifier > 0) {
      target[at] = SUBSCRIPTION_IDENTIFIER;
      at = writeVarint(identifier, target, at + 1);
    }
    at = copyBytes(bytes, propertiesStart, propertiesEnd, target, at);
    at = copyMarks(marks, target, at);
  }
  copyBytes(bytes, payloadStart, payloadEnd, target, at);
  outbox.commit(size);
  return true;
}
