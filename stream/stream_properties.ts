/** The properties of a message of a stream, as bytes. */
import { BodyReader } from "../codec/body_reader.ts";
import type { Properties } from "../codec/mod.ts";
import { readProperties } from "../codec/property_reader.ts";
import { propertiesLength, propertiesSize, writeProperties } from "../codec/property_writer.ts";
import { varintSize, writeVarint } from "../codec/varint.ts";

/**
 * Encodes the properties of a message for a record: without their length, and without the Message
 * Expiry Interval, which is another field of the record.
 *
 * @throws {RangeError} If a value is out of range.
 * @throws {TypeError} If a property does not belong to a PUBLISH.
 */
export function encodeProperties(properties: Properties): Uint8Array {
  const { messageExpiryInterval: _expiry, ...kept } = properties;
  const bytes = new Uint8Array(propertiesSize(kept, "publish"));
  writeProperties(kept, "publish", bytes, 0);
  return bytes.subarray(bytes.length - propertiesLength(kept, "publish"));
}

/** Decodes the properties of a record. They are copied. */
export function decodeProperties(encoded: Uint8Array, expirySeconds: number): Properties {
  const size = varintSize(encoded.length);
  const bytes = new Uint8Array(size + encoded.length);
  writeVarint(encoded.length, bytes, 0);
  bytes.set(encoded, size);
  const properties = readProperties(new BodyReader(bytes), "publish");
  return expirySeconds < 0 ? properties : { ...properties, messageExpiryInterval: expirySeconds };
}
