/** Finds the sequence at which a reader begins. */
import type { Position } from "./position.ts";
import { timeOf } from "./record.ts";
import { StreamCursor } from "./stream_cursor.ts";
import type { StreamLog } from "./stream_log.ts";

/** The default limit of the messages that `last-per-topic` finds. */
export const TOPICS_MAX = 10_000;

/** Settings of the search for a position. */
export interface SearchOptions {
  /** The topic filter of the reader; `null` for all topics. */
  readonly filter: string | null;
  /** The limit of the messages that `last-per-topic` finds; {@linkcode TOPICS_MAX} by default. */
  readonly topicsMax?: number;
  /** Called and awaited after each chunk, so that a long search does not delay others. */
  readonly pause?: () => Promise<void>;
  /** `last-per-topic` finds the last messages before this sequence; before the end by default. */
  readonly until?: number;
  /** Ends the search. */
  readonly signal?: AbortSignal | undefined;
}

/** `last-per-topic` has found more messages than its limit. */
export class TooManyTopicsError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "TooManyTopicsError";
}

/**
 * Makes a cursor at a position. Only `last` and `last-per-topic` read more than one chunk: they
 * search backwards from the end.
 *
 * @throws {RangeError} If the position lies in the future of the stream.
 * @throws {TooManyTopicsError} If `last-per-topic` finds too many messages.
 * @throws {StoreError} If the store cannot be read.
 */
export async function cursorAt(
  log: StreamLog,
  position: Position,
  options: SearchOptions,
): Promise<StreamCursor> {
  const { stored } = log;
  const cursor = await findCursor(log, position, options);
  // A reader that continues from a sequence must learn which topics were deleted since.
  if (position.kind !== "from") cursor.deletedFrom = stored + 1;
  return cursor;
}

async function findCursor(
  log: StreamLog,
  position: Position,
  options: SearchOptions,
): Promise<StreamCursor> {
  const { filter } = options;
  switch (position.kind) {
    case "earliest":
      return new StreamCursor(log, log.first, filter);
    case "latest":
      return new StreamCursor(log, log.last + 1, filter);
    case "from":
      checkSequence(log, position.seq);
      return new StreamCursor(log, Math.max(1, position.seq), filter);
    case "since":
      return await cursorSince(log, position.timeMs, filter);
    case "last":
    case "last-per-topic":
      return await cursorAtLast(log, position.count, position.kind === "last", options);
  }
}

/** @throws {RangeError} If the sequence is higher than the next one. */
function checkSequence(log: StreamLog, seq: number): void {
  if (seq <= log.last + 1) return;
  throw new RangeError(
    `Stream "${log.name}" has no message ${seq} yet: the last one is ${log.last}`,
  );
}

async function cursorSince(
  log: StreamLog,
  timeMs: number,
  filter: string | null,
): Promise<StreamCursor> {
  const start = Math.max(log.first, log.chunks.seqOfTime(timeMs));
  if (log.chunks.at(start) === "unloaded") await log.chunks.load(start);
  const cursor = new StreamCursor(log, start, filter);
  cursor.sinceMs = timeMs;
  cursor.skipOlder();
  const { first } = log;
  const from = await goneSince(log, timeMs, first);
  // Whatever was dropped meanwhile is between the two.
  if (from < first) cursor.miss(from, first - 1);
  return cursor;
}

/** The sequence of the first dropped message that arrived at a time or later; `first` for none. */
async function goneSince(log: StreamLog, timeMs: number, first: number): Promise<number> {
  const { chunks } = log;
  const dropped = chunks.dropped.find(timeMs);
  if (dropped !== null) return dropped;
  const { oldest } = chunks;
  const lastTimeMs = chunks.head?.lastTimeMs ?? log.lastTimeMs;
  if (oldest >= first || lastTimeMs < timeMs) return first;
  // The records of the oldest chunk are there until all of them are dropped.
  const chunk = await chunks.load(oldest);
  for (let index = 0; chunk !== null && index < chunk.count; index++) {
    if (timeOf(chunk.view, chunk.offset(index)) >= timeMs) return Math.min(first, chunk.seq(index));
  }
  return first;
}

async function cursorAtLast(
  log: StreamLog,
  count: number,
  isTogether: boolean,
  options: SearchOptions,
): Promise<StreamCursor> {
  const { filter, topicsMax = TOPICS_MAX, until = Infinity, pause, signal } = options;
  const end = Math.min(until, log.stored + 1);
  const found: number[] = [];
  let together = 0;
  const perTopic = new Map<string, number>();
  let before = end;
  for (let start = log.chunks.before(before); start !== null; start = log.chunks.before(before)) {
    signal?.throwIfAborted();
    const matching = await messagesBetween(log, Math.max(start, log.first), before, filter);
    for (let i = matching.length - 1; i >= 0; i--) {
      const { seq, topic } = matching[i]!;
      if (isTogether) {
        found[0] = seq;
        if (++together === count) break;
        continue;
      }
      const known = perTopic.get(topic) ?? 0;
      if (known >= count) continue;
      if (found.length >= topicsMax) throw tooMany(log, topicsMax);
      perTopic.set(topic, known + 1);
      found.push(seq);
    }
    if (together === count) break;
    if (start <= log.first) break;
    before = start;
    await pause?.();
  }
  const cursor = new StreamCursor(log, isTogether ? found[0] ?? end : end, filter);
  // The cursor takes its chosen sequences from the end, so the lowest must be last.
  if (!isTogether && found.length > 0) cursor.chosen = found.sort((a, b) => b - a);
  return cursor;
}

function tooMany({ name }: StreamLog, topicsMax: number): TooManyTopicsError {
  return new TooManyTopicsError(
    `Stream "${name}" has more than ${topicsMax} last messages of topics that match: ` +
      "use another filter",
  );
}

/** The matching messages with sequences from `from` to `to`, without `to`. All are in one chunk. */
async function messagesBetween(
  log: StreamLog,
  from: number,
  to: number,
  filter: string | null,
): Promise<{ seq: number; topic: string }[]> {
  const messages: { seq: number; topic: string }[] = [];
  const cursor = new StreamCursor(log, from, filter);
  cursor.deletedFrom = Infinity;
  while (cursor.at < to) {
    const found = cursor.next();
    if (found === "unloaded") await cursor.load();
    else if (found === "end") break;
    else if (found === "message" && cursor.seq < to) {
      messages.push({ seq: cursor.seq, topic: cursor.topic });
    }
  }
  return messages;
}
