import { concat } from "@std/bytes";
import { type BytePipe, writeAll } from "./byte_pipe.ts";
import { DEADLINE_MS, within } from "./deadline.ts";
import { type Bytes, toBytes, toHex } from "./hex.ts";

/**
 * A client without an opinion on MQTT: it sends the bytes a test gives and compares what comes
 * back byte for byte. Nothing it waits for takes longer than its deadline.
 *
 * ```ts ignore
 * await using client = await RawClient.dial(broker.port);
 * await client.send("10 0d 0004 4d515454 04 02 003c 0001 61");
 * await client.expect("20 02 00 00");
 * ```
 */
export class RawClient implements AsyncDisposable {
  readonly #pipe: BytePipe;
  readonly #deadlineMs: number;
  readonly #chunk = new Uint8Array(16_384);
  /** What has come and was not asked for yet. */
  #pending: Uint8Array = new Uint8Array();
  #isClosed = false;

  constructor(pipe: BytePipe, deadlineMs: number = DEADLINE_MS) {
    this.#pipe = pipe;
    this.#deadlineMs = deadlineMs;
  }

  /** Opens a TCP connection to a broker on this machine. */
  static async dial(port: number, deadlineMs?: number): Promise<RawClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    // A test sends little and waits for the answer: the kernel must not wait for more.
    conn.setNoDelay(true);
    return new RawClient(conn, deadlineMs);
  }

  /** Sends all the bytes given, one after the other. */
  async send(...bytes: Bytes[]): Promise<void> {
    const all = concat(bytes.map(toBytes));
    await this.#inTime(() => `send ${toHex(all)}`, writeAll(this.#pipe, all));
  }

  /** Takes exactly these bytes; the first that differs fails at once. */
  async expect(...bytes: Bytes[]): Promise<void> {
    const wanted = concat(bytes.map(toBytes));
    const story = () => `receive ${toHex(wanted)}, got ${toHex(this.#pending)}`;
    await this.#inTime(story, this.#receive(wanted, story));
    this.#pending = this.#pending.subarray(wanted.length);
  }

  /** Takes one whole MQTT control packet, whatever it is. */
  async readFrame(): Promise<Uint8Array> {
    const story = () => `receive a whole packet, got ${toHex(this.#pending)}`;
    const frame = await this.#inTime(story, this.#frame(story));
    this.#pending = this.#pending.subarray(frame.length);
    return frame;
  }

  /** Takes one whole MQTT control packet, or `null` if the broker closes the connection instead. */
  async readFrameOrEnd(): Promise<Uint8Array | null> {
    const story = () => `receive a packet or see the end, got ${toHex(this.#pending)}`;
    const isOver = this.#pending.length === 0 && !await this.#inTime(story, this.#more());
    return isOver ? null : await this.readFrame();
  }

  /**
   * Makes sure that nothing is on its way to this client: a ping is answered with nothing before
   * its answer. It holds for what the broker had got round to when the ping came, so the test
   * first waits until the cause of what must not come is over.
   */
  async expectSilence(): Promise<void> {
    await this.send("c0 00");
    await this.expect("d0 00");
  }

  /** Waits until the broker closes the connection, with no more bytes before. */
  async expectClose(): Promise<void> {
    const story = () => `see the connection close, got ${toHex(this.#pending)}`;
    await this.#inTime(story, this.#end(story));
    this.close();
  }

  /** Drops the connection, without a DISCONNECT. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #receive(wanted: Uint8Array, story: () => string): Promise<void> {
    for (let same = 0; same < wanted.length;) {
      if (same === this.#pending.length && !await this.#more()) fail(story, "the end");
      for (; same < Math.min(wanted.length, this.#pending.length); same++) {
        if (this.#pending[same] !== wanted[same]) fail(story, `another byte at ${same}`);
      }
    }
  }

  async #frame(story: () => string): Promise<Uint8Array> {
    let length: number | undefined;
    while ((length = frameLength(this.#pending)) === undefined || this.#pending.length < length) {
      if (!await this.#more()) fail(story, "the end");
    }
    return this.#pending.slice(0, length);
  }

  async #end(story: () => string): Promise<void> {
    if (this.#pending.length > 0 || await this.#more()) fail(story, "bytes");
  }

  /** Reads on; tells whether there was more. */
  async #more(): Promise<boolean> {
    try {
      const count = await this.#pipe.read(this.#chunk);
      if (count === null) return false;
      this.#pending = concat([this.#pending, this.#chunk.subarray(0, count)]);
      return true;
    } catch (error) {
      // A broker that closes with unread bytes in its socket resets the connection: an end too.
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
  }

  /** A wait that came to nothing leaves a read behind; closing ends it. */
  async #inTime<T>(what: () => string, promise: Promise<T>): Promise<T> {
    try {
      return await within(what, promise, this.#deadlineMs);
    } catch (error) {
      this.close();
      // It was interrupted just now; nobody else will hear of it.
      await promise.catch(() => {});
      throw error;
    }
  }
}

function fail(story: () => string, instead: string): never {
  throw new Error(`Instead came ${instead}: ${story()}`);
}

/** The length of the packet at the start of `bytes`; `undefined` if they do not tell yet. */
function frameLength(bytes: Uint8Array): number | undefined {
  let remaining = 0;
  for (let digit = 0; digit < 4; digit++) {
    const byte = bytes[1 + digit];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** digit;
    if (byte < 0x80) return 2 + digit + remaining;
  }
  throw new Error(`Instead came an endless Remaining Length: ${toHex(bytes.subarray(0, 5))}`);
}
