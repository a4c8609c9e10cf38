/** The state of a stream in its store, when it is opened. */
import type { OpenChunk } from "./chunk.ts";
import type { ChunkIndex, ChunkInfo } from "./chunk_index.ts";
import type { GroupState } from "./stream_group.ts";
import type { StreamRow } from "./stream_row.ts";

/** The state of a stream in its store, from which it continues. */
export interface StoredStream {
  readonly name: string;
  readonly row: StreamRow;
  readonly index: ChunkIndex;
  readonly open: OpenChunk;
  /** Chunks that were dropped, but to which something refers, oldest first. */
  readonly held: readonly ChunkInfo[];
  readonly groups: readonly GroupState[];
}
