/** Sends PINGREQ when nothing else is sent, and detects a dead connection. */
import type { Clock } from "../transport/clock.ts";
import type { Connection } from "./connection.ts";
import { TimeoutError } from "./errors.ts";

/**
 * Keeps a connection alive, and detects a dead one. After a silence of either side it sends PINGREQ
 * [MQTT-3.1.2-20]. If nothing arrives in time, the connection fails.
 *
 * It uses one timer, however much is sent.
 */
export class KeepAlive {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #cancel: () => void = () => {};
  /** When PINGREQ was last sent, on the clock. */
  #pingMs = -Infinity;
  /** When the first PINGREQ was sent after which nothing arrived; infinite if something arrived. */
  #unansweredMs = Infinity;

  /**
   * @param seconds The Keep Alive in seconds; 0 for none.
   * @param timeoutMs How long the answer may take, in milliseconds.
   */
  constructor(connection: Connection, clock: Clock, seconds: number, timeoutMs: number) {
    this.#connection = connection;
    this.#clock = clock;
    // Sent early enough to arrive in time.
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
    // While reading is paused, a missing answer says nothing about the server.
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
