/**
 * Copies between shared memory and memory of this thread.
 *
 * The engine copies shared memory in words only if both places have the same offset within a word,
 * and otherwise byte by byte, which takes eight times as long (measured: 64 KiB in 5 and in 40 µs).
 * So bytes that are not aligned alike are moved within this thread first.
 */

/** The bytes of a word of the engine. */
export const WORD_BYTES = 8;
/** Fewer bytes are copied in a loop: a view of them costs more. */
const LOOP_BYTES_MAX = 24;
/** The bytes that are moved within this thread at once. */
const PART_BYTES = 32 * 1024;

/** Where bytes are moved within this thread. Its content belongs to the call in progress. */
let moved: Uint8Array<ArrayBuffer> | null = null;

/** Copies `length` bytes of `shared` from `at` to the start of `target`. */
export function copyFromShared(
  target: Uint8Array,
  shared: Uint8Array<SharedArrayBuffer>,
  at: number,
  length: number,
  targetAt: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) target[targetAt + i] = shared[at + i]!;
    return;
  }
  if (isAlike(target.byteOffset + targetAt, at)) {
    target.set(shared.subarray(at, at + length), targetAt);
    return;
  }
  const part = moved ??= new Uint8Array(PART_BYTES + WORD_BYTES);
  for (let done = 0; done < length;) {
    const count = Math.min(PART_BYTES, length - done);
    const offset = (at + done) % WORD_BYTES;
    part.set(shared.subarray(at + done, at + done + count), offset);
    target.set(part.subarray(offset, offset + count), targetAt + done);
    done += count;
  }
}

/** Copies `length` bytes of `source` from `sourceAt` to `at` of `shared`. */
export function copyToShared(
  shared: Uint8Array<SharedArrayBuffer>,
  at: number,
  source: Uint8Array,
  sourceAt: number,
  length: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) shared[at + i] = source[sourceAt + i]!;
    return;
  }
  if (isAlike(source.byteOffset + sourceAt, at)) {
    shared.set(
      length === source.length ? source : source.subarray(sourceAt, sourceAt + length),
      at,
    );
    return;
  }
  const part = moved ??= new Uint8Array(PART_BYTES + WORD_BYTES);
  for (let done = 0; done < length;) {
    const count = Math.min(PART_BYTES, length - done);
    const offset = (at + done) % WORD_BYTES;
    part.set(source.subarray(sourceAt + done, sourceAt + done + count), offset);
    shared.set(part.subarray(offset, offset + count), at + done);
    done += count;
  }
}

/** Whether two places have the same offset within a word. Buffers begin with a whole word. */
function isAlike(a: number, b: number): boolean {
  return a % WORD_BYTES === b % WORD_BYTES;
}
