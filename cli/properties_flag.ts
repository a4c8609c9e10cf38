/** The flag `-D`, which sets properties of packets. */
import type { Properties, UserProperty } from "../codec/mod.ts";
import { wholeNumber } from "./flags.ts";
import { FlagError } from "./flag_error.ts";

/** The packets whose properties `-D` can set. */
export type PropertyCommand = "connect" | "publish" | "subscribe" | "will";

/** The properties of each packet, and of the will. */
export type PropertySets = Record<PropertyCommand, Properties>;

/** The type of a property: a number up to a maximum, text, bytes, or a name with a value. */
type Kind = number | "text" | "bytes" | "flag" | "identifiers" | "pair";

interface PropertyWord {
  readonly key: keyof Properties;
  readonly kind: Kind;
  readonly commands: readonly PropertyCommand[];
}

const MESSAGE = ["publish", "will"] as const;

/** The names of properties, as in mosquitto. */
const WORDS: Readonly<Record<string, PropertyWord>> = {
  "content-type": { key: "contentType", kind: "text", commands: MESSAGE },
  "correlation-data": { key: "correlationData", kind: "bytes", commands: MESSAGE },
  "message-expiry-interval": {
    key: "messageExpiryInterval",
    kind: 0xffff_ffff,
    commands: MESSAGE,
  },
  "payload-format-indicator": { key: "payloadFormatIndicator", kind: 1, commands: MESSAGE },
  "response-topic": { key: "responseTopic", kind: "text", commands: MESSAGE },
  "will-delay-interval": { key: "willDelayInterval", kind: 0xffff_ffff, commands: ["will"] },
  "maximum-packet-size": { key: "maximumPacketSize", kind: 0xffff_ffff, commands: ["connect"] },
  "receive-maximum": { key: "receiveMaximum", kind: 65_535, commands: ["connect"] },
  "request-problem-information": {
    key: "requestProblemInformation",
    kind: "flag",
    commands: ["connect"],
  },
  "request-response-information": {
    key: "requestResponseInformation",
    kind: "flag",
    commands: ["connect"],
  },
  "session-expiry-interval": {
    key: "sessionExpiryInterval",
    kind: 0xffff_ffff,
    commands: ["connect"],
  },
  "topic-alias-maximum": { key: "topicAliasMaximum", kind: 65_535, commands: ["connect"] },
  "authentication-method": { key: "authenticationMethod", kind: "text", commands: ["connect"] },
  "authentication-data": { key: "authenticationData", kind: "bytes", commands: ["connect"] },
  "subscription-identifier": {
    key: "subscriptionIdentifiers",
    kind: "identifiers",
    commands: ["subscribe"],
  },
  "user-property": {
    key: "userProperties",
    kind: "pair",
    commands: ["connect", "publish", "subscribe", "will"],
  },
};

const COMMANDS = ["connect", "publish", "subscribe", "will"] as const;
const SUBSCRIPTION_IDENTIFIER_MAX = 268_435_455;

/**
 * The number of arguments of `-D`: `publish content-type text`, `publish user-property name value`.
 */
export function countPropertyWords([, word]: readonly string[]): number {
  return word === "user-property" ? 4 : 3;
}

/**
 * Reads the arguments of `-D`.
 *
 * @param uses The arguments of each use.
 * @throws {FlagError} If a property is unknown, or its value is invalid.
 */
export function readProperties(uses: readonly (readonly string[])[]): PropertySets {
  const sets: PropertySets = { connect: {}, publish: {}, subscribe: {}, will: {} };
  for (const [command, word, ...values] of uses) {
    if (!isCommand(command)) {
      throw new FlagError(`-D knows ${COMMANDS.join(", ")}, not "${command}"`);
    }
    const known = wordsOf(command);
    if (!known.includes(word!)) {
      throw new FlagError(`-D ${command} knows ${known.join(", ")}, not "${word}"`);
    }
    setProperty(sets[command], `-D ${command} ${word}`, WORDS[word!]!, values);
  }
  return sets;
}

/** Properties by their names, without User Properties. */
export function* propertyWords(properties: Properties): Generator<[string, unknown]> {
  for (const [word, { key, kind }] of Object.entries(WORDS)) {
    const value = properties[key];
    if (value !== undefined && kind !== "pair") yield [word, value];
  }
}

function setProperty(
  properties: Properties,
  label: string,
  { key, kind }: PropertyWord,
  values: readonly string[],
): void {
  if (key === "userProperties") {
    const pair: UserProperty = [values[0]!, values[1]!];
    properties.userProperties = [...properties.userProperties ?? [], pair];
    return;
  }
  if (properties[key] !== undefined) throw new FlagError(`${label} may be given once only`);
  Object.assign(properties, { [key]: valueOf(label, kind, values[0]!) });
}

function valueOf(label: string, kind: Kind, text: string): Properties[keyof Properties] {
  switch (kind) {
    case "bytes":
      return new TextEncoder().encode(text);
    case "flag":
      return wholeNumber(label, text, 0, 1) === 1;
    case "identifiers":
      return [wholeNumber(label, text, 1, SUBSCRIPTION_IDENTIFIER_MAX)];
    case "text":
    case "pair":
      return text;
    default:
      return wholeNumber(label, text, 0, kind);
  }
}

function wordsOf(command: PropertyCommand): string[] {
  return Object.keys(WORDS).filter((word) => WORDS[word]!.commands.includes(command));
}

function isCommand(word: string | undefined): word is PropertyCommand {
  return COMMANDS.some((command) => command === word);
}
