/**
 * The frames that two nodes exchange on the control pipe of their link:
 *
 *     frame = length of the rest (4 bytes), kind (1 byte), body
 *
 * Numbers have the most significant byte first. Texts are UTF-8 after their length.
 *
 * @module
 */

/** The kinds of frames. Each belongs to one part of the cluster, which alone knows its body. */
export const FrameKind = {
  /** The first frame of each side. */
  hello: 1,
  /** Subscriptions that came, changed or went. */
  interest: 2,
  /** The subscriptions up to a change are known, and stored. */
  interestKnown: 3,
  /** The other side is there. It has no body. */
  alive: 4,
  /** Which retained messages there are, in which versions. */
  retainedVersions: 16,
  /** Topics of which the other node has to send the retained messages. */
  retainedWanted: 17,
  /** A retained message, or that there is none any more. */
  retained: 18,
  /** All that was wanted at the start has been sent. */
  retainedComplete: 19,
  /** The deletions of retained messages up to a number were sent. */
  deletionsSent: 20,
  /** The deletions up to that number are stored. */
  deletionsStored: 21,
} as const;

/** The largest frame, in bytes. A longer one ends the link: it is no frame of a node. */
export const FRAME_BYTES_MAX = 300 * 1024 * 1024;

/** The bytes before the body of a frame. */
export const FRAME_HEAD_BYTES = 5;

/** What is wrong with the bytes on a control pipe. */
export class FrameError extends Error {
  override name = "FrameError";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes one frame. The buffer grows as needed. */
export class FrameWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end = FRAME_HEAD_BYTES;

  constructor(kind: number) {
    this.#bytes[4] = kind;
  }

  /** The bytes of the frame until now. */
  get length(): number {
    return this.#end;
  }

  /** Adds a number of 0 to 255. */
  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#end++] = value;
    return this;
  }

  /** Adds a number of four bytes. */
  uint32(value: number): this {
    this.#room(4);
    this.#view.setUint32(this.#end, value);
    this.#end += 4;
    return this;
  }

  /** Adds a number of eight bytes: a whole number that is exact as a `number`, or a time. */
  number(value: number): this {
    this.#room(8);
    this.#view.setFloat64(this.#end, value);
    this.#end += 8;
    return this;
  }

  /** Adds a text. */
  text(value: string): this {
    return this.piece(encoder.encode(value));
  }

  /** Adds bytes, which are copied. */
  piece(bytes: Uint8Array): this {
    this.uint32(bytes.length).#room(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
    return this;
  }

  /** Ends the frame, and returns it. The writer must not be used any more. */
  take(): Uint8Array<ArrayBuffer> {
    this.#view.setUint32(0, this.#end - 4);
    return this.#bytes.subarray(0, this.#end);
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const more = new Uint8Array(Math.max(2 * this.#bytes.length, this.#end + bytes));
    more.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = more;
    this.#view = new DataView(more.buffer);
  }
}

/** Reads the body of one frame. Its methods throw a {@linkcode FrameError} at the end. */
export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** @param bytes The body; texts and pieces of it are copied. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Whether all was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  number(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  text(): string {
    const length = this.uint32();
    const start = this.#take(length);
    try {
      return decoder.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw new FrameError("A text in a frame is no UTF-8");
    }
  }

  piece(): Uint8Array<ArrayBuffer> {
    const length = this.uint32();
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  #take(bytes: number): number {
    const start = this.#at;
    if (start + bytes > this.#bytes.length) throw new FrameError("A frame is cut short");
    this.#at = start + bytes;
    return start;
  }
}
