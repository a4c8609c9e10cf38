import type { Batch } from "../../store/batch.ts";
import { RecordWriter } from "../../store/record.ts";

/** Identifiers that are set aside with one write. */
const ID_BLOCK = 1_000_000;
/** The row of table `meta` that says which identifiers were never used. */
export const NEXT_ID_KEY: Uint8Array = new TextEncoder().encode("next-id");

/**
 * Gives identifiers that are never used again, whatever a crash forgets: they are set aside in
 * blocks, and the store knows where the last block ends before one of it is used.
 */
export class IdAllocator {
  readonly #writer = new RecordWriter();
  #nextId: number;
  /** The first identifier that is not set aside, and as the store knows it. */
  #ceiling: number;
  #storedCeiling: number;

  /** @param nextId The first identifier that was never used. */
  constructor(nextId: number) {
    this.#nextId = this.#ceiling = this.#storedCeiling = nextId;
  }

  /** The identifier that will be given next. */
  get nextId(): number {
    return this.#nextId;
  }

  /** The first identifier that is not set aside. */
  get ceiling(): number {
    return this.#ceiling;
  }

  /** An identifier that was never used. */
  newId(): number {
    if (this.#nextId >= this.#ceiling) this.#ceiling = this.#nextId + ID_BLOCK;
    return this.#nextId++;
  }

  /** Uses no identifier up to this one, which was found in the store. */
  skip(upTo: number): void {
    if (upTo < this.#nextId) return;
    this.#nextId = this.#ceiling = this.#storedCeiling = upTo + 1;
  }

  /** Adds the row that sets a block aside, if the store does not know of it yet. */
  write(batch: Batch): void {
    if (this.#ceiling === this.#storedCeiling) return;
    batch.put("meta", NEXT_ID_KEY, this.#writer.reset().number(this.#ceiling).bytes);
  }

  /** The store has the row that was written when {@linkcode ceiling} was this. */
  stored(ceiling: number): void {
    this.#storedCeiling = ceiling;
  }
}
