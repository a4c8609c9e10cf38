/** The QoS 2 messages of a session that wait for the commit with their packet identifiers. */

/** A message that waits. */
interface HeldMessage {
  /** Whether it was sent since. */
  readonly wasSent: boolean;
  /** Whether it will not be sent any more. */
  readonly isOver: boolean;
}

/**
 * The messages of a session that were read from streams, and wait for a commit before they are sent.
 * Their bytes are in memory, so there is a limit.
 */
export class HeldMessages {
  readonly #waiting: { readonly message: HeldMessage; readonly bytes: number }[] = [];
  #bytes = 0;

  /** Adds a message of so many bytes. */
  add(message: HeldMessage, bytes: number): void {
    this.#forgetSent();
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
  }

  /** Whether so many bytes wait, so that no more messages should be read. */
  isFull(bytesMax: number): boolean {
    if (this.#bytes >= bytesMax) this.#forgetSent();
    return this.#waiting.length > 0 && this.#bytes >= bytesMax;
  }

  /** They are sent in order, so those that were sent come first. */
  #forgetSent(): void {
    const waiting = this.#waiting;
    while (waiting.length > 0 && (waiting[0]!.message.wasSent || waiting[0]!.message.isOver)) {
      this.#bytes -= waiting.shift()!.bytes;
    }
  }
}
