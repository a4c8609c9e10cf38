/** Refers to a message of a stream from a chunk of messages of sessions, which then needs no copy. */
import type { StreamChunks } from "./stream_chunks.ts";

/** The interface of a stream that is needed here. */
export interface ReferredLog {
  readonly chunks: StreamChunks;
  readonly firstKnown: number;
  readonly stored: number;
  readonly isRemoved: boolean;
  isReferred: boolean;
}

/**
 * Refers to a message of the commit that is being written, before the rows of the stream are. What
 * the limits drop from then on is held until it is copied.
 *
 * @param id Of the chunk that refers to it.
 * @returns The first sequence of the stream's chunk with the message; -1 if the commit does not
 * contain it, or it is already dropped.
 */
export function refer(log: ReferredLog, seq: number, id: number): number {
  // An earlier commit has stored it: since then it may have been removed from its chunk.
  if (seq <= log.stored || seq < log.firstKnown || log.isRemoved) return -1;
  const first = log.chunks.refer(seq, id);
  if (first > 0) log.isReferred = true;
  return first;
}
