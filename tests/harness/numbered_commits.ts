/** Rows that each numbered commit puts. */
export const ROWS_OF_A_COMMIT = 4;

/** Bytes of a value, so that the log of a store soon is long. */
const VALUE_BYTES = 9000;

/** A number as the start of a key; the order stays. */
export function numberKey(number: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}

/** One of the rows of a commit. */
export function rowOf(number: number, row: number): { key: Uint8Array; value: Uint8Array } {
  const value = new Uint8Array(VALUE_BYTES).fill(number * 7 + row);
  return { key: Uint8Array.of(...numberKey(number), row), value };
}
