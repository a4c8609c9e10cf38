/** Refuses packets with control characters in their strings. */
import { MalformedPacketError } from "../../codec/mod.ts";

/** Control characters, and code points that are no characters (MQTT 5 §1.5.4, 3.1.1 §1.5.3). */
const UNWANTED_REGEXP = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/**
 * Refuses a packet with such a character in any of its strings: topics, filters, names, properties.
 * Payloads, passwords and other binary data may hold anything.
 *
 * @param packet A packet as the codec has decoded it, or a part of it.
 * @throws {MalformedPacketError} If there is one.
 */
export function refuseControlCharacters(packet: object): void {
  for (const value of Object.values(packet)) {
    if (typeof value === "string") {
      if (UNWANTED_REGEXP.test(value)) {
        const text = `Control character in ${JSON.stringify(value.slice(0, 100))}`;
        throw new MalformedPacketError(text, 0, "§1.5.4");
      }
    } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
      refuseControlCharacters(value);
    }
  }
}
