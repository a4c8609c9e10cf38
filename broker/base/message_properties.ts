/** Encodes the properties of a message that the program publishes. */
import type { Properties } from "../../codec/mod.ts";
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
