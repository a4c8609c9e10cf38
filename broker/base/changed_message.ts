/** Makes a message that differs from another one in some parts. */
import type { Properties } from "../../codec/mod.ts";
import { Message } from "./message.ts";

/** What differs; the rest stays. */
export interface MessageChange {
  /** The topic, as a string and in UTF-8. */
  readonly route?: { readonly topic: string; readonly bytes: Uint8Array };
  /** The payload; copied. */
  readonly payload?: Uint8Array;
  readonly retain?: boolean;
  /** All properties that are forwarded; their Message Expiry Interval counts from now on. */
  readonly properties?: Properties;
}

/**
 * A message like another one, but for a change. It owns its bytes. Unless properties are given, it
 * expires when the other one does.
 *
 * @throws {RangeError} If the properties are out of range.
 */
export function changedMessage(
  message: Message,
  { route, payload = message.payload, retain = message.retain, properties }: MessageChange,
  nowMs: number,
): Message {
  const { qos, origin } = message;
  const to = route ?? { topic: message.name, bytes: message.topic };
  const parts = { route: to, payload, qos, retain, nowMs, origin };
  if (properties !== undefined) return Message.of({ ...parts, properties });
  const { buffer, propertiesStart, propertiesEnd, expirySeconds, deadlineMs } = message;
  const head = buffer.subarray(propertiesStart, propertiesEnd);
  const receivedMs = expirySeconds < 0 ? 0 : deadlineMs - expirySeconds * 1000;
  return Message.withHead(head, expirySeconds, { ...parts, nowMs: receivedMs });
}
