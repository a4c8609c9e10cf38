/** Drops what goes beyond the limits of a stream. */
import type { Chunk } from "./chunk.ts";
import type { KeptTopics } from "./kept_topics.ts";
import { timeOf } from "./record.ts";
import type { Retention } from "./retention.ts";
import type { StreamChunks } from "./stream_chunks.ts";
import type { StreamTopics } from "./stream_topics.ts";

/** The interface of a stream that is needed here. */
export interface TrimmedLog {
  readonly chunks: StreamChunks;
  readonly topics: StreamTopics;
  readonly retention: Required<Retention>;
  readonly cutoffMs: number;
  readonly firstKnown: number;
  readonly last: number;
  readonly stored: number;
  dropTo(first: number): void;
}

/** Drops the oldest messages of a stream that exceed its limits. */
export function trimStream(log: TrimmedLog): void {
  const { chunks, cutoffMs, retention: { maxMessages, maxBytes } } = log;
  log.dropTo(log.last - maxMessages + 1);
  for (let { head } = chunks; head !== undefined; head = chunks.head) {
    if (head.lastTimeMs > cutoffMs && chunks.allBytes - head.bytes < maxBytes) break;
    log.dropTo(head.last + 1);
  }
  if (cutoffMs > -Infinity || log.chunks.bytes > maxBytes) trimHead(log, cutoffMs, maxBytes);
}

/** Drops messages of the oldest chunk. */
function trimHead(log: TrimmedLog, cutoffMs: number, maxBytes: number): void {
  const { head, headChunk, allBytes } = log.chunks;
  const next = (head?.last ?? log.last) + 1;
  if (headChunk === undefined) {
    // A limit of bytes protects the disk, so it is applied even if the chunk is not in memory yet.
    if (log.chunks.bytes > maxBytes) log.dropTo(next);
    return;
  }
  const { count, view } = headChunk;
  let index = headChunk.indexOf(log.firstKnown);
  while (index < count) {
    const at = headChunk.offset(index);
    if (allBytes - at <= maxBytes && timeOf(view, at) > cutoffMs) break;
    index++;
  }
  if (index < count) log.dropTo(headChunk.seq(index));
  else if (count > 0) log.dropTo(next);
}

/** When the oldest chunk becomes too old, in milliseconds since 1970; `Infinity` for never. */
export function nextTrimMs(
  { firstKnown, last, chunks, retention: { maxAgeMs } }: TrimmedLog,
): number {
  if (firstKnown > last) return Infinity;
  return (chunks.head?.lastTimeMs ?? chunks.open.lastTimeMs) + maxAgeMs;
}

/** Drops the oldest messages of a stream that has a limit by topic. */
export function trimTopics(log: TrimmedLog, topics: KeptTopics, topicsMax: number): void {
  const { chunks, cutoffMs, stored, retention: { maxMessages, maxBytes } } = log;
  log.topics.expire();
  const isOver = () =>
    topics.messages > maxMessages || topics.bytes > maxBytes || topics.size > topicsMax;
  if (cutoffMs === -Infinity && !isOver()) return;
  for (let next = 0; next <= stored;) {
    const { head, headChunk } = chunks;
    next = Math.min(head?.last ?? stored, stored) + 1;
    let rest = next;
    if (headChunk !== undefined) {
      rest = dropOldest(log, headChunk, next, (timeMs) => timeMs <= cutoffMs || isOver());
    } else if (isOver() || head!.lastTimeMs <= cutoffMs) {
      // The topics of its records are not known yet.
      topics.dropTo(next);
    } else return;
    log.dropTo(rest);
    if (rest < next) return;
  }
}

/**
 * Drops messages from the start of the oldest chunk.
 *
 * @param isOver Whether the oldest message, which arrived at the given time, must be dropped.
 * @returns The sequence of the first message that stays; `next` if there is none.
 */
function dropOldest(
  { topics, firstKnown }: TrimmedLog,
  chunk: Chunk,
  next: number,
  isOver: (timeMs: number) => boolean,
): number {
  let first = firstKnown;
  for (let index = chunk.indexOf(first); index < chunk.count; index++) {
    const seq = chunk.seq(index);
    if (seq >= next) return next;
    if (!isOver(timeOf(chunk.view, chunk.offset(index)))) return first;
    topics.onRemoved(chunk, index);
    first = seq + 1;
  }
  return next;
}
