/**
 * The interface between a connection and a pipe that pushes received bytes and takes bytes to
 * write.
 */

/**
 * Receives the bytes and events of a pipe. A pipe never calls it within another call of the same
 * receiver. Its methods never throw.
 */
export interface PipeReceiver {
  /**
   * The buffer for the next bytes. The pipe asks for it right before it reads, and fills it from
   * the start.
   *
   * @param shared A buffer of the pipe that may be returned. The receiver owns its content until
   * `onReceived` returns; then the pipe reads for others into it. `null` if the pipe has none.
   */
  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer>;
  /**
   * `bytes` bytes are in the target; 0 if there were none after all. A receiver that wants no more
   * for now pauses the pipe.
   *
   * @param isFull Whether a larger target could have taken more, though these bytes do not fill it:
   * the pipe has read more than it passes on. False by default.
   */
  onReceived(bytes: number, isFull?: boolean): void;
  /** Nothing more arrives: the peer has sent its last byte, or the pipe has failed with `error`. */
  onEnded(error: unknown): void;
  /** The pipe has taken `bytes` more bytes of the last write. */
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
   * Writes all of `source`. If the pipe does not take all of it at once, it takes the rest later.
   * Until `onWritten` has reported all of the rest, in one or several calls, or `onWriteFailed` was
   * called, `source` must not change and nothing else may be written.
   *
   * @returns How many bytes were taken at once, maybe none.
   * @throws If the pipe has broken.
   */
  write(source: Uint8Array): number;
  /** Tells the peer that no more will be written. Reading continues. */
  closeWrite(): void;
  /**
   * Closes both directions at once. Later, and not while the pipe is paused, the receiver is told
   * that it has ended.
   */
  close(): void;
}
