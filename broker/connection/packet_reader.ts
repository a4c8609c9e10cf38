/** Finds the packets in the bytes of a connection, as fast as the client may send them. */
import { FixedHeader, PacketType, ProtocolError, ReasonCode } from "../../codec/mod.ts";
import type { ClientConnection } from "./client_connection.ts";
import { isNodeRun } from "../delivery/node_run.ts";
import { InputBuffer } from "./input_buffer.ts";
import { PublishRateLimiter } from "../limits/publish_rate_limiter.ts";
import { checkRequestBytes, PacketLimitError } from "../limits/packet_limits.ts";
import { LATER } from "./handle_publish.ts";
import { handleNodeRun } from "./handle_node_run.ts";
import { handlePublishBatch } from "./handle_publish_batch.ts";
import { checkFirst, dispatchPacket } from "./packet_dispatch.ts";
import { controlBytesMaxOf, uncheckedBytesMax, unitsOf } from "./read_limits.ts";

/** A packet up to this size, in bytes, is read even if memory is short. */
const LARGE_BYTES = 64 * 1024;

/** Input of at most so many bytes is handled before the longer input of others. */
const SHORT_BYTES = 1024;

/** Whether packets of any connection are handled now. The handlers share objects. */
let isHandling = false;
/** Shared by all connections: it is filled in and read within one call. */
const header = new FixedHeader();

/**
 * Finds the packets in the bytes of a connection and calls their handlers, no faster than the
 * client may publish.
 */
export class ConnectionReader {
  readonly #connection: ClientConnection;
  readonly #input: InputBuffer;
  /** The publish rate of the client; `null` for no limit. */
  #pace: PublishRateLimiter | null;
  /** Bytes of the incomplete frame, if known. */
  #frameBytes = 0;
  /** Whether more input waits for another turn. */
  isCut = false;
  /** Whether the pipe has a buffer to share: then an idle connection has none. */
  #isPushed = false;
  /** The largest body that is not checked against the packet limits, in bytes. */
  #uncheckedBytesMax: number;
  /** The memory of the input buffer that was counted, in bytes. */
  #countedBytes = 0;

  constructor(connection: ClientConnection) {
    this.#connection = connection;
    this.#input = new InputBuffer(connection.host.pool);
    this.#pace = connection.policy.peer === null ? PublishRateLimiter.of(connection.context) : null;
    this.#uncheckedBytesMax = uncheckedBytesMax(connection);
  }

  /** Applies changed limits. The publish rate starts again. */
  applyLimits(): void {
    const { context, policy } = this.#connection;
    this.#uncheckedBytesMax = uncheckedBytesMax(this.#connection);
    if (policy.peer !== null || PublishRateLimiter.isFor(this.#pace, context.limits)) return;
    this.#pace?.close();
    this.#pace = PublishRateLimiter.of(context);
  }

  /** Whether little has arrived. It is handled before the longer input of others. */
  get isShort(): boolean {
    return this.#input.end - this.#input.start <= SHORT_BYTES;
  }

  /**
   * The buffer for the next read.
   *
   * @param shared A buffer that may be used until {@linkcode settle}; `null` for none.
   */
  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer> {
    this.#isPushed = shared !== null;
    const target = this.#input.target(this.#frameBytes, shared, this.#mayBorrow);
    if (this.#input.ownBytes !== this.#countedBytes) this.#count();
    return this.#pace?.bounded(target) ?? target;
  }

  /** The last read has put so many bytes into the target. */
  onFilled(bytes: number, isFull = false): void {
    this.#input.onFilled(bytes, isFull && this.#pace === null);
  }

  /**
   * If the pipe has a shared buffer, copies the bytes that were not consumed to a buffer of this
   * connection.
   *
   * @param isWaiting Whether a handler is in progress, which may still read its bytes.
   */
  settle(isWaiting: boolean): void {
    if (!this.#isPushed) return;
    this.#input.settle();
    if (!isWaiting) this.#input.releaseEmpty();
    if (this.#input.ownBytes !== this.#countedBytes) this.#count();
  }

  /**
   * Whether packets may be read into a buffer that is overwritten soon. A message for `transform` is
   * still needed after the decision about it, which may come much later. A CONNECT is copied then.
   */
  get #mayBorrow(): boolean {
    const { session, auth, context } = this.#connection;
    if (auth !== null) return false;
    return session === null || (session.access === null && context.settings.transform === null);
  }

  /**
   * Handles every packet that is complete. A call within a call, from a hook that pushes bytes into
   * another connection, only sets {@linkcode isCut}.
   *
   * @returns A promise to wait for before the next one, if any.
   * @throws {PacketError} If the client breaks the protocol.
   */
  consume(): PromiseLike<void> | null {
    if (isHandling) {
      this.isCut = true;
      return null;
    }
    isHandling = true;
    try {
      return this.#consume();
    } finally {
      isHandling = false;
    }
  }

  #consume(): PromiseLike<void> | null {
    const connection = this.#connection;
    const input = this.#input;
    const { bytes, end } = input;
    const { context, policy, outbox } = connection;
    const controlBytesMax = controlBytesMaxOf(connection);
    const pace = this.#pace;
    const { turns } = context;
    this.#frameBytes = 0;
    let at = input.start;
    this.isCut = turns.isSpent && at < end;
    if (this.isCut) return null;
    let isOver = false;
    // The rest stays in the buffer. So a backlog never grows by more than one message after its
    // publishers have to wait.
    while (at < end && connection.isOpen) {
      if (outbox.control.bytes > controlBytesMax || pace?.mayGoOn === false) break;
      if (connection.acks !== null && connection.acks.bytes > controlBytesMax) break;
      const mayRun = bytes[at] === 0x30 && connection.session !== null &&
        (pace === null || pace.mayTakeAll(end - at));
      if (mayRun) {
        const before = connection.counters.messagesReceived;
        const { end: next, wait } = handlePublishBatch(connection, bytes, at, end);
        if (next > at) {
          const frames = connection.counters.messagesReceived - before;
          pace?.spend(frames, next - at);
          isOver = turns.spend(unitsOf(next - at));
          at = next;
          if (wait !== null) {
            input.consume(at);
            return wait;
          }
          if (isOver) break;
          continue;
        }
      }
      if (!header.read(bytes, at, end)) break;
      const size = header.end - at;
      const sizeMax = connection.session === null
        ? context.limits.connectBytesMax
        : policy.packetBytesMax;
      if (size > sizeMax) {
        connection.reportLimit("packet-bytes");
        throw new ProtocolError(
          `Packet of ${size} bytes, of at most ${sizeMax}`,
          0,
          "MQTT-3.2.2-15",
          ReasonCode.PacketTooLarge,
        );
      }
      if (header.end > end) {
        if (connection.session === null) checkFirst(connection, header.first);
        else checkRequestBytes(context.limits, header.first, size);
        this.#frameBytes = size;
        if (size > LARGE_BYTES && size > bytes.length) this.#askForRoom(end - at);
        break;
      }
      const { first, bodyStart, end: bodyEnd } = header;
      const isPaced = connection.session !== null;
      const wait = policy.peer !== null && isNodeRun(first)
        ? handleNodeRun(connection, first, bytes, bodyStart, bodyEnd)
        : dispatchPacket(
          connection,
          this.#uncheckedBytesMax,
          first,
          bytes,
          bodyStart,
          bodyEnd,
        );
      if (wait === LATER) {
        isOver = true;
        break;
      }
      at = bodyEnd;
      if (isPaced) pace?.spend(first >> 4 === PacketType.publish ? 1 : 0, size);
      // This is also counted if there is a wait, because the promise may settle within this turn.
      isOver = turns.spend(unitsOf(size));
      if (wait !== null) {
        input.consume(at);
        return wait;
      }
      if (isOver) break;
    }
    this.isCut = isOver && at < end;
    input.consume(at);
    return null;
  }

  /** A promise to wait for because this client sends too much at once. */
  held(): Promise<void> | null {
    const connection = this.#connection;
    if (!connection.isOpen) return null;
    const { context, outbox, acks } = connection;
    const controlBytesMax = controlBytesMaxOf(connection);
    if (outbox.control.bytes > controlBytesMax) {
      connection.reportLimit("control-bytes");
      return outbox.control.whenTaken();
    }
    if (acks !== null && acks.bytes > controlBytesMax) {
      connection.reportLimit("control-bytes");
      return acks.fewer.wait();
    }
    const wait = this.#pace?.wait() ?? null;
    if (wait === null) return null;
    connection.reportLimit("publish-rate");
    if (context.settings.publishRateExceeded === "slow-down") return wait;
    connection.disconnect(ReasonCode.MessageRateTooHigh, "Publishes too fast");
    return null;
  }

  /** Ends reading: returns the buffer, and wakes the wait for the publish rate. */
  close(): void {
    this.#input.release();
    this.#count();
    this.#pace?.close();
  }

  /** Counts the memory of the input buffer. */
  #count(): void {
    const bytes = this.#input.ownBytes;
    this.#connection.host.memory.inputBytes += bytes - this.#countedBytes;
    this.#countedBytes = bytes;
  }

  /** Refuses a large incomplete packet if memory is short: the buffer would have to grow. */
  #askForRoom(heldBytes: number): void {
    if (this.#connection.host.memory.mayGrow("message", 4 * heldBytes)) return;
    throw new PacketLimitError("memory", "There is no memory for so large a packet now");
  }
}
