import type { Attention } from "./answer.ts";
import type { Connection } from "./connection.ts";

/**
 * Decides whether the socket is read: not while a subscription holds as much
 * as it may, because then the server, and through it the publishers, have to
 * wait.
 *
 * A program that waits for an answer of the server in the very loop that takes
 * the messages would wait for ever then. So reading goes on while somebody
 * waits for an answer, up to a limit on all that is held.
 */
export class ReadingGate implements Attention {
  readonly #heldBytesMax: number;
  #connection: Connection | null = null;
  /** Answers that somebody waits for. */
  #awaited = 0;
  /** Subscriptions that hold as much as they may. */
  #full = 0;
  /** Bytes of QoS 0 messages held. */
  #bestEffortBytes = 0;
  /** Bytes of QoS 1 and 2 messages held. */
  #assuredBytes = 0;

  /** @param heldBytesMax Bytes to hold while reading goes on; once for each of the two. */
  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** The connection whose reading is decided on, or `null`. */
  attach(connection: Connection | null): void {
    this.#connection = connection;
    this.#update();
  }

  /** Somebody waits for an answer. */
  awaited(): void {
    this.#awaited++;
    this.#update();
  }

  /** The answer has come. */
  settled(): void {
    this.#awaited--;
    this.#update();
  }

  /** A subscription is full, or has room again. */
  noteFull(isFull: boolean): void {
    this.#full += isFull ? 1 : -1;
    this.#update();
  }

  /** A message is held (positive), or no longer (negative). */
  noteHeld(bytes: number, isAssured: boolean): void {
    if (isAssured) this.#assuredBytes += bytes;
    else this.#bestEffortBytes += bytes;
    this.#update();
  }

  /** Whether a QoS 0 message is one too many. */
  get refusesBestEffort(): boolean {
    return this.#bestEffortBytes >= this.#heldBytesMax;
  }

  #update(): void {
    const mustGoOn = this.#awaited > 0 && this.#assuredBytes < this.#heldBytesMax;
    const isPaused = this.#full > 0 && !mustGoOn;
    const connection = this.#connection;
    if (connection !== null && connection.isPaused !== isPaused) connection.setPaused(isPaused);
  }
}
