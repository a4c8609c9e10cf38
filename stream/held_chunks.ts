/** The chunks of a stream that were dropped, but that messages of sessions still refer to. */
import type { ChunkInfo } from "./chunk_index.ts";
import type { ChunkRefs } from "./chunk_refs.ts";

/** Those who refer to messages of streams instead of storing them. */
export interface References {
  /** Whether the store closes, so that copies fail. */
  readonly isClosing: boolean;
  /**
   * Copies the messages of a chunk to all who refer to them. Resolves when the store has the copies:
   * from then on nobody refers to the chunk.
   */
  copy(streamId: number, chunk: ReferredChunk): Promise<void>;
}

/** A chunk of a stream to whose messages something refers. */
export interface ReferredChunk {
  /** The sequences of its first and its last message. */
  readonly first: number;
  readonly last: number;
  /** What refers to them. */
  readonly refs: ChunkRefs;
}

/** What holds chunks. */
export interface HoldingHost {
  /** `null` if nothing ever refers to the messages of the stream. */
  readonly references: References | null;
  /** Reports an error that no caller waits for. */
  reportError(error: unknown): void;
}

/**
 * The chunks of a stream that its limits have dropped, but that messages of sessions still refer to.
 * No reader of the stream gets them any more. They stay in the store until their messages are
 * copied to those sessions, which begins at once, one chunk after the other.
 */
export class HeldChunks {
  readonly #streamId: number;
  readonly #host: HoldingHost;
  readonly #onReleased: (first: number) => void;
  readonly #chunks: ChunkInfo[];
  #isCopying = false;
  #waiting: (() => void)[] = [];

  /**
   * @param chunks Those that were found in the store, oldest first.
   * @param onReleased Called with the first sequence of a chunk that need not stay any longer.
   */
  constructor(
    streamId: number,
    host: HoldingHost,
    chunks: readonly ChunkInfo[],
    onReleased: (first: number) => void,
  ) {
    this.#streamId = streamId;
    this.#host = host;
    this.#chunks = [...chunks];
    this.#onReleased = onReleased;
  }

  /** The sequence of the oldest message that must stay in the store; `Infinity` for none. */
  get oldest(): number {
    return this.#chunks[0]?.first ?? Infinity;
  }

  /** The number of chunks. */
  get size(): number {
    return this.#chunks.length;
  }

  /** The entry of a chunk. */
  find(first: number): ChunkInfo | undefined {
    return this.#chunks.find((info) => info.first === first);
  }

  /** Holds a chunk, which comes after all others, until its messages are copied. */
  add(info: ChunkInfo): void {
    this.#chunks.push(info);
    this.copy();
  }

  /** Begins to copy the messages of the chunks. */
  copy(): void {
    if (this.#isCopying || this.#chunks.length === 0 || this.#host.references === null) return;
    this.#isCopying = true;
    const { references } = this.#host;
    this.#copyAll(references).catch((error) => {
      // The next start goes on.
      if (!references.isClosing) this.#host.reportError(error);
    }).finally(() => {
      this.#isCopying = false;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Resolves when no chunk is held, or an error prevents it. */
  async empty(): Promise<void> {
    this.copy();
    if (this.#isCopying) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #copyAll(references: References): Promise<void> {
    for (let [info] = this.#chunks; info !== undefined; [info] = this.#chunks) {
      const { first, last, refs } = info;
      if (refs !== null) await references.copy(this.#streamId, { first, last, refs });
      this.#chunks.shift();
      this.#onReleased(first);
    }
  }
}
