/**
 * Formats messages for `sub.ts` with the format strings of mosquitto_sub. A format string is parsed
 * once and then used for every message.
 *
 * @module
 */
import { concat } from "@std/bytes";
import type { ClientMessage } from "../client/mod.ts";
import { isoTime, TIME_LETTERS, timePart, unixTime } from "./format_time.ts";
import { messageJson } from "./json_message.ts";
import { FlagError } from "./flag_error.ts";

/** Formats a message and its time of arrival as bytes. */
export type Format = (message: ClientMessage, date: Date) => Uint8Array;

type Part = (message: ClientMessage, date: Date) => Uint8Array | string;

/** The width and alignment of a part. */
interface Layout {
  readonly isLeft: boolean;
  readonly fill: " " | "0";
  readonly widthMin: number;
  readonly widthMax: number;
}

const encoder = new TextEncoder();
const NOTHING = new Uint8Array();

/** The value for each letter after `%`. */
const LETTERS: Readonly<Record<string, Part>> = {
  "%": () => "%",
  A: () => "", // The client has replaced the alias by its topic.
  C: ({ properties }) => properties.contentType ?? "",
  D: ({ properties }) => properties.correlationData ?? NOTHING,
  E: ({ properties }) => `${properties.messageExpiryInterval ?? ""}`,
  F: ({ properties }) => `${properties.payloadFormatIndicator ?? ""}`,
  I: (_, date) => isoTime(date),
  l: ({ payload }) => `${payload.length}`,
  m: ({ packetId }) => `${packetId}`,
  p: ({ payload }) => payload,
  P: ({ properties }) => (properties.userProperties ?? []).map((pair) => pair.join(":")).join(" "),
  q: ({ qos }) => `${qos}`,
  r: ({ retain }) => retain ? "1" : "0",
  R: ({ properties }) => properties.responseTopic ?? "",
  S: ({ properties }) => `${properties.subscriptionIdentifiers?.[0] ?? ""}`,
  t: ({ topic }) => topic,
  U: (_, date) => unixTime(date),
  x: ({ payload }) => payload.toHex(),
  X: ({ payload }) => payload.toHex().toUpperCase(),
};

/** Letters whose value is a number or hexadecimal, and may be padded with zeros. */
const ZERO_FILLED = "AEFlmSxX";
/** Letters whose value may be truncated. */
const CUT = "CIRt";

/** The character for each letter after a backslash. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  "0": "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const SEQUENCE_REGEXP = /%([0-]*)(\d*)(?:\.(\d+))?([^]?)|@([^]?)|\\([^]?)|[^%@\\]+/gu;

/** The payload, or with `-v` the topic and the payload. */
export function plainFormat(isVerbose: boolean, end: string): Format {
  return parseFormat(`${isVerbose ? "%t " : ""}%p`, end);
}

/**
 * Parses a format string.
 *
 * @param end The text after each message.
 * @param indent The indentation of JSON.
 * @throws {FlagError} If it has an unknown sequence.
 */
export function parseFormat(text: string, end: string, indent = ""): Format {
  const parts: Part[] = [];
  for (
    const [literal, flags, width, widthMax, letter, time, escape] of text.matchAll(
      SEQUENCE_REGEXP,
    )
  ) {
    if (letter !== undefined) {
      const layout = layoutOf(letter, flags!, width!, widthMax);
      parts.push(laidOut(parameter(letter, indent), layout));
    } else if (time !== undefined) parts.push(timeParameter(time));
    else if (escape !== undefined) parts.push(constant(escapeOf(escape)));
    else parts.push(constant(literal));
  }
  parts.push(constant(end));
  return (message, date) => join(parts.map((part) => part(message, date)));
}

function parameter(letter: string, indent: string): Part {
  if (letter === "j" || letter === "J") {
    return (message, date) => messageJson(message, date, letter === "J", indent);
  }
  if (Object.hasOwn(LETTERS, letter)) return LETTERS[letter]!;
  const known = ["j", "J", ...Object.keys(LETTERS)].map((each) => `%${each}`).join(" ");
  throw new FlagError(`-F does not know %${letter}; it knows ${known}`);
}

function timeParameter(letter: string): Part {
  if (letter === "@") return constant("@");
  if (letter !== "" && TIME_LETTERS.includes(letter)) {
    return (_, date) => timePart(letter, date)!;
  }
  const known = ["@", ...TIME_LETTERS].map((each) => `@${each}`).join(" ");
  throw new FlagError(`-F does not know @${letter}; it knows ${known}`);
}

function escapeOf(letter: string): string {
  if (Object.hasOwn(ESCAPES, letter)) return ESCAPES[letter]!;
  const known = Object.keys(ESCAPES).map((each) => `\\${each}`).join(" ");
  throw new FlagError(`-F does not know \\${letter}; it knows ${known}`);
}

function constant(text: string): Part {
  const bytes = encoder.encode(text);
  return () => bytes;
}

function layoutOf(
  letter: string,
  flags: string,
  width: string,
  widthMax: string | undefined,
): Layout | null {
  if (width === "" && widthMax === undefined) return null;
  const isLeft = flags.includes("-");
  return {
    isLeft,
    fill: !isLeft && flags.includes("0") && ZERO_FILLED.includes(letter) ? "0" : " ",
    widthMin: Number(width),
    widthMax: widthMax !== undefined && CUT.includes(letter) ? Number(widthMax) : Infinity,
  };
}

function laidOut(part: Part, layout: Layout | null): Part {
  if (layout === null) return part;
  const { isLeft, fill, widthMin, widthMax } = layout;
  return (message, date) => {
    const value = part(message, date);
    const length = value.length;
    const padding = fill.repeat(Math.max(0, widthMin - Math.min(length, widthMax)));
    const kept = length > widthMax ? value.slice(0, widthMax) : value;
    if (typeof kept === "string") return isLeft ? kept + padding : padding + kept;
    return join(isLeft ? [kept, padding] : [padding, kept]);
  };
}

function join(values: readonly (Uint8Array | string)[]): Uint8Array {
  return concat(values.map((value) => typeof value === "string" ? encoder.encode(value) : value));
}
