/**
 * An object with rows in the store that a commit of the broker writes: a durable session, or a
 * stream.
 */
import type { Batch } from "../../store/batch.ts";
import type { RecordWriter } from "../../store/record.ts";

/**
 * An object that writes its own rows. After a change it is passed to the journal, which asks it for
 * its rows when the next commit begins: many changes of one object are one write.
 */
export interface RowOwner {
  /**
   * Whether all that it writes is removals. They free room, so on a full disk they are committed
   * before the rest.
   */
  readonly isRemoved: boolean;
  /**
   * Adds its rows, in their current state, to a batch.
   *
   * @param writer Encodes a value. Its bytes are valid until the next owner uses it; the batch
   * copies them.
   */
  write(batch: Batch, writer: RecordWriter): void;
  /** The commit of the last {@linkcode write} has failed. */
  onWriteFailed(): void;
}
