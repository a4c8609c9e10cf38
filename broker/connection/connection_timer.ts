/**
 * Ends connections whose clients exceed a time: for CONNECT, between packets, for the last bytes.
 */
import { ReasonCode } from "../../codec/mod.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Due, Scheduler } from "../base/scheduler.ts";
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
 * by the connection when it stops reading. The timer is that deadline itself: every connection has
 * one, and an object and a closure less.
 */
export class ConnectionTimer implements Due {
  /** Its index in the heap of the scheduler; -1 if it is not set. */
  index = -1;
  /** When it is due, in milliseconds of the clock. */
  atMs = 0;
  /** Whether nothing is read at present, so that the client cannot keep alive. */
  isPaused = false;
  readonly #connection: TimedConnection;
  #lastReadMs: number;
  #keepAliveMs = 0;

  /** Waits for CONNECT from `sinceMs` on; from now on by default. */
  constructor(connection: TimedConnection, sinceMs: number = connection.context.clock.now()) {
    const { scheduler, limits } = connection.context;
    this.#connection = connection;
    this.#lastReadMs = sinceMs;
    scheduler.set(this, this.#lastReadMs + limits.connectTimeoutMs);
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
    if (seconds === 0) scheduler.clear(this);
    else scheduler.set(this, this.#lastReadMs + this.#keepAliveMs);
  }

  /** Gives the client `lingerMs` from now on to take its last bytes. */
  linger(): void {
    const { clock, scheduler, limits } = this.#connection.context;
    scheduler.set(this, clock.now() + limits.lingerMs);
  }

  /** Clears the deadline. */
  stop(): void {
    this.#connection.context.scheduler.clear(this);
  }

  /** Called by the scheduler. */
  due(): void {
    try {
      this.#check();
    } catch (error) {
      this.#connection.abort();
      throw error;
    }
  }

  #check(): void {
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
    if (dueMs > now) return scheduler.set(this, dueMs);
    connection.blame(new Error("Keep Alive timeout"));
    connection.disconnect(ReasonCode.KeepAliveTimeout);
  }
}
