/** How a connection ends, and what follows from it for its client, session, will and counters. */
import { ReasonCode } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import type { Pipe } from "../../transport/pipe.ts";
import type { ListenerPolicy } from "../base/listener_policy.ts";
import type { ConnectionTimer } from "./connection_timer.ts";
import type { ClientConnection, LastPacket } from "./client_connection.ts";
import { sendDisconnect } from "./reason_packets.ts";
import { releaseAliases } from "./topic_aliases.ts";

/** What the end of a connection costs, in units of the budget: its will, its session, its socket. */
const UNITS_PER_END = 32;

/** What the end needs of the connection beside what the handlers see of it. */
export interface EndingConnection extends ClientConnection {
  /** The listener that counts it. */
  readonly listenerPolicy: ListenerPolicy;
  /** Watches the time that the client may take. */
  readonly timer: Pick<ConnectionTimer, "isPaused" | "linger" | "stop">;
  /** Gives back what the reader holds: nothing is read any more. */
  stopReading(): void;
}

/**
 * The end of one connection. It comes in one of three ways, and the first of them counts:
 *
 * | ended by  | when                   | what still leaves                    | the will is published |
 * | --------- | ---------------------- | ------------------------------------ | --------------------- |
 * | `client`  | DISCONNECT has come    | nothing                              | unless it said 0x00   |
 * | `broker`  | `byBroker`, `takeOver` | what `LastPacket` says, `lingerMs`   | yes                   |
 * | `network` | the transport is gone  | nothing                              | yes                   |
 *
 * After each of them two things happen, once each. The session is _released_: it goes on without
 * the connection, or ends, and the program is told. And the connection is _gone_: the transport is
 * closed, and what it has counted for is given back. If the broker ends the connection, the session
 * is released right away and not when the client has taken its last bytes: its will does not wait
 * for a client that has fallen silent [MQTT-3.1.2-22].
 */
export class ConnectionEnd {
  /** Whether the end has not come: packets are read and handled. */
  isOpen = true;
  /** Why it comes, as far as an error says it; the first one counts. */
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
  // Made when somebody waits, which is rare: an idle connection must cost little.
  #sentAll: Receipt | null = null;
  #gone: Receipt | null = null;

  constructor(connection: EndingConnection, pipe: Pick<Pipe, "closeWrite" | "close">) {
    this.#connection = connection;
    this.#pipe = pipe;
    const { context, host, listenerPolicy } = connection;
    host.connections.add(connection);
    context.stats.connections++;
    context.stats.connectionsAccepted++;
    listenerPolicy.connections++;
  }

  /** Whether the peer is heard out: closing with something unread would reset the connection. */
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

  /** The first way: the client has sent DISCONNECT. Nothing is left to say to it. */
  byClient(reasonCode: number): void {
    this.#reasonCode = reasonCode;
    this.#endedBy = "client";
    // Every other reason code, such as 0x04, asks for the will [MQTT-3.14.4-3].
    this.#keepsWill = reasonCode !== ReasonCode.Success;
    this.abort();
  }

  /** The second way: the broker ends the connection, and says why if it can [MQTT-4.13.1-1]. */
  byBroker(reasonCode: number, last: LastPacket, reasonString?: string): void {
    if (!this.isOpen) return;
    this.#sayLast(reasonCode, last, reasonString);
    if (last !== "disconnect-last") this.#releaseSoon();
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

  /** The second way, where there is no use in saying why: the client takes nothing. */
  cutOff(error: Error): void {
    this.error ??= error;
    this.#endedBy = "broker";
    this.abort();
  }

  /**
   * The third way: the transport has ended, or failed. After the other two it is the last act, so
   * it is called for each connection once nothing is read any more.
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
    context.stats.connections--;
    listenerPolicy.connections--;
    connection.lease?.release();
    releaseAliases(connection);
    context.guard(() => this.#release());
    context.turns.spend(UNITS_PER_END);
    this.#gone?.close();
  }

  /** Closes the transport at once; what waits for the client is discarded. */
  abort(): void {
    this.isOpen = false;
    this.#connection.outbox.abort();
    this.#closeTransport();
  }

  /** The outbox has written its last byte, or, if that is not so, has failed or was aborted. */
  onOutboxEnded(isComplete: boolean, error: unknown): void {
    this.isOpen = false;
    this.error ??= error;
    if (!isComplete) this.#closeTransport();
    // The peer may still be sending, and is heard out.
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
    // Nobody reads, so nobody would find out: what is waited for may never come.
    if (this.#connection.timer.isPaused) this.transportGone();
  }

  /** Releases the session once the handler that is running is done. */
  #releaseSoon(): void {
    if (this.#connection.session === null) return;
    queueMicrotask(() => this.#connection.context.guard(() => this.#release()));
  }

  /** The session goes on without the connection, or ends; the program is told. */
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
