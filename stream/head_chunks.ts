/** The oldest chunks of a stream, kept in memory for its limits. */
import type { Chunk } from "./chunk.ts";
import type { ChunkInfo } from "./chunk_index.ts";

/**
 * The two oldest chunks of a stream, kept in memory. A limit of age or bytes usually ends inside
 * the oldest chunk, so its records must be known to apply the limit exactly. The second is kept
 * too, so that nobody waits for the disk when the first is dropped.
 */
export class HeadChunks {
  #chunks: Chunk[] = [];
  #isReading = false;
  /** Changes when a chunk has changed: one that is being read may be an earlier one. */
  #version = 0;
  readonly #load: (first: number) => Promise<Chunk | null>;
  readonly #onLoaded: () => void;
  readonly #onError: (error: unknown) => void;

  /**
   * @param load Reads the chunk that begins with a sequence.
   * @param onLoaded Called when chunks were read.
   * @param onError Called with the error if they cannot be read.
   */
  constructor(
    load: (first: number) => Promise<Chunk | null>,
    onLoaded: () => void,
    onError: (error: unknown) => void,
  ) {
    this.#load = load;
    this.#onLoaded = onLoaded;
    this.#onError = onError;
  }

  /** Memory of the chunks, in bytes. */
  get bytes(): number {
    return this.#chunks.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The chunk that begins with the sequence `first`, if it is one of them and is in memory. */
  find(first: number): Chunk | undefined {
    return this.#chunks.find((chunk) => chunk.first === first);
  }

  /** The chunk that begins with a sequence has changed. */
  forget(first: number): void {
    this.#version++;
    this.#chunks = this.#chunks.filter((chunk) => chunk.first !== first);
  }

  /** Keeps these chunks and no others. Those that are not in memory are read. */
  want(infos: readonly (ChunkInfo | undefined)[]): void {
    const firsts = infos.filter((info) => info !== undefined).map(({ first }) => first);
    this.#chunks = this.#chunks.filter(({ first }) => firsts.includes(first));
    const missing = firsts.filter((first) => this.find(first) === undefined);
    if (this.#isReading || missing.length === 0) return;
    this.#isReading = true;
    const version = this.#version;
    Promise.all(missing.map((first) => this.#load(first))).then((chunks) => {
      this.#isReading = false;
      if (version !== this.#version) return this.#onLoaded();
      for (const chunk of chunks) if (chunk !== null) this.#chunks.push(chunk);
      // The listener may want other chunks by now. A chunk that the store has lost is not read
      // again.
      if (chunks.every((chunk) => chunk !== null)) this.#onLoaded();
    }, (error) => {
      this.#isReading = false;
      this.#onError(error);
    });
  }
}
