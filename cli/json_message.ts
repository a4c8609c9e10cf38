import type { ClientMessage } from "../client/mod.ts";
import type { Properties } from "../codec/mod.ts";
import { isoTimeMicros } from "./format_time.ts";
import { propertyWords } from "./properties_flag.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A payload that was to be JSON and is none. */
export class PayloadError extends Error {
  /** The name of the class. */
  override readonly name: string = "PayloadError";
}

/**
 * Writes a message as JSON, with the names mosquitto_sub has.
 *
 * @param date When it came.
 * @param raw Whether the payload goes in as the JSON it is, not as a string.
 * @param indent What to indent by; nothing for a single line.
 * @throws {PayloadError} If `raw` is true and the payload is no JSON.
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
  // As it came: to parse it and write it again would round its large numbers.
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
    // A name that comes again would else hide the first.
    users[name] = users[name] === undefined ? value : [users[name], value].flat();
  }
  if (properties.userProperties !== undefined) json["user-properties"] = users;
  for (const [word, value] of propertyWords(properties)) {
    if (word === "subscription-identifier") json[word] = (value as number[])[0];
    else json[word] = value instanceof Uint8Array ? decoder.decode(value) : value;
  }
  return json;
}
