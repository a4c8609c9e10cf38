/**
 * Ends connections whose clients exceed a time: for CONNECT, between packets, for the last bytes.
 */
import { ReasonCode } from "../../codec/mod.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";
import type { LimitReason } from "../base/stats.ts";

/** The connection, as its timer needs it. */
export interface TimedConnection {
  readonly context: {
    readonly clock: Clock;
    readonly scheduler: Scheduler;
    readonly limits: Pick<BrokerLimits, "connectTimeoutMs" | "lingerMs">;
  };
  /** Whether packets are still read. */
  readonly isOpen: boolean;
  /** The session; `null` until the client has got one. */
  readonly session: object | null;
  /** Records the error that ends the connection. */
  blame(error: unknown): void;
  /** Counts that the client has reached a limit. */
  reportLimit(reason: LimitReason): void;
  /** Ends the connection with a reason code. */
  disconnect(reasonCode: number): void;
  /** Closes the transport at once. */
  abort(): void;
}

/**
 * One deadline for all of these times, because only one of them runs at a time. `isPaused` is set
 * by the connection when it stops reading.
 */
export class ConnectionTimer {
  /** Whether nothing is read at present, so that the client cannot keep alive. */
  isPaused = false;
  readonly #connection: TimedConnection;
  readonly #deadline = new Deadline(() => this.#onDue());
  #lastReadMs: number;
  #keepAliveMs = 0;

  /** Waits for CONNECT from `sinceMs` on; from now on by default. */
  constructor(connection: TimedConnection, sinceMs: number = connection.context.clock.now()) {
    const { scheduler, limits } = connection.context;
    this.#connection = connection;
    this.#lastReadMs = sinceMs;
    scheduler.set(this.#deadline, this.#lastReadMs + limits.connectTimeoutMs);
  }

  /** Bytes were read at that time. */
  onRead(nowMs: number): void {
    this.#lastReadMs = nowMs;
  }

  /** Reading continues after a pause. */
  resume(): void {
    this.isPaused = false;
    this.#lastReadMs = this.#connection.context.clock.now();
  }

  /** Starts the Keep Alive timer with the agreed time, in seconds; 0 for none. */
  keepAlive(seconds: number): void {
    const { scheduler } = this.#connection.context;
    // One and a half times as long [MQTT-3.1.2-22].
    this.#keepAliveMs = seconds * 1500;
    if (seconds === 0) scheduler.clear(this.#deadline);
    else scheduler.set(this.#deadline, this.#lastReadMs + this.#keepAliveMs);
  }

  /** Gives the client `lingerMs` from now on to take its last bytes. */
  linger(): void {
    const { clock, scheduler, limits } = this.#connection.context;
    scheduler.set(this.#deadline, clock.now() + limits.lingerMs);
  }

  /** Clears the deadline. */
  stop(): void {
    this.#connection.context.scheduler.clear(this.#deadline);
  }

  #onDue(): void {
    try {
      this.#due();
    } catch (error) {
      this.#connection.abort();
      throw error;
    }
  }

  #due(): void {
    const connection = this.#connection;
    // The time for the last bytes is over.
    if (!connection.isOpen) return connection.abort();
    if (connection.session === null) {
      // CONNECT has not come in time, or the authentication was not completed.
      connection.blame(new Error("No CONNECT in time"));
      connection.reportLimit("connect-timeout");
      return connection.disconnect(ReasonCode.UnspecifiedError);
    }
    const { clock, scheduler } = connection.context;
    const now = clock.now();
    const dueMs = (this.isPaused ? now : this.#lastReadMs) + this.#keepAliveMs;
    if (dueMs > now) return scheduler.set(this.#deadline, dueMs);
    connection.blame(new Error("Keep Alive timeout"));
    connection.disconnect(ReasonCode.KeepAliveTimeout);
  }
}
