/** Gives a connection up when what was sent stays without an answer. */
import type { Connection } from "../client/connection.ts";
import { TimeoutError } from "../client/errors.ts";
import type { Clock } from "../transport/clock.ts";

/** The shortest time between two looks, in milliseconds. */
const LOOK_MS_MIN = 10;

/**
 * Gives a connection up when nothing has arrived for a time after something was sent, or while bytes
 * wait to be written. After half of the time it sends PINGREQ, since not every packet has an answer.
 *
 * Deno cannot set `TCP_USER_TIMEOUT`, which has the kernel do this with bytes. This finds more: a
 * broker that hangs while its kernel still acknowledges. It uses one timer, however much is sent.
 */
export class AnswerTimeout {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #cancel: () => void = () => {};
  /** Since when an answer is missing, on the clock; `null` if none is. */
  #missingSinceMs: number | null = null;
  #hasPinged = false;

  /** @param timeoutMs How long an answer may take, in milliseconds; 0 for no limit. */
  constructor(connection: Connection, clock: Clock, timeoutMs: number) {
    this.#connection = connection;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    if (timeoutMs > 0) this.#arrange();
  }

  /** Ends it. */
  stop(): void {
    this.#cancel();
  }

  #arrange(): void {
    const everyMs = Math.max(LOOK_MS_MIN, this.#timeoutMs / 4);
    this.#cancel = this.#clock.schedule(this.#clock.now() + everyMs, () => this.#look());
  }

  #look(): void {
    const nowMs = this.#clock.now();
    const { lastSentMs, lastReceivedMs, waitingBytes, isPaused } = this.#connection;
    // What is sent and received at the same time counts as sent later: at worst a ping is sent early.
    const isMissing = lastSentMs >= lastReceivedMs || waitingBytes > 0;
    // Bytes that leave while others wait say that the other broker still takes some.
    const lastSignMs = waitingBytes > 0 ? Math.max(lastSentMs, lastReceivedMs) : lastReceivedMs;
    // While reading is paused, a missing answer says nothing about the other broker.
    if (isPaused || !isMissing || lastSignMs > (this.#missingSinceMs ?? Infinity)) {
      this.#missingSinceMs = null;
      this.#hasPinged = false;
    }
    if (isMissing && !isPaused) this.#waitLonger(nowMs);
    if (this.#connection.error === null) this.#arrange();
  }

  #waitLonger(nowMs: number): void {
    const sinceMs = this.#missingSinceMs ??= nowMs;
    if (nowMs - sinceMs >= this.#timeoutMs) {
      const text = `No answer for ${this.#timeoutMs} ms to what was sent`;
      return this.#connection.fail(new TimeoutError(text));
    }
    if (this.#hasPinged || nowMs - sinceMs < this.#timeoutMs / 2) return;
    this.#hasPinged = true;
    this.#connection.send({ type: "pingreq" });
  }
}
