/** Encodes the properties of a message that the program publishes, and decodes those of any. */
import type { Properties } from "../../codec/mod.ts";
import { BodyReader } from "../../codec/body_reader.ts";
import { readProperties } from "../../codec/property_reader.ts";
import { varintSize, writeVarint } from "../../codec/varint.ts";
import { propertiesLength, propertiesSize, writeProperties } from "../../codec/property_writer.ts";

/**
 * Encodes those properties of a message that every subscriber receives, without their length: the
 * form in which a `Message` holds them.
 */
export function encodeProperties(properties: Properties): Uint8Array {
  const forwarded: Properties = {};
  const { payloadFormatIndicator, contentType, responseTopic } = properties;
  const { correlationData, userProperties } = properties;
  if (payloadFormatIndicator !== undefined) {
    forwarded.payloadFormatIndicator = payloadFormatIndicator;
  }
  if (contentType !== undefined) forwarded.contentType = contentType;
  if (responseTopic !== undefined) forwarded.responseTopic = responseTopic;
  if (correlationData !== undefined) forwarded.correlationData = correlationData;
  if (userProperties !== undefined) forwarded.userProperties = userProperties;
  const bytes = new Uint8Array(propertiesSize(forwarded, "publish"));
  writeProperties(forwarded, "publish", bytes, 0);
  return bytes.subarray(bytes.length - propertiesLength(forwarded, "publish"));
}

/** Decodes properties that are in the form in which a `Message` holds them. */
export function decodeProperties(head: Uint8Array): Properties {
  const bytes = new Uint8Array(varintSize(head.length) + head.length);
  bytes.set(head, writeVarint(head.length, bytes, 0));
  return readProperties(new BodyReader(bytes), "publish");
}
