/** How a connection and its transport deal with each other: what arrives is pushed, what leaves is taken at once. */

/**
 * Takes what arrives through a pipe. The pipe calls it, but never within another call of the same
 * receiver. It never throws.
 */
export interface PipeReceiver {
  /**
   * Where the next bytes go. The pipe asks for it right before it reads, and fills it from its
   * start.
   *
   * @param shared A buffer of the pipe that may be returned. The receiver owns its content until
   * `onReceived` returns; then the pipe reads for others into it. `null` if the pipe has none.
   */
  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer>;
  /**
   * So many bytes are in the target; 0 if nothing has come after all. To take no more for now, it
   * pauses the pipe.
   */
  onReceived(bytes: number): void;
  /** Nothing more arrives: the peer has sent its last byte, or the pipe has failed with `error`. */
  onEnded(error: unknown): void;
  /** So many more bytes of the last write were taken. */
  onWritten(bytes: number): void;
  /** The last write has failed. */
  onWriteFailed(error: unknown): void;
}

/** A pipe to one peer that pushes. Nothing arrives before `start`. */
export interface Pipe {
  /** Begins to read. */
  start(): void;
  /** Reads nothing until `resume`. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /**
   * Writes all of `source`. What is not taken at once is taken later: then `source` must not
   * change, and nothing else may be written, until the receiver has heard of the rest by one or
   * several calls of `onWritten`, or by `onWriteFailed`.
   *
   * @returns How many bytes were taken at once, maybe none.
   * @throws If the pipe has broken.
   */
  write(source: Uint8Array): number;
  /** Tells the peer that no more will be written. Reading continues. */
  closeWrite(): void;
  /**
   * Closes both directions at once. The receiver then hears that it has ended, but not before this
   * returns, and not while it is paused.
   */
  close(): void;
}
