/** The oldest chunks of a stream, kept in memory for its limits. */
import type { Chunk } from "./chunk.ts";
import type { ChunkInfo } from "./chunk_index.ts";

/**
 * The oldest chunks of a stream, in memory: a limit of age or bytes reaches into the middle of the
 * first, and the second is next. So a limit is exact without waiting for the disk.
 */
export class HeadChunks {
  #chunks: Chunk[] = [];
  #isReading = false;
  /** Changes when a chunk has changed: one that is being read may be an earlier one. */
  #version = 0;
  readonly #load: (first: number) => Promise<Chunk | null>;
  readonly #loaded: () => void;
  readonly #onError: (error: unknown) => void;

  /**
   * @param load Reads the chunk that begins with a sequence.
   * @param loaded Told when chunks have come.
   * @param onError Told why they have not.
   */
  constructor(
    load: (first: number) => Promise<Chunk | null>,
    loaded: () => void,
    onError: (error: unknown) => void,
  ) {
    this.#load = load;
    this.#loaded = loaded;
    this.#onError = onError;
  }

  /** What they cost in memory, in bytes. */
  get bytes(): number {
    return this.#chunks.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The chunk that begins with a sequence, if it is one of them and was read. */
  find(first: number): Chunk | undefined {
    return this.#chunks.find((chunk) => chunk.first === first);
  }

  /** The chunk that begins with a sequence has changed. */
  forget(first: number): void {
    this.#version++;
    this.#chunks = this.#chunks.filter((chunk) => chunk.first !== first);
  }

  /** Has these in memory, and no others. */
  want(infos: readonly (ChunkInfo | undefined)[]): void {
    const firsts = infos.filter((info) => info !== undefined).map(({ first }) => first);
    this.#chunks = this.#chunks.filter(({ first }) => firsts.includes(first));
    const missing = firsts.filter((first) => this.find(first) === undefined);
    if (this.#isReading || missing.length === 0) return;
    this.#isReading = true;
    const version = this.#version;
    Promise.all(missing.map((first) => this.#load(first))).then((chunks) => {
      this.#isReading = false;
      if (version !== this.#version) return this.#loaded();
      for (const chunk of chunks) if (chunk !== null) this.#chunks.push(chunk);
      // What is wanted by now may be others; what the store has lost is not asked for again.
      if (chunks.every((chunk) => chunk !== null)) this.#loaded();
    }, (error) => {
      this.#isReading = false;
      this.#onError(error);
    });
  }
}
