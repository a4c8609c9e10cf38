/** The identifiers of sessions, logs, chunks and wills in the store. */
import type { Batch } from "../../store/batch.ts";
import { RecordWriter } from "../../store/record.ts";

/** The number of identifiers that one write reserves. */
const ID_BLOCK = 1_000_000;
/** The row of table `meta` with the first identifier that was never used. */
export const NEXT_ID_KEY: Uint8Array = new TextEncoder().encode("next-id");

/**
 * Allocates identifiers that are never reused, even after a crash. It reserves them in blocks: the
 * store has the end of a block before an identifier of the block is used.
 */
export class IdAllocator {
  readonly #writer = new RecordWriter();
  #nextId: number;
  /** The first identifier that is not reserved, and the same in the store. */
  #ceiling: number;
  #storedCeiling: number;

  /** @param nextId The first identifier that was never used. */
  constructor(nextId: number) {
    this.#nextId = this.#ceiling = this.#storedCeiling = nextId;
  }

  /** The next identifier. */
  get nextId(): number {
    return this.#nextId;
  }

  /** The first identifier that is not reserved. */
  get ceiling(): number {
    return this.#ceiling;
  }

  /** Allocates an identifier. */
  newId(): number {
    if (this.#nextId >= this.#ceiling) this.#ceiling = this.#nextId + ID_BLOCK;
    return this.#nextId++;
  }

  /** Skips identifiers up to this one, which was found in the store. */
  skip(upTo: number): void {
    if (upTo < this.#nextId) return;
    this.#nextId = this.#ceiling = this.#storedCeiling = upTo + 1;
  }

  /** Adds the row that reserves a block, if it is not yet stored. */
  write(batch: Batch): void {
    if (this.#ceiling === this.#storedCeiling) return;
    batch.put("meta", NEXT_ID_KEY, this.#writer.reset().number(this.#ceiling).bytes);
  }

  /** The store has the row that was written when {@linkcode ceiling} had this value. */
  onStored(ceiling: number): void {
    this.#storedCeiling = ceiling;
  }
}
