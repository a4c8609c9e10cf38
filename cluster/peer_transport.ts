/** The messages pipe of a link, as a connection of a client: with a CONNECT, and without CONNACK. */
import { encodePacket } from "../codec/mod.ts";
import type { Pipe, PipeReceiver } from "../transport/pipe.ts";
import { pipeOf } from "../transport/pulled_pipe.ts";
import type { Transport } from "../transport/transport.ts";

/** A Session Expiry Interval that does not expire, in seconds. */
const NEVER_EXPIRES = 0xffff_ffff;

/**
 * Each node makes this packet by itself: it never passes over the link. The broker gives the session
 * another client identifier, which no client can have.
 */
const CONNECT = encodePacket({
  type: "connect",
  protocolVersion: 5,
  cleanStart: false,
  keepAlive: 0,
  clientId: "node",
  properties: { receiveMaximum: 65_535, sessionExpiryInterval: NEVER_EXPIRES },
  will: null,
  username: null,
  password: null,
}, 5);

/** The first byte of a CONNACK. */
const CONNACK = 0x20;

/** What is told of the connection. */
export interface PeerTransportOwner {
  /** The broker has accepted the other node, and has its session. */
  onOpen(): void;
  /** The pipe has ended, or the broker has closed it. Called once. */
  onEnded(error: unknown): void;
}

/**
 * The end of a messages pipe that the broker reads and writes. It begins with a CONNECT. The CONNACK
 * of the broker is kept back. What the other node sends is read when it is released, which has to be
 * after that.
 */
export class PeerTransport implements Transport {
  readonly #inner: Transport;
  readonly #owner: PeerTransportOwner;
  #pipe: PeerPipe | null = null;

  constructor(inner: Transport, owner: PeerTransportOwner) {
    this.#inner = inner;
    this.#owner = owner;
  }

  pipe(receiver: PipeReceiver): Pipe {
    return this.#pipe = new PeerPipe(this.#inner, receiver, this.#owner);
  }

  /** It is a pipe that pushes. */
  read(): Promise<never> {
    return Promise.reject(new TypeError("A link is read by its pipe"));
  }

  /** It is a pipe that pushes. */
  write(): Promise<never> {
    return Promise.reject(new TypeError("A link is written by its pipe"));
  }

  /** From now on what the other node sends is read. */
  release(): void {
    this.#pipe?.release();
  }

  close(): void {
    if (this.#pipe === null) this.#inner.close();
    else this.#pipe.cut();
  }
}

class PeerPipe implements Pipe, PipeReceiver {
  readonly #receiver: PipeReceiver;
  readonly #owner: PeerTransportOwner;
  readonly #inner: Pipe;
  /** Whether the CONNACK was written. */
  #isOpen = false;
  #isReleased = false;
  #isPaused = false;
  #isReading = false;
  #isClosed = false;
  #isOver = false;

  constructor(inner: Transport, receiver: PipeReceiver, owner: PeerTransportOwner) {
    this.#receiver = receiver;
    this.#owner = owner;
    this.#inner = pipeOf(inner, this);
  }

  start(): void {
    queueMicrotask(() => {
      if (this.#isClosed) return;
      this.#receiver.target(null).set(CONNECT);
      this.#receiver.onReceived(CONNECT.length);
    });
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#isReading) this.#inner.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isReading) this.#inner.resume();
    else this.#begin();
  }

  write(source: Uint8Array): number {
    if (this.#isOpen) return this.#inner.write(source);
    const size = connackSize(source);
    // The reason code follows the flags.
    const reasonCode = source[source[1]! < 0x80 ? 3 : 4];
    if (reasonCode !== 0) throw new Error(`The broker refuses the node with code ${reasonCode}`);
    this.#isOpen = true;
    queueMicrotask(() => {
      if (this.#isClosed) return;
      this.#owner.onOpen();
    });
    return source.length === size ? size : size + this.#inner.write(source.subarray(size));
  }

  closeWrite(): void {
    // Only both directions together make a link.
    this.cut();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inner.close();
    // A pipe that does not read yet reports no end.
    if (!this.#isReading) queueMicrotask(() => this.onEnded(null));
    this.#over(null);
  }

  release(): void {
    this.#isReleased = true;
    this.#begin();
  }

  /** Ends the link as if the network had failed. */
  cut(): void {
    if (this.#isClosed) return;
    this.close();
  }

  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer> {
    return this.#receiver.target(shared);
  }

  onReceived(bytes: number, isFull?: boolean): void {
    this.#receiver.onReceived(bytes, isFull);
  }

  onEnded(error: unknown): void {
    this.#receiver.onEnded(error);
    this.#over(error);
  }

  onWritten(bytes: number): void {
    this.#receiver.onWritten(bytes);
  }

  onWriteFailed(error: unknown): void {
    this.#receiver.onWriteFailed(error);
  }

  #begin(): void {
    if (!this.#isReleased || this.#isPaused || this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    this.#inner.start();
  }

  #over(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.onEnded(error);
  }
}

/** The bytes of the CONNACK at the start of the first write. */
function connackSize(source: Uint8Array): number {
  if (source[0] !== CONNACK) throw new Error("The broker has not accepted the node");
  let size = 0;
  let at = 1;
  for (let shift = 0;; shift += 7) {
    const byte = source[at++]!;
    size += (byte & 0x7f) << shift;
    if (byte < 0x80) return at + size;
  }
}
