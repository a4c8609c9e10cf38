/** A received message as JSON, as mosquitto_sub prints it. */
import type { ClientMessage } from "../client/mod.ts";
import type { Properties } from "../codec/mod.ts";
import { isoTimeMicros } from "./format_time.ts";
import { propertyWords } from "./properties_flag.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A payload that is not valid JSON, although it should be. */
export class PayloadError extends Error {
  /** The name of the class. */
  override readonly name: string = "PayloadError";
}

/**
 * Formats a message as JSON, with the names of mosquitto_sub.
 *
 * @param date The time of arrival.
 * @param raw Whether the payload is included as JSON, not as a string.
 * @param indent The indentation; empty for a single line.
 * @throws {PayloadError} If `raw` is true and the payload is not valid JSON.
 */
export function messageJson(
  { topic, payload, qos, retain, packetId, properties }: ClientMessage,
  date: Date,
  raw: boolean,
  indent = "",
): string {
  const own = propertiesJson(properties);
  const message = {
    tst: isoTimeMicros(date),
    topic,
    qos,
    retain: retain ? 1 : 0,
    payloadlen: payload.length,
    ...(qos === 0 ? {} : { mid: packetId }),
    ...(Object.keys(own).length === 0 ? {} : { properties: own }),
  };
  const text = decoder.decode(payload);
  const content = payload.length === 0 ? null : raw ? parsed(topic, text) : text;
  if (!raw || indent !== "" || content === null) {
    return JSON.stringify({ ...message, payload: content }, null, indent);
  }
  // Unchanged, because parsing and formatting would round large numbers.
  return `${JSON.stringify(message).slice(0, -1)},"payload":${text.trim()}}`;
}

function parsed(topic: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PayloadError(`The payload is not valid JSON on topic ${topic}`, { cause });
  }
}

function propertiesJson(properties: Properties): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  const users: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of properties.userProperties ?? []) {
    // A repeated name must not replace the first value.
    users[name] = users[name] === undefined ? value : [users[name], value].flat();
  }
  if (properties.userProperties !== undefined) json["user-properties"] = users;
  for (const [word, value] of propertyWords(properties)) {
    if (word === "subscription-identifier") json[word] = (value as number[])[0];
    else json[word] = value instanceof Uint8Array ? decoder.decode(value) : value;
  }
  return json;
}
