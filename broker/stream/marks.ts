/** The user properties with which the broker marks messages of streams. */
import { copyBytes } from "../../codec/fields.ts";
import type { RecordView } from "../../stream/record.ts";

/** The maximum length of a sequence, in bytes: a safe integer has 16 digits. */
const DIGITS_MAX = 16;

const encoder = new TextEncoder();
/** 0x26, the identifier of a User Property, is an ampersand (§3.3.2.3.7). */
const SEQ = encoder.encode("&\0\x0astream-seq\0\0");
const GAP = encoder.encode("&\0\x0astream-gap\0\0");
const DELIVERY = encoder.encode("&\0\x0fstream-delivery\0\0");
/** The mark of the time of the last message. The next message often has the same. */
const timeMark = encoder.encode("&\0\x0bstream-time\0\x182026-11-28T15:00:00.000Z");
let timeOfMark = -1;
/** The marks of one message; used up within a call. */
const scratch = new Uint8Array(
  SEQ.length + GAP.length + DELIVERY.length + timeMark.length + 5 * DIGITS_MAX,
);

scratch.set(SEQ);
/** The end of the sequence in it. */
let seqEnd = 0;

/** The time of a message in a mark: RFC 3339, with milliseconds, in UTC. */
function markTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** A message with marks: its properties, those of the publisher first, and its payload. */
export interface Marked {
  buffer: Uint8Array;
  propertiesEnd: number;
}

/**
 * Copies the properties and the payload of a record, and puts marks between them.
 *
 * @param delivery How often a group has sent it; from the second time on this is a mark.
 */
export function withMarks(
  record: RecordView,
  seq: number,
  gap: { from: number; to: number } | null,
  delivery: number,
): Marked {
  const end = composeMarks(record.timeMs, seq, gap, delivery);
  const { bytes, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = record;
  const marksStart = propertiesEnd - propertiesStart;
  const marksEnd = marksStart + end;
  const buffer = new Uint8Array(marksEnd + payloadEnd - payloadStart);
  copyBytes(bytes, propertiesStart, propertiesEnd, buffer, 0);
  copyBytes(scratch, 0, end, buffer, marksStart);
  copyBytes(bytes, payloadStart, payloadEnd, buffer, marksEnd);
  return { buffer, propertiesEnd: marksEnd };
}

/**
 * Makes the marks of one message, as {@linkcode copyMarks} copies them.
 *
 * @param delivery How often a group has sent it; from the second time on this is a mark.
 * @returns Their size, in bytes.
 */
export function composeMarks(
  timeMs: number,
  seq: number,
  gap: { from: number; to: number } | null,
  delivery: number,
): number {
  const digitsEnd = digits(SEQ.length, seq);
  if (digitsEnd !== seqEnd || timeMs !== timeOfMark) composeTime(timeMs, digitsEnd);
  let end = seqEnd + timeMark.length;
  if (gap !== null) end = writeGap(end, gap);
  if (delivery > 1) end = writeNumber(end, DELIVERY, delivery);
  return end;
}

/** Copies marks that were just made. Returns where they end. */
export function copyMarks(length: number, target: Uint8Array, offset: number): number {
  return copyBytes(scratch, 0, length, target, offset);
}

/** The time follows the sequence, which ends at `end`. It is often the time of the last message. */
function composeTime(timeMs: number, end: number): void {
  if (timeMs !== timeOfMark) {
    timeOfMark = timeMs;
    encoder.encodeInto(markTime(timeMs), timeMark.subarray(timeMark.length - 24));
  }
  seqEnd = end;
  scratch[SEQ.length - 1] = end - SEQ.length;
  copyBytes(timeMark, 0, timeMark.length, scratch, end);
}

/** Writes a mark whose value is a number. Returns where it ends. */
function writeNumber(at: number, head: Uint8Array, value: number): number {
  const start = copyBytes(head, 0, head.length, scratch, at);
  const end = digits(start, value);
  scratch[start - 1] = end - start;
  return end;
}

function writeGap(at: number, { from, to }: { from: number; to: number }): number {
  const start = copyBytes(GAP, 0, GAP.length, scratch, at);
  let end = digits(start, from);
  scratch[end++] = 0x2e;
  scratch[end++] = 0x2e;
  end = digits(end, to);
  scratch[start - 1] = end - start;
  return end;
}

/** Writes a whole number in ASCII. Returns where it ends. */
function digits(at: number, value: number): number {
  let count = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) count++;
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    scratch[i] = 0x30 + rest % 10;
    rest = Math.floor(rest / 10);
  }
  return at + count;
}
