/**
 * Messages, wills, subscription options and variants as bytes in the store. Times are milliseconds
 * of the wall clock, because the broker's clock starts at zero in each process.
 */
import { BodyReader } from "../../codec/body_reader.ts";
import type { QoS, Will } from "../../codec/mod.ts";
import { readProperties } from "../../codec/property_reader.ts";
import { propertiesSize, writeProperties } from "../../codec/property_writer.ts";
import type { RecordReader, RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { RecordView } from "../../stream/record.ts";
import type { SubscriptionOptions } from "../../router/subscription.ts";
import type { Variant } from "../../router/variant.ts";
import type { Calendar } from "../base/calendar.ts";
import { Message, messageBytes } from "../base/message.ts";
import { Origin } from "../base/origin.ts";

/** The largest Subscription Identifier [MQTT-3.8.2.1.2]. */
const SUBSCRIPTION_IDENTIFIER_MAX = 268_435_455;

/** Writes a message without its origin, which a waiting message does not need. */
export function writeMessage(
  writer: RecordWriter,
  message: Message,
  calendar: Calendar,
): void {
  const { expirySeconds, deadlineMs, buffer, propertiesStart, payloadStart } = message;
  writer.piece(message.topic).number(message.qos * 2 + (message.retain ? 1 : 0));
  writer.number(expirySeconds + 1);
  if (expirySeconds >= 0) writer.number(Math.max(0, Math.round(calendar.toWall(deadlineMs))));
  writer.piece(buffer, propertiesStart, message.propertiesEnd);
  writer.piece(buffer, payloadStart, message.payloadEnd);
}

/**
 * Writes a message of a stream as {@linkcode writeMessage} would.
 *
 * @param expiresWallMs When it expires, of the wall clock; not used if it never does.
 */
export function writeRecord(
  writer: RecordWriter,
  record: RecordView,
  expiresWallMs: number,
): void {
  const { bytes, topicStart, topicEnd, qos, retain, expirySeconds } = record;
  writer.piece(bytes, topicStart, topicEnd).number(qos * 2 + (retain ? 1 : 0));
  writer.number(expirySeconds + 1);
  if (expirySeconds >= 0) writer.number(expiresWallMs);
  writer.piece(bytes, record.propertiesStart, record.propertiesEnd);
  writer.piece(bytes, record.payloadStart, record.payloadEnd);
}

/** Reads a message, which owns its bytes. */
export function readMessage(
  reader: RecordReader,
  calendar: Calendar,
  origin: Origin = Origin.unknown,
): Message {
  const topic = reader.piece();
  const flags = reader.number();
  const expirySeconds = reader.number() - 1;
  const deadlineMs = expirySeconds < 0 ? 0 : calendar.toClock(reader.number());
  const [properties, payload] = [reader.piece(), reader.piece()];
  const [qos, retain] = [flags >> 1, flags % 2 === 1];
  return messageOf({ topic, properties, payload, qos, retain, expirySeconds, deadlineMs, origin });
}

/** What was stored of a message. */
export interface StoredParts {
  /** The topic in UTF-8; copied. */
  readonly topic: Uint8Array;
  /** The properties and the payload; copied. */
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
  /** The Message Expiry Interval; -1 for none. */
  readonly expirySeconds: number;
  /** When it expires, of the broker's clock; not used without such an interval. */
  readonly deadlineMs: number;
  readonly origin: Origin;
}

/** A message that was stored. It owns its bytes. */
export function messageOf(parts: StoredParts): Message {
  const { properties, payload, qos, retain, expirySeconds, deadlineMs, origin } = parts;
  const topic = parts.topic.slice();
  const buffer = new Uint8Array(properties.length + payload.length);
  buffer.set(properties);
  buffer.set(payload, properties.length);
  const message = new Message(
    textOf(topic),
    topic,
    buffer,
    0,
    properties.length,
    properties.length,
    buffer.length,
    qosOf(qos),
    retain,
    expirySeconds,
    deadlineMs - Math.max(0, expirySeconds) * 1000,
    origin,
  );
  return message.own();
}

/** What a retained message is found by, and what is kept for it, without the message itself. */
export interface MessageHead {
  readonly name: string;
  /** The topic in UTF-8; a view. */
  readonly topic: Uint8Array;
  readonly expirySeconds: number;
  readonly deadlineMs: number;
  readonly weight: number;
}

/** Reads over a message. */
export function readHead(reader: RecordReader, calendar: Calendar): MessageHead {
  const topic = reader.piece();
  reader.number();
  const expirySeconds = reader.number() - 1;
  const deadlineMs = expirySeconds < 0 ? Infinity : calendar.toClock(reader.number());
  const weight = messageBytes(topic.length, reader.piece().length + reader.piece().length);
  return { name: textOf(topic), topic, expirySeconds, deadlineMs, weight };
}

/** Writes the flags of a message; usually one byte. */
export function writeVariant(writer: RecordWriter, variant: Variant): void {
  const { qos, identifiers, retainAsPublished, retained, shared } = variant;
  writer.number(
    qos + (retainAsPublished ? 4 : 0) + (retained ? 8 : 0) + (identifiers === null ? 0 : 16) +
      (shared === null ? 0 : 32),
  );
  if (identifiers !== null) writeNumbers(writer, identifiers);
  if (shared !== null) writer.text(shared);
}

/** Reads the flags of a message. */
export function readVariant(reader: RecordReader): Variant {
  const flags = reader.number();
  return {
    qos: qosOf(flags & 3),
    retainAsPublished: (flags & 4) !== 0,
    retained: (flags & 8) !== 0,
    identifiers: (flags & 16) === 0 ? null : readNumbers(reader).map(identifierOf),
    shared: (flags & 32) === 0 ? null : reader.text(),
  };
}

/** Writes whole numbers after their count. */
export function writeNumbers(writer: RecordWriter, numbers: readonly number[]): void {
  writer.number(numbers.length);
  for (const number of numbers) writer.number(number);
}

/** Reads whole numbers. */
export function readNumbers(reader: RecordReader): number[] {
  const numbers: number[] = [];
  for (let left = reader.number(); left > 0; left--) numbers.push(reader.number());
  return numbers;
}

/** Writes Subscription Options. */
export function writeOptions(writer: RecordWriter, options: SubscriptionOptions): void {
  const { qos, noLocal, retainAsPublished, retainHandling, identifier } = options;
  writer.number(qos + (noLocal ? 4 : 0) + (retainAsPublished ? 8 : 0) + retainHandling * 16);
  writer.number(identifier);
}

/** Reads Subscription Options. */
export function readOptions(reader: RecordReader): SubscriptionOptions {
  const flags = reader.number();
  return {
    qos: qosOf(flags & 3),
    noLocal: (flags & 4) !== 0,
    retainAsPublished: (flags & 8) !== 0,
    retainHandling: Math.min(2, flags >> 4) as 0 | 1 | 2,
    identifier: identifierOf(reader.number()),
  };
}

/** @throws {StoreError} If no packet could contain it: the row is damaged. */
function identifierOf(number: number): number {
  if (number <= SUBSCRIPTION_IDENTIFIER_MAX) return number;
  throw new StoreError(`A record in the store has subscription identifier ${number}`);
}

/** A stored will, with its client. */
export interface WillRecord {
  readonly clientId: string;
  /** The user name of the client, for an authorizer; `null` for none. */
  readonly username: string | null;
  readonly will: Will;
  /** When it is due, of the wall clock; 0 while the client is connected. */
  readonly dueWallMs: number;
}

/** Writes a will. */
export function writeWill(writer: RecordWriter, record: WillRecord): void {
  const { clientId, username, will, dueWallMs } = record;
  const properties = new Uint8Array(propertiesSize(will.properties, "will"));
  writeProperties(will.properties, "will", properties, 0);
  writer.text(clientId).number(username === null ? 0 : 1).text(username ?? "");
  writer.number(dueWallMs).text(will.topic);
  writer.number(will.qos * 2 + (will.retain ? 1 : 0)).piece(will.payload).piece(properties);
}

/** Reads a will, which owns its bytes. */
export function readWill(reader: RecordReader): WillRecord {
  const clientId = reader.text();
  const isNamed = reader.number() === 1;
  const name = reader.text();
  const dueWallMs = reader.number();
  const topic = reader.text();
  const flags = reader.number();
  const payload = reader.piece().slice();
  const properties = readProperties(new BodyReader(reader.piece().slice()), "will");
  const will = { topic, payload, qos: qosOf(flags >> 1), retain: flags % 2 === 1, properties };
  return { clientId, username: isNamed ? name : null, will, dueWallMs };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function qosOf(number: number): QoS {
  return Math.min(2, number) as QoS;
}
