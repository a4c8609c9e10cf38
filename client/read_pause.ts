/** Decides whether a client reads from its socket. */
import type { Attention } from "./answer.ts";
import type { Connection } from "./connection.ts";

/**
 * Decides whether the socket is read. Reading stops while a subscription is full, so that the
 * server, and through it the publishers, have to wait.
 *
 * A program may wait for an answer of the server in the loop that takes the messages. It would then
 * wait for ever. So reading continues while the program waits for an answer, up to a limit on
 * everything that is held.
 */
export class ReadPause implements Attention {
  readonly #heldBytesMax: number;
  #connection: Connection | null = null;
  /** Answers that the program waits for. */
  #awaited = 0;
  /** How many subscriptions are full. */
  #full = 0;
  /** Bytes of QoS 0 messages held. */
  #bestEffortBytes = 0;
  /** Bytes of QoS 1 and 2 messages held. */
  #assuredBytes = 0;

  /**
   * @param heldBytesMax Bytes to hold while reading continues; once for QoS 0, once for QoS 1 and
   * 2.
   */
  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** Sets the connection whose reading is controlled, or `null`. */
  attach(connection: Connection | null): void {
    this.#connection = connection;
    this.#update();
  }

  /** The program waits for an answer. */
  onAwaited(): void {
    this.#awaited++;
    this.#update();
  }

  /** The answer has arrived. */
  onSettled(): void {
    this.#awaited--;
    this.#update();
  }

  /** A subscription is full, or has room again. */
  noteFull(isFull: boolean): void {
    this.#full += isFull ? 1 : -1;
    this.#update();
  }

  /** A message is held (positive bytes), or no longer held (negative bytes). */
  noteHeld(bytes: number, isAssured: boolean): void {
    if (isAssured) this.#assuredBytes += bytes;
    else this.#bestEffortBytes += bytes;
    this.#update();
  }

  /** Whether another QoS 0 message must be dropped. */
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
