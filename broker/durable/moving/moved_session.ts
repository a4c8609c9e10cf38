/** Rows of sessions with new identifiers, for another store. */
import type { RecordWriter } from "../../../store/record.ts";
import { writeNumbers, writeVariant } from "../records.ts";
import { writeReplays } from "../replay_record.ts";
import {
  type ExchangeRecord,
  PHASES,
  type ReaderRecord,
  type SessionRecord,
} from "../session_record.ts";
import { writePlaces } from "../stream_places.ts";
import type { NewId } from "./moved_records.ts";

/** A session with new identifiers. */
export function renumbered(record: SessionRecord, newId: NewId): SessionRecord {
  return {
    ...record,
    stamp: newId(record.stamp),
    readers: record.readers.map((reader) => ({ ...reader, logId: newId(reader.logId) })),
    exchanges: record.exchanges.map((exchange) => {
      // 0 stands for a message that is not in the store any more.
      return exchange.logId === 0 ? exchange : { ...exchange, logId: newId(exchange.logId) };
    }),
  };
}

/** Writes the row of a session as `writeSession` does. */
export function writeMovedSession(writer: RecordWriter, record: SessionRecord): void {
  writer.number(record.stamp).text(record.clientId).number(record.expirySeconds);
  writer.number(record.disconnectedWallMs).number(record.isLeaving ? 1 : 0);
  writer.number(record.readers.length);
  for (const reader of record.readers) writeReader(writer, reader);
  writer.number(record.lastId).number(record.exchanges.length);
  for (const exchange of record.exchanges) writeExchange(writer, exchange);
  writeNumbers(writer, record.inboundIds);
  writer.number(record.feeds.length);
  for (const { filter, noLocal, variant } of record.feeds) {
    writer.text(filter).number(noLocal ? 1 : 0);
    writeVariant(writer, variant);
  }
  writeReplays(writer, record.replays);
  writePlaces(writer, record.places);
}

function writeReader(writer: RecordWriter, reader: ReaderRecord): void {
  const { variant, end } = reader;
  writer.number(reader.logId).number(reader.position).number(reader.weight);
  writer.number(reader.doubtEnd).number(variant === null ? 0 : 1);
  if (variant !== null) writeVariant(writer, variant);
  const isOpen = end === Infinity;
  writer.number(isOpen ? 0 : 1);
  if (!isOpen) writer.number(end).number(reader.endWeight);
}

function writeExchange(writer: RecordWriter, exchange: ExchangeRecord): void {
  const { packetId, phase, qos, logId, position, variant } = exchange;
  writer.number(packetId).number(PHASES.indexOf(phase)).number(qos);
  writer.number(logId).number(position);
  writeVariant(writer, variant);
}
