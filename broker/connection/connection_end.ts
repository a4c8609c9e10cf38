/** How a connection ends, and what follows from it for its client, session, will and counters. */
import { PacketError, ReasonCode } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import type { Pipe } from "../../transport/pipe.ts";
import type { ListenerPolicy } from "../base/listener_policy.ts";
import type { ConnectionTimer } from "./connection_timer.ts";
import type { ClientConnection, LastPacket } from "./client_connection.ts";
import { PacketLimitError } from "../limits/packet_limits.ts";
import { sendDisconnect } from "./reason_packets.ts";
import { releaseAliases } from "./topic_aliases.ts";

/**
 * The cost of the end of a connection, in units of the turn budget: its will, its session, its
 * socket.
 */
const UNITS_PER_END = 32;

/** The connection, as its end needs it. */
export interface EndingConnection extends ClientConnection {
  /** The listener that counts it. */
  readonly listenerPolicy: ListenerPolicy;
  /** The timer for CONNECT, Keep Alive and the last bytes. */
  readonly timer: Pick<ConnectionTimer, "isPaused" | "linger" | "stop">;
  /** Stops reading, and releases the input buffer. */
  stopReading(): void;
}

/**
 * The end of one connection. It comes in one of three ways, and the first of them counts:
 *
 * | ended by  | when                   | what still leaves                    | the will is published |
 * | --------- | ---------------------- | ------------------------------------ | --------------------- |
 * | `client`  | DISCONNECT has come    | responses that are ready             | unless it said 0x00   |
 * | `broker`  | `byBroker` and others   | what `LastPacket` says, `lingerMs`   | yes                   |
 * | `network` | the transport is gone  | nothing                              | yes                   |
 *
 * After each of them two things happen, once each. The session is _released_: it goes on without
 * the connection, or ends, and the program is told. And the connection is _gone_: the transport is
 * closed, and what it has counted for is given back. If the broker ends the connection, the session
 * is released at once, before the client has taken its last bytes. So the will of a silent client
 * is not delayed [MQTT-3.1.2-22]. `error` is set by `connection.ts`, too, which sees the first
 * error.
 */
export class ConnectionEnd {
  /** Whether the connection has not ended, so that packets are read and handled. */
  isOpen = true;
  /** The error that has ended it, or `null`. The first one counts. */
  error: unknown = null;
  readonly #connection: EndingConnection;
  readonly #pipe: Pick<Pipe, "closeWrite" | "close">;
  #endedBy: "client" | "broker" | "network" = "network";
  #reasonCode: number = ReasonCode.UnspecifiedError;
  #keepsWill = true;
  #hasSentAll = false;
  #isReleased = false;
  #isTransportClosed = false;
  #isGone = false;
  // Created for the first waiter. Most connections have none, and an idle connection must cost
  // little.
  #sentAll: Receipt | null = null;
  #gone: Receipt | null = null;

  constructor(connection: EndingConnection, pipe: Pick<Pipe, "closeWrite" | "close">) {
    this.#connection = connection;
    this.#pipe = pipe;
    const { counters, host, listenerPolicy } = connection;
    host.connections.add(connection);
    counters.connections++;
    counters.connectionsAccepted++;
    listenerPolicy.connections++;
  }

  /**
   * Whether the last bytes of the peer are still read: closing with unread bytes would reset the
   * connection.
   */
  get isLingering(): boolean {
    return !this.isOpen && this.#endedBy === "broker";
  }

  /** Whether everything is over. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Closes when the last byte for the client has left, or none ever will. */
  get sentAll(): Receipt {
    return this.#sentAll ??= this.#hasSentAll ? Receipt.closed() : new Receipt();
  }

  /** Closes when the connection is gone. */
  get gone(): Receipt {
    return this.#gone ??= this.#isGone ? Receipt.closed() : new Receipt();
  }

  /**
   * The first way: the client has sent DISCONNECT. It receives the responses to the packets that
   * came with it, such as CONNACK, and nothing more.
   */
  byClient(reasonCode: number): void {
    this.#reasonCode = reasonCode;
    this.#endedBy = "client";
    // Every other reason code, such as 0x04, asks for the will [MQTT-3.14.4-3].
    this.#keepsWill = reasonCode !== ReasonCode.Success;
    const { outbox, timer } = this.#connection;
    if (!outbox.flushControl()) return this.abort();
    this.isOpen = false;
    timer.linger();
    outbox.finish(false);
    this.#releaseSoon();
  }

  /**
   * The second way: the broker ends the connection, and sends the reason if it can [MQTT-4.13.1-1].
   */
  byBroker(reasonCode: number, last: LastPacket, reasonString?: string): void {
    if (!this.isOpen) return;
    this.#sayLast(reasonCode, last, reasonString);
    if (last !== "disconnect-last") this.#releaseSoon();
  }

  /**
   * The second way, because of what the client has sent, or an error in the broker. A client that is
   * not accepted yet is refused.
   */
  byFault(error: unknown): void {
    this.error ??= error;
    const connection = this.#connection;
    const { context, session, flow } = connection;
    if (!(error instanceof PacketError)) {
      context.reportError(error);
      if (session === null && flow !== null) return flow.refuseUndecided();
      return this.byBroker(ReasonCode.UnspecifiedError, "disconnect");
    }
    context.stats.protocolErrors++;
    if (error instanceof PacketLimitError) connection.reportLimit(error.limit);
    if (session !== null) this.byBroker(error.reasonCode, "disconnect", error.message);
    else if (flow !== null) flow.refuseFaulty(error);
    else this.byBroker(ReasonCode.UnspecifiedError, "disconnect");
  }

  /**
   * The second way, for another connection that takes the session [MQTT-3.1.4-3]: the client is
   * told, and the session is free once the last byte has left.
   */
  async takeOver(): Promise<void> {
    if (this.isOpen) this.#sayLast(ReasonCode.SessionTakenOver, "disconnect");
    await this.sentAll;
    this.#release();
  }

  /** The second way without a last packet, because the client takes no bytes. */
  cutOff(error: Error): void {
    this.error ??= error;
    this.#endedBy = "broker";
    this.abort();
  }

  /**
   * The third way: the transport has ended, or failed. It also comes last after the other two, so
   * it is called once for each connection.
   */
  transportGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.abort();
    const connection = this.#connection;
    const { context, host, listenerPolicy } = connection;
    connection.timer.stop();
    connection.granted?.end();
    connection.stopReading();
    host.connections.delete(connection);
    connection.counters.connections--;
    listenerPolicy.connections--;
    connection.lease?.release();
    releaseAliases(connection);
    context.guard(() => this.#release());
    context.turns.spend(UNITS_PER_END);
    this.#gone?.close();
  }

  /** Closes the transport at once, and discards what waits for the client. */
  abort(): void {
    this.isOpen = false;
    this.#connection.outbox.abort();
    this.#closeTransport();
  }

  /** The outbox has written its last byte (`isComplete`), or it has failed or was aborted. */
  onOutboxEnded(isComplete: boolean, error: unknown): void {
    this.isOpen = false;
    this.error ??= error;
    if (!isComplete || this.#endedBy === "client") this.#closeTransport();
    // The peer may still be sending, so its last bytes are read.
    else this.#pipe.closeWrite();
    this.#hasSentAll = true;
    this.#sentAll?.close();
  }

  /** Sends the last packet, and leaves the outbox some time to write the last bytes. */
  #sayLast(reasonCode: number, last: LastPacket, reasonString?: string): void {
    const connection = this.#connection;
    this.isOpen = false;
    this.#endedBy = "broker";
    this.#reasonCode = reasonCode;
    const isBehind = last === "disconnect-last";
    if (last !== "none" && connection.version === 5 && connection.session !== null) {
      sendDisconnect(connection, reasonCode, reasonString, isBehind);
    }
    connection.timer.linger();
    connection.outbox.finish(isBehind);
  }

  #closeTransport(): void {
    if (this.#isTransportClosed) return;
    this.#isTransportClosed = true;
    this.#pipe.close();
    // While reading waits for something, a disconnect is not noticed. So the wait is ended here.
    if (this.#connection.timer.isPaused) this.transportGone();
  }

  /** Releases the session once the handler that is running is done. */
  #releaseSoon(): void {
    if (this.#connection.session === null) return;
    queueMicrotask(() => this.#connection.context.guard(() => this.#release()));
  }

  /** Separates the session from the connection, or ends it, and calls the hook. */
  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const { context, host, session, client } = this.#connection;
    if (session !== null && session.link === this.#connection) {
      host.sessions.suspend(session, this.#keepsWill);
    }
    if (client === null) return;
    context.stats.clients--;
    const info = { reasonCode: this.#reasonCode, by: this.#endedBy, error: this.error };
    context.guard(() => context.hooks.disconnected?.(client, info));
  }
}
