import type { Clock } from "../transport/clock.ts";
import type { Connection } from "./connection.ts";
import { TimeoutError } from "./errors.ts";

/**
 * Keeps a connection alive, and finds out when it is dead: after a silence of
 * either side it sends PINGREQ [MQTT-3.1.2-20], and when nothing at all comes
 * back in time, the connection fails.
 *
 * It has one appointment with the clock, however much is sent.
 */
export class KeepAlive {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #cancel: () => void = () => {};
  /** When PINGREQ was last sent, on the clock. */
  #pingMs = -Infinity;
  /** When the first one was sent that nothing has come after; never, if something has. */
  #unansweredMs = Infinity;

  /**
   * @param seconds The longest silence; 0 for any.
   * @param timeoutMs How long the answer may take.
   */
  constructor(connection: Connection, clock: Clock, seconds: number, timeoutMs: number) {
    this.#connection = connection;
    this.#clock = clock;
    // Early enough to arrive in time.
    this.#intervalMs = seconds * 750;
    this.#timeoutMs = timeoutMs;
    if (seconds > 0) this.#arrange();
  }

  /** Ends it. */
  stop(): void {
    this.#cancel();
  }

  #arrange(): void {
    const dueMs = Math.min(this.#pingDueMs(), this.#unansweredMs + this.#timeoutMs);
    this.#cancel = this.#clock.schedule(dueMs, () => this.#look());
  }

  /** When the next PINGREQ is due, unless something is sent and received before. */
  #pingDueMs(): number {
    const { lastSentMs, lastReceivedMs } = this.#connection;
    return Math.max(this.#pingMs, Math.min(lastSentMs, lastReceivedMs)) + this.#intervalMs;
  }

  #look(): void {
    const nowMs = this.#clock.now();
    const { lastReceivedMs, isPaused } = this.#connection;
    // While the program takes nothing, nothing is read: no answer is no news then.
    if (isPaused || lastReceivedMs >= this.#unansweredMs) this.#unansweredMs = Infinity;
    if (nowMs >= this.#unansweredMs + this.#timeoutMs) {
      this.#connection.fail(new TimeoutError(`No answer to a ping for ${this.#timeoutMs} ms`));
      return;
    }
    if (nowMs >= this.#pingDueMs()) {
      this.#pingMs = nowMs;
      this.#unansweredMs = Math.min(this.#unansweredMs, nowMs);
      this.#connection.send({ type: "pingreq" });
    }
    this.#arrange();
  }
}
