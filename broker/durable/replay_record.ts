/** Subscriptions that read streams as bytes in the row of their session. */
import type { QoS } from "../../codec/mod.ts";
import { topicFilterFault } from "../../router/topic.ts";
import type { RecordReader, RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { ReplayRecord } from "../session/session_replays.ts";

/** Flags beside the QoS. Rows of earlier versions have no group. */
const NO_LOCAL = 4;
const GROUP = 8;
const EXCLUSIVE = 16;
const UNTIL = 32;
const LOST = 64;

/** Writes the subscriptions of a session that read streams, as a part of its row. */
export function writeReplays(writer: RecordWriter, replays: readonly ReplayRecord[]): void {
  writer.number(replays.length);
  for (const replay of replays) {
    writer.text(replay.key).text(replay.stream).text(replay.position).text(replay.filter);
    writer.text(replay.prefix).number(replay.mountBytes);
    const { qos, noLocal, isExclusive, group, until, lost } = replay;
    const flags = (noLocal ? NO_LOCAL : 0) + (isExclusive ? EXCLUSIVE : 0) +
      (group === "" ? 0 : GROUP) + (until > 0 ? UNTIL : 0) + (lost === null ? 0 : LOST);
    writer.number(qos + flags).number(replay.identifier).number(replay.at);
    if (group !== "") writer.text(group);
    if (until > 0) writer.number(until);
    if (lost !== null) writer.number(lost.from).number(lost.to);
  }
}

/**
 * Reads them.
 *
 * @throws {StoreError} If they make no sense.
 */
export function readReplays(reader: RecordReader): ReplayRecord[] {
  const replays: ReplayRecord[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const [key, stream, position] = [reader.text(), reader.text(), reader.text()];
    const filter = reader.text();
    if (topicFilterFault(filter) !== null) {
      throw new StoreError(`A session in the store makes no sense: the topic filter is ${filter}`);
    }
    const prefix = reader.text();
    const mountBytes = reader.number();
    const flags = reader.number();
    const qos = Math.min(2, flags & 3) as QoS;
    const identifier = reader.number();
    const at = reader.number();
    const noLocal = (flags & NO_LOCAL) !== 0;
    const isExclusive = (flags & EXCLUSIVE) !== 0;
    const group = (flags & GROUP) === 0 ? "" : reader.text();
    const until = (flags & UNTIL) === 0 ? 0 : reader.number();
    const isLost = (flags & LOST) !== 0;
    const lost = isLost ? { from: reader.number(), to: reader.number() } : null;
    replays.push({
      key,
      stream,
      position,
      filter,
      prefix,
      mountBytes,
      qos,
      identifier,
      noLocal,
      at,
      until,
      lost,
      group,
      isExclusive,
    });
  }
  return replays;
}
