import { concat } from "@std/bytes";
import { type BytePipe, writeAll } from "./byte_pipe.ts";
import { within } from "./deadline.ts";
import type { Random } from "./random.ts";
import { uint16 } from "./packets.ts";

/** A frame that the server has sent. */
export interface Frame {
  opcode: number;
  isFinal: boolean;
  payload: Uint8Array;
}

const utf8 = new TextDecoder();

/** A frame of a client, which has a mask (RFC 6455 §5.2). */
export function frame(
  opcode: number,
  payload: Uint8Array,
  { isFinal = true, mask = [1, 2, 3, 4] }: { isFinal?: boolean; mask?: number[] } = {},
): Uint8Array {
  const { length } = payload;
  const size = length < 126
    ? Uint8Array.of(0x80 | length)
    : length < 65_536
    ? concat([Uint8Array.of(0xfe), uint16(length)])
    : concat([Uint8Array.of(0xff, 0, 0, 0, 0), uint16(length >>> 16), uint16(length & 0xffff)]);
  return concat([
    Uint8Array.of((isFinal ? 0x80 : 0) | opcode),
    size,
    Uint8Array.from(mask),
    payload.map((byte, index) => byte ^ mask[index % 4]!),
  ]);
}

/** Cuts bytes into a message of binary frames of random sizes, with pings and pongs between them. */
export function cutAtRandom(bytes: Uint8Array, random: Random): Uint8Array {
  const frames: Uint8Array[] = [];
  let isBegun = false;
  for (let at = 0; at < bytes.length;) {
    const sizeMax = random.chance(0.1) ? 100_000 : 8;
    const end = Math.min(bytes.length, at + random.integer(0, sizeMax));
    const isFinal = end === bytes.length || random.chance(0.5);
    const mask = [...random.bytes(4)];
    frames.push(frame(isBegun ? 0 : 2, bytes.subarray(at, end), { isFinal, mask }));
    if (random.chance(0.1)) frames.push(frame(random.chance(0.5) ? 9 : 10, Uint8Array.of(7)));
    isBegun = !isFinal;
    at = end;
  }
  return concat(frames);
}

/** A client that speaks WebSocket by hand: each write is a binary frame. */
export class WebSocketClient implements BytePipe {
  readonly #conn: Deno.TcpConn;
  #pending: Uint8Array = new Uint8Array();
  #payload: Uint8Array = new Uint8Array();
  /** The response to the request for a WebSocket. */
  response = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects and asks for a WebSocket; or for whatever the lines of a request given say. */
  static async dial(
    port: number,
    protocols: string | null = "mqtt",
    request: string[] = webSocketRequest(protocols),
  ): Promise<WebSocketClient> {
    const client = new WebSocketClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    client.#conn.setNoDelay(true);
    await client.raw(new TextEncoder().encode(request.join("\r\n") + "\r\n\r\n"));
    for (let end = -1; end < 0;) {
      if (!await client.#more()) throw new Error("Closed without a response");
      client.response = utf8.decode(client.#pending);
      end = client.response.indexOf("\r\n\r\n");
    }
    const head = client.response.slice(0, client.response.indexOf("\r\n\r\n") + 4);
    client.#pending = client.#pending.subarray(head.length);
    return client;
  }

  /** The status of the response. */
  get status(): number {
    return Number(this.response.split(" ")[1]);
  }

  /** A header of the response; `undefined` without it. */
  header(name: string): string | undefined {
    return new RegExp(`^${name}: (.*)\r$`, "im").exec(this.response)?.[1];
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): Promise<void> {
    return within("a write", writeAll(this.#conn, bytes));
  }

  /** Sends a frame. */
  frame(opcode: number, payload: Uint8Array): Promise<void> {
    return this.raw(frame(opcode, payload));
  }

  /** The next frame; `null` at the end. */
  async readFrame(): Promise<Frame | null> {
    if (!await this.#have(2)) return null;
    const [first, second] = this.#pending;
    let start = 2;
    let length = second!;
    if (length > 126) throw new Error(`A length or mask that no server sends: ${second}`);
    if (length === 126) {
      start = 4;
      await this.#have(start);
      length = this.#pending[2]! << 8 | this.#pending[3]!;
    }
    if (!await this.#have(start + length)) throw new Error("The end within a frame");
    const payload = this.#pending.slice(start, start + length);
    this.#pending = this.#pending.subarray(start + length);
    return { opcode: first! & 0x0f, isFinal: (first! & 0x80) !== 0, payload };
  }

  async read(target: Uint8Array): Promise<number | null> {
    while (this.#payload.length === 0) {
      const frame = await this.readFrame();
      if (frame === null || frame.opcode === 8) return null;
      if (frame.opcode === 10) continue;
      if (frame.opcode !== 2 || !frame.isFinal) throw new Error(`Came: frame ${frame.opcode}`);
      this.#payload = frame.payload;
    }
    const count = Math.min(target.length, this.#payload.length);
    target.set(this.#payload.subarray(0, count));
    this.#payload = this.#payload.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.frame(2, bytes);
    return bytes.length;
  }

  close(): void {
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #have(count: number): Promise<boolean> {
    while (this.#pending.length < count) if (!await this.#more()) return false;
    return true;
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(65_536);
    try {
      const count = await within("something to read", this.#conn.read(chunk));
      if (count === null) return false;
      this.#pending = concat([this.#pending, chunk.subarray(0, count)]);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
  }
}

/** The lines of a request for a WebSocket, with the example key of RFC 6455 §1.3. */
export function webSocketRequest(protocols: string | null, path = "/"): string[] {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: broker",
    "Upgrade: WebSocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...protocols === null ? [] : [`Sec-WebSocket-Protocol: ${protocols}`],
  ];
}
