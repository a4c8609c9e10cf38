/** The row of a session as bytes. */
import type { Phase } from "../../flow/outbound_window.ts";
import { RecordReader, type RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import { topicFilterFault } from "../../router/topic.ts";
import type { Variant } from "../../router/variant.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import type { QueueOwner } from "../session/session_queue.ts";
import { StreamInflight } from "../stream/stream_inflight.ts";
import type { StreamPlace } from "../stream/stream_place.ts";
import { placesOf, readPlaces, writePlaces } from "./stream_places.ts";
import { readReplays, writeReplays } from "./replay_record.ts";
import type { DurableBacklog } from "./durable_backlog.ts";
import type { Calendar } from "../base/calendar.ts";
import { readNumbers, readVariant, writeNumbers, writeVariant } from "./records.ts";
import { storedOf } from "./stored_inflight.ts";

/** The largest packet identifier [MQTT-2.2.1-3]. */
const PACKET_ID_MAX = 65_535;
/** The phases of a message in flight, by their numbers in a row. */
export const PHASES: readonly Phase[] = ["puback", "pubrec", "pubcomp"];

/** A stored reader of a log. */
export interface ReaderRecord {
  readonly logId: number;
  readonly position: number;
  readonly weight: number;
  /** The end position; `Infinity` for the end of the log. */
  readonly end: number;
  readonly endWeight: number;
  /** The position up to which QoS 1 messages may have been sent before a crash. */
  readonly doubtEnd: number;
  /** The flags of its messages; `null` for the session's own log. */
  readonly variant: Variant | null;
}

/** A stored message in flight. */
export interface ExchangeRecord {
  readonly packetId: number;
  readonly phase: Phase;
  readonly variant: Variant;
  readonly qos: 1 | 2;
  readonly logId: number;
  readonly position: number;
}

/** A stored delivery of retained messages; it starts again. */
export interface FeedRecord {
  readonly filter: string;
  readonly noLocal: boolean;
  readonly variant: Variant;
}

/** A stored session. */
export interface SessionRecord {
  /** Shared starts from this identifier on are newer than the row. */
  readonly stamp: number;
  readonly clientId: string;
  readonly expirySeconds: number;
  /** When it lost its connection, of the wall clock; 0 if connected. */
  readonly disconnectedWallMs: number;
  readonly isLeaving: boolean;
  readonly lastId: number;
  readonly readers: readonly ReaderRecord[];
  readonly exchanges: readonly ExchangeRecord[];
  readonly inboundIds: readonly number[];
  readonly feeds: readonly FeedRecord[];
  readonly replays: readonly ReplayRecord[];
  /** Where messages of streams in flight with QoS 2 are found, by their packet identifiers. */
  readonly places: ReadonlyMap<number, StreamPlace>;
}

/** The part of a session's queue that is in its row. */
export interface StoredQueue {
  /** When the session lost its connection, of the broker's clock; `null` while connected. */
  readonly disconnectedMs: number | null;
  /** Whether the session has ended, and its messages are being handed over. */
  readonly isLeaving: boolean;
  readonly backlog: DurableBacklog;
}

/** Writes the row of a session. */
export function writeSession(
  writer: RecordWriter,
  session: QueueOwner,
  queue: StoredQueue,
  calendar: Calendar,
  stamp: number,
): void {
  writer.number(stamp);
  const { disconnectedMs, backlog } = queue;
  const { outbound, inboundIds } = session;
  const wallMs = disconnectedMs === null ? 0 : Math.round(calendar.toWall(disconnectedMs));
  writer.text(session.clientId).number(session.expirySeconds);
  writer.number(Math.max(0, wallMs)).number(queue.isLeaving ? 1 : 0);
  writer.number(backlog.readers.length);
  for (const { cursor, variant, doubtEnd } of backlog.readers) {
    writer.number(cursor.log.id).number(cursor.position).number(cursor.weight).number(doubtEnd);
    writer.number(variant === null ? 0 : 1);
    if (variant !== null) writeVariant(writer, variant);
    // A reader that follows the log may find more entries later.
    const isOpen = cursor.end === Infinity;
    writer.number(isOpen ? 0 : 1);
    if (!isOpen) writer.number(cursor.end).number(cursor.endWeight);
  }
  writer.number(outbound?.lastId ?? 0);
  const exchanges = outbound?.exchanges() ?? [];
  writer.number(exchanges.length);
  for (const exchange of exchanges) {
    const { packetId, phase } = exchange;
    const sent = storedOf(exchange);
    const { variant, qos } = sent;
    const hold = sent instanceof StreamInflight ? null : sent.hold;
    writer.number(packetId).number(PHASES.indexOf(phase)).number(qos);
    writer.number(hold?.log.id ?? 0).number(hold?.position ?? 0);
    writeVariant(writer, variant);
  }
  writeNumbers(writer, inboundIds);
  writer.number(session.feeds?.length ?? 0);
  for (const { filter, noLocal, variant } of session.feeds ?? []) {
    writer.text(filter).number(noLocal ? 1 : 0);
    writeVariant(writer, variant);
  }
  writeReplays(writer, session.replays?.records() ?? []);
  writePlaces(writer, placesOf(exchanges));
}

/**
 * Reads the row of a session.
 *
 * @throws {StoreError} If it is invalid.
 */
export function readSession(value: Uint8Array): SessionRecord {
  const reader = new RecordReader(value);
  const stamp = reader.number();
  const clientId = reader.text();
  const expirySeconds = reader.number();
  const disconnectedWallMs = reader.number();
  const isLeaving = reader.number() === 1;
  const readers: ReaderRecord[] = [];
  for (let left = reader.number(); left > 0; left--) readers.push(readReader(reader));
  const lastId = reader.number();
  const exchanges: ExchangeRecord[] = [];
  for (let left = reader.number(); left > 0; left--) exchanges.push(readExchange(reader));
  const inboundIds = readNumbers(reader);
  checkIds(lastId, exchanges.map(({ packetId }) => packetId), inboundIds);
  const feeds: FeedRecord[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const filter = reader.text();
    if (topicFilterFault(filter) !== null) throw senseless("the topic filter", filter);
    const noLocal = reader.number() === 1;
    feeds.push({ filter, noLocal, variant: readVariant(reader) });
  }
  // Rows of earlier versions end here.
  const replays = reader.isAtEnd ? [] : readReplays(reader);
  const places = readPlaces(reader);
  return {
    stamp,
    clientId,
    expirySeconds,
    disconnectedWallMs,
    isLeaving,
    lastId,
    readers,
    exchanges,
    inboundIds,
    feeds,
    replays,
    places,
  };
}

function checkIds(lastId: number, outbound: readonly number[], inbound: readonly number[]): void {
  if (lastId > PACKET_ID_MAX || (lastId === 0 && outbound.length > 0)) {
    throw senseless("the last packet identifier", lastId);
  }
  for (const ids of [outbound, inbound]) {
    const wrong = ids.find((id) => id < 1 || id > PACKET_ID_MAX);
    if (wrong !== undefined) throw senseless("packet identifier", wrong);
    if (new Set(ids).size < ids.length) throw senseless("packet identifiers twice", ids.length);
  }
}

function senseless(what: string, value: string | number): StoreError {
  return new StoreError(`A session in the store makes no sense: ${what} is ${value}`);
}

function readReader(reader: RecordReader): ReaderRecord {
  const at = {
    logId: reader.number(),
    position: reader.number(),
    weight: reader.number(),
    doubtEnd: reader.number(),
  };
  const variant = reader.number() === 0 ? null : readVariant(reader);
  const isOpen = reader.number() === 0;
  const end = isOpen ? Infinity : reader.number();
  const endWeight = isOpen ? Infinity : reader.number();
  return { ...at, end, endWeight, variant };
}

function readExchange(reader: RecordReader): ExchangeRecord {
  const packetId = reader.number();
  const phase = PHASES[reader.number()] ?? "puback";
  const qos = reader.number() === 2 ? 2 : 1;
  const logId = reader.number();
  const position = reader.number();
  return { packetId, phase, qos, logId, position, variant: readVariant(reader) };
}
