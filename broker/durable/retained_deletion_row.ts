/**
 * The row of a topic whose retained message was deleted at a node of a cluster. It replaces the row of
 * the message, in the same table under the same key, so a store never has both.
 *
 * @module
 */
import { RecordReader, type RecordWriter } from "../../store/record.ts";

/**
 * Writes the row.
 *
 * @param version When the message was deleted, in microseconds since 1970.
 */
export function writeDeletion(writer: RecordWriter, version: number): void {
  writer.number(version);
}

/**
 * The version of a deletion; `null` for the row of a message: that begins with the length of a text,
 * and does not end there.
 *
 * @throws {StoreError} If the row ends within the number.
 */
export function readDeletion(value: Uint8Array): number | null {
  const reader = new RecordReader(value);
  const version = reader.number();
  return reader.isAtEnd ? version : null;
}
