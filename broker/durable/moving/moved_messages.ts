/** Which stored messages are needed in which new store. */
import { BitSet } from "./bit_set.ts";
import type { MovedIds } from "./moved_ids.ts";
import { eachEntry } from "./moved_records.ts";

/**
 * Which messages of the chunks of one store are needed in which new store: a bit for each message
 * and new store. First every page is counted, then every page is wanted somewhere.
 */
export class MovedMessages {
  readonly #ids: MovedIds;
  readonly #stores: number;
  /** How many messages of a chunk there are at least, by the place of its identifier. */
  readonly #counts: Uint32Array;
  /** The number of the first message of a chunk among all. */
  readonly #offsets: Float64Array;
  #wanted: readonly BitSet[] = [];

  constructor(ids: MovedIds, stores: number) {
    this.#ids = ids;
    this.#stores = stores;
    this.#counts = new Uint32Array(ids.count);
    this.#offsets = new Float64Array(ids.count);
  }

  /** Counts the messages that a page leads to. */
  count(page: Uint8Array): void {
    eachEntry(page, (chunkId, index) => {
      const chunk = this.#ids.rankOf(chunkId);
      if (index >= this.#counts[chunk]!) this.#counts[chunk] = index + 1;
    });
  }

  /** All pages are counted. */
  begin(): void {
    let total = 0;
    for (const [chunk, count] of this.#counts.entries()) {
      this.#offsets[chunk] = total;
      total += count;
    }
    this.#wanted = Array.from({ length: this.#stores }, () => new BitSet(total));
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
      wanted.add(this.#offsets[this.#ids.rankOf(chunkId)]! + index);
      entries++;
    });
    return entries;
  }

  /** Which messages of a chunk a new store needs, by their places; `null` for none. */
  wantedOf(store: number, chunkId: number): ((index: number) => boolean) | null {
    // A chunk that no page leads to.
    if (!this.#ids.has(chunkId)) return null;
    const chunk = this.#ids.rankOf(chunkId);
    const [count, offset] = [this.#counts[chunk]!, this.#offsets[chunk]!];
    const isWanted = (index: number) => index < count && this.#wanted[store]!.has(offset + index);
    for (let index = 0; index < count; index++) if (isWanted(index)) return isWanted;
    return null;
  }
}
