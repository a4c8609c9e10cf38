import type { RecordView } from "../../stream/record.ts";

/** The identifier of a User Property (§3.3.2.3.7). */
const USER_PROPERTY = 0x26;
/** As many bytes as marks take at most. */
const MARKS_BYTES_MAX = 160;

/** Marks of one message; used up within a call. */
const scratch = new Uint8Array(MARKS_BYTES_MAX);
let second = -1;
/** The time of that second up to its milliseconds, `2026-11-28T15:00:00.`. */
let secondText = "";

/** The time of a message as a mark has it: RFC 3339, with milliseconds, in UTC. */
export function markTime(timeMs: number): string {
  const at = Math.floor(timeMs / 1000);
  if (at !== second) {
    second = at;
    secondText = new Date(at * 1000).toISOString().slice(0, -4);
  }
  return `${secondText}${`${timeMs - at * 1000}`.padStart(3, "0")}Z`;
}

/** A message with marks: its properties, those of the publisher first, and its payload. */
export interface Marked {
  buffer: Uint8Array;
  propertiesEnd: number;
}

/** Copies the properties and the payload of a record, and puts marks between them. */
export function withMarks(
  record: RecordView,
  seq: number,
  gap: { from: number; to: number } | null,
): Marked {
  let end = write(0, "stream-seq", `${seq}`);
  end = write(end, "stream-time", markTime(record.timeMs));
  if (gap !== null) end = write(end, "stream-gap", `${gap.from}..${gap.to}`);
  const { bytes, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = record;
  const own = propertiesEnd - propertiesStart;
  const buffer = new Uint8Array(own + end + payloadEnd - payloadStart);
  if (own > 0) buffer.set(bytes.subarray(propertiesStart, propertiesEnd));
  for (let i = 0; i < end; i++) buffer[own + i] = scratch[i]!;
  buffer.set(bytes.subarray(payloadStart, payloadEnd), own + end);
  return { buffer, propertiesEnd: own + end };
}

/** Writes a user property of ASCII. Returns where it ends. */
function write(at: number, name: string, value: string): number {
  scratch[at++] = USER_PROPERTY;
  return ascii(ascii(at, name), value);
}

function ascii(at: number, text: string): number {
  scratch[at++] = 0;
  scratch[at++] = text.length;
  for (let i = 0; i < text.length; i++) scratch[at++] = text.charCodeAt(i);
  return at;
}
