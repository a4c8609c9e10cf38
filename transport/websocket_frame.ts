/** Reads and writes the frames of a WebSocket (RFC 6455 §5). */

/** The opcodes of frames (RFC 6455 §5.2). */
export const Opcode = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

/** The close codes of a WebSocket (RFC 6455 §7.4.1). */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  policyViolation: 1008,
} as const;

/** A peer broke the rules of WebSocket, or of MQTT over WebSocket. */
export class WebSocketError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "WebSocketError";

  constructor(message: string, readonly code: number) {
    super(message);
  }
}

/** A control frame that was received. */
export interface ControlFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** The most bytes of a control frame's payload. */
const CONTROL_BYTES_MAX = 125;
/** A byte and a length of one byte, a longer length, a mask. */
const HEADER_BYTES_MAX = 14;
const MASK_BYTES = 4;

/** Who has sent a frame: those of a client have a mask (RFC 6455 §5.1). */
export type FrameSender = "client" | "server";

/** The header of a server's frame, which has no mask. The payload may follow in another write. */
export function frameHeader(opcode: number, length: number): Uint8Array<ArrayBuffer> {
  if (length <= 125) return Uint8Array.of(0x80 | opcode, length);
  if (length > 0xffff) throw new RangeError(`Cannot frame ${length} bytes: more than 65535`);
  return Uint8Array.of(0x80 | opcode, 126, length >> 8, length & 0xff);
}

/** A server's frame whose payload is a close code. */
export function closeFrame(code: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x80 | Opcode.close, 2, ...closePayload(code));
}

/** The payload of a close frame (RFC 6455 §5.5.1). */
export function closePayload(code: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(code >> 8, code & 0xff);
}

/** A frame of a client: its payload is hidden by a mask, which must be random (RFC 6455 §5.3). */
export function maskedFrame(
  opcode: number,
  payload: Uint8Array,
  mask: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const header = frameHeader(opcode, payload.length);
  header[1]! |= 0x80;
  const start = header.length + MASK_BYTES;
  const frame = new Uint8Array(start + payload.length);
  frame.set(header);
  frame.set(mask.subarray(0, MASK_BYTES), header.length);
  for (let i = 0; i < payload.length; i++) frame[start + i] = payload[i]! ^ mask[i & 3]!;
  return frame;
}

/**
 * Reads the frames of a client or a server, in pieces of any size. The payload of binary frames stays in the
 * caller's buffer, so this class holds only an incomplete header or control frame.
 */
export class FrameReader {
  /** Called for each control frame. `payload` is valid until the call returns. */
  readonly #onControl: (frame: ControlFrame) => void;
  readonly #mayIdle: () => boolean;
  readonly #sender: FrameSender;
  /** Whether the last data frame had a payload. An empty frame may follow it to end the message. */
  #hasPayload = false;
  readonly #header = new Uint8Array(HEADER_BYTES_MAX);
  #headerFilled = 0;
  /** The length of the header, as far as it is known. */
  #headerSize = 2;
  #opcode = 0;
  #isFinal = true;
  /** Whether a message has begun and has not ended. */
  #isFragmented = false;
  /** Bytes of the payload that have not arrived; 0 while a header is read. */
  #left = 0;
  #maskAt = 0;
  #control: Uint8Array | null = null;
  #controlFilled = 0;

  /**
   * @param mayIdle Called for each frame without data: a ping, a pong, or an empty frame, except an
   * empty frame after a payload. If it returns false, the connection is closed.
   * @param sender Who sends the frames.
   */
  constructor(
    onControl: (frame: ControlFrame) => void,
    mayIdle: () => boolean = () => true,
    sender: FrameSender = "client",
  ) {
    this.#onControl = onControl;
    this.#mayIdle = mayIdle;
    this.#sender = sender;
  }

  /**
   * Decodes in place.
   *
   * @param bytes The received bytes. Their start is overwritten with the payload.
   * @returns How many bytes of payload there are.
   * @throws {WebSocketError} If a frame is not allowed.
   */
  take(bytes: Uint8Array): number {
    let filled = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) {
        this.#header[this.#headerFilled++] = bytes[at++]!;
        if (this.#headerFilled === 2) this.#begin();
        if (this.#headerFilled === this.#headerSize) this.#beginPayload();
        continue;
      }
      const count = Math.min(this.#left, bytes.length - at);
      if (this.#sender === "client") this.#unmask(bytes, at, at + count);
      if (this.#control === null) {
        bytes.copyWithin(filled, at, at + count);
        filled += count;
      } else {
        this.#control.set(bytes.subarray(at, at + count), this.#controlFilled);
        this.#controlFilled += count;
      }
      at += count;
      this.#left -= count;
      if (this.#left === 0) this.#endPayload();
    }
    return filled;
  }

  /** Checks the first two bytes of a header. */
  #begin(): void {
    const first = this.#header[0]!;
    const second = this.#header[1]!;
    const opcode = first & 0x0f;
    const length = second & 0x7f;
    this.#opcode = opcode;
    this.#isFinal = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) throw faulty("Reserved bits are set");
    const isMasked = (second & 0x80) !== 0;
    if (!isMasked && this.#sender === "client") throw faulty("A frame of a client has no mask");
    if (isMasked && this.#sender === "server") throw faulty("A frame of a server has a mask");
    if (opcode >= Opcode.close) {
      if (opcode > Opcode.pong) throw faulty(`Opcode is ${opcode}`);
      if (!this.#isFinal || length > CONTROL_BYTES_MAX) throw faulty("Control frame is too long");
    } else if (opcode === Opcode.text) {
      // [MQTT-6.0.0-1].
      throw new WebSocketError("A frame that is not binary", CloseCode.unsupportedData);
    } else if (opcode > Opcode.binary) {
      throw faulty(`Opcode is ${opcode}`);
    } else if ((opcode === Opcode.continuation) !== this.#isFragmented) {
      throw faulty("A frame that does not follow from the one before");
    }
    this.#headerSize = 2 + (isMasked ? MASK_BYTES : 0) +
      (length === 126 ? 2 : length === 127 ? 8 : 0);
  }

  #beginPayload(): void {
    const view = new DataView(this.#header.buffer);
    const length = this.#header[1]! & 0x7f;
    this.#left = length;
    if (length === 126) this.#left = view.getUint16(2);
    else if (length === 127) this.#left = view.getUint32(2) * 2 ** 32 + view.getUint32(6);
    if (!Number.isSafeInteger(this.#left)) throw faulty("Frame is too long");
    this.#maskAt = 0;
    this.#count();
    if (this.#opcode >= Opcode.close) {
      this.#control = new Uint8Array(this.#left);
      this.#controlFilled = 0;
    } else this.#isFragmented = !this.#isFinal;
    if (this.#left === 0) this.#endPayload();
  }

  /** Limits the frames that cost work and have no data. */
  #count(): void {
    if (this.#opcode < Opcode.close) {
      const isFree = this.#left > 0 || this.#hasPayload;
      this.#hasPayload = this.#left > 0;
      if (isFree) return;
    } else if (this.#opcode === Opcode.close) return;
    if (this.#mayIdle()) return;
    throw new WebSocketError("Too many frames without data", CloseCode.policyViolation);
  }

  #endPayload(): void {
    const payload = this.#control;
    this.#headerFilled = 0;
    this.#headerSize = 2;
    this.#control = null;
    if (payload !== null) this.#onControl({ opcode: this.#opcode, payload });
  }

  #unmask(bytes: Uint8Array, start: number, end: number): void {
    const mask = this.#headerSize - MASK_BYTES;
    let at = this.#maskAt;
    for (let i = start; i < end; i++) {
      bytes[i]! ^= this.#header[mask + at]!;
      at = (at + 1) & 3;
    }
    this.#maskAt = at;
  }
}

function faulty(message: string): WebSocketError {
  return new WebSocketError(message, CloseCode.protocolError);
}
