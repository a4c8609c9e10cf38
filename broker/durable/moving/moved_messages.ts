/** Which stored messages are needed in which new store. */
import { RecordReader } from "../../../store/record.ts";
import { BitSet } from "./bit_set.ts";
import type { MovedIds } from "./moved_ids.ts";
import { eachEntry } from "./moved_records.ts";

/** The chunks of a store, in their order: how many messages each has. */
export class ChunkCounts {
  readonly ids: number[] = [];
  readonly counts: number[] = [];

  /** Adds a chunk by its row. */
  add(id: number, value: Uint8Array): void {
    const reader = new RecordReader(value);
    let count = 0;
    for (; !reader.isAtEnd; count++) reader.longPiece();
    this.ids.push(id);
    this.counts.push(count);
  }
}

/**
 * Which messages of the chunks of one store are needed in which new store: a bit for each message
 * and new store.
 */
export class MovedMessages {
  readonly #ids: MovedIds;
  /** How many messages a chunk has, by the place of its identifier. */
  readonly #counts: Uint32Array;
  /** The number of the first message of a chunk among all. */
  readonly #offsets: Float64Array;
  readonly #wanted: readonly BitSet[];

  constructor(ids: MovedIds, { ids: chunkIds, counts }: ChunkCounts, stores: number) {
    this.#ids = ids;
    this.#counts = new Uint32Array(ids.count);
    this.#offsets = new Float64Array(ids.count);
    let total = 0;
    for (const [i, id] of chunkIds.entries()) {
      const chunk = ids.rankOf(id);
      this.#counts[chunk] = counts[i]!;
      this.#offsets[chunk] = total;
      total += counts[i]!;
    }
    this.#wanted = Array.from({ length: stores }, () => new BitSet(total));
  }

  /**
   * A new store has a page, so it needs the messages.
   *
   * @returns How many entries the page has.
   */
  want(store: number, page: Uint8Array): number {
    const wanted = this.#wanted[store]!;
    let entries = 0;
    eachEntry(page, (chunkId, index) => {
      entries++;
      // A chunk that is lost has no messages.
      if (!this.#ids.has(chunkId)) return;
      const chunk = this.#ids.rankOf(chunkId);
      if (index < this.#counts[chunk]!) wanted.add(this.#offsets[chunk]! + index);
    });
    return entries;
  }

  /** Which messages of a chunk a new store needs, by their places; `null` for none. */
  wantedOf(store: number, chunkId: number): ((index: number) => boolean) | null {
    const chunk = this.#ids.rankOf(chunkId);
    const [count, offset] = [this.#counts[chunk]!, this.#offsets[chunk]!];
    const isWanted = (index: number) => index < count && this.#wanted[store]!.has(offset + index);
    for (let index = 0; index < count; index++) if (isWanted(index)) return isWanted;
    return null;
  }
}
