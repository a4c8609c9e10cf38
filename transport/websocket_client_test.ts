import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import { Random } from "../tests/harness/random.ts";
import type { Transport } from "./transport.ts";
import { WebSocketClientTransport } from "./websocket_client.ts";
import { closeFrame, frameHeader, FrameReader } from "./websocket_frame.ts";
import { acceptedKey } from "./websocket_handshake.ts";
import { WebSocketServerTransport } from "./websocket_server.ts";

const TARGET = { host: "example.org:9001", path: "/mqtt" };

/** A pipe whose server is a function: it is given what was written, and returns what to read then. */
class ServerPipe implements Transport {
  readonly written: Uint8Array[] = [];
  isClosed = false;
  readonly #serve: (request: string) => Promise<Uint8Array>;
  #unread: Uint8Array | null = null;
  #end: PromiseWithResolvers<null> = Promise.withResolvers();

  constructor(serve: (request: string) => Promise<Uint8Array>) {
    this.#serve = serve;
  }

  async read(target: Uint8Array): Promise<number | null> {
    this.#unread ??= await this.#serve(new TextDecoder().decode(concat(this.written)));
    if (this.#unread.length === 0) return await this.#end.promise;
    const part = this.#unread.subarray(0, target.length);
    this.#unread = this.#unread.subarray(part.length);
    target.set(part);
    return part.length;
  }

  /** Sends more. */
  give(bytes: Uint8Array): void {
    this.#unread = bytes;
  }

  write(source: Uint8Array): Promise<number> {
    // Less than all, as a socket may.
    const part = source.slice(0, 1000);
    this.written.push(part);
    return Promise.resolve(part.length);
  }

  close(): void {
    this.isClosed = true;
    this.#end.resolve(null);
  }
}

/** An answer to a request, with some of its headers changed, and what comes behind it. */
async function answer(
  request: string,
  changed: Record<string, string> = {},
  behind = new Uint8Array(),
): Promise<Uint8Array> {
  const [, key] = /Sec-WebSocket-Key: (\S+)/.exec(request)!;
  const headers = {
    Upgrade: "WebSocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": await acceptedKey(key!),
    "Sec-WebSocket-Protocol": "mqtt",
    ...changed,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`;
  return concat([new TextEncoder().encode(head), behind]);
}

/** A frame of a server. */
function served(opcode: number, payload: Uint8Array): Uint8Array {
  return concat([frameHeader(opcode, payload.length), payload]);
}

function open(pipe: Transport, signal = new AbortController().signal) {
  return WebSocketClientTransport.open(pipe, TARGET, signal);
}

Deno.test("WebSocketClientTransport asks for the subprotocol of MQTT with a new key [MQTT-6.0.0-3]", async () => {
  const keys = new Set<string>();
  for (let count = 0; count < 3; count++) {
    const pipe = new ServerPipe((request) => answer(request));
    await open(pipe);
    const request = new TextDecoder().decode(concat(pipe.written));
    assertMatch(request, /^GET \/mqtt HTTP\/1\.1\r\nHost: example\.org:9001\r\n/);
    assertMatch(request, /\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n$/);
    keys.add(/Key: (\S{22}==)\r\n/.exec(request)![1]!);
  }
  assertEquals(keys.size, 3);
});

const REFUSALS: [string, (request: string) => Promise<Uint8Array>, RegExp][] = [
  [
    "another status",
    () => Promise.resolve(new TextEncoder().encode("HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n")),
    /^No WebSocket: HTTP\/1\.1 301 Moved$/,
  ],
  ["another key", (request) => answer(request, { "Sec-WebSocket-Accept": "x" }), /not one to this/],
  ["no upgrade", (request) => answer(request, { Upgrade: "h2c" }), /not one to this/],
  [
    "another subprotocol",
    (request) => answer(request, { "Sec-WebSocket-Protocol": "chat" }),
    /does not speak MQTT/,
  ],
  ["an answer without an end", () => Promise.resolve(new Uint8Array(9000).fill(65)), /longer than/],
];

for (const [what, serve, message] of REFUSALS) {
  Deno.test(`WebSocketClientTransport.open() rejects ${what}, and closes the pipe`, async () => {
    const pipe = new ServerPipe(serve);
    assertMatch((await assertRejects(() => open(pipe), Error)).message, message);
    assertEquals(pipe.isClosed, true);
  });
}

Deno.test("WebSocketClientTransport.open() closes the pipe when it is aborted", async () => {
  const pipe = new ServerPipe(() => Promise.resolve(new Uint8Array()));
  const controller = new AbortController();
  const opening = open(pipe, controller.signal);
  controller.abort(new Error("enough"));
  await assertRejects(() => opening, Error, "enough");
  assertEquals(pipe.isClosed, true);
});

Deno.test("WebSocketClientTransport.read() reads what came with the answer, and frames in any pieces", async () => {
  const payload = new Random(1).bytes(70_000);
  const frames = concat([
    served(2, payload.subarray(0, 3)),
    served(2, payload.subarray(3, 60_000)),
    served(2, payload.subarray(60_000)),
    closeFrame(1000),
  ]);
  const transport = await open(new ServerPipe((request) => answer(request, {}, frames)));
  const parts: Uint8Array[] = [];
  const random = new Random(2);
  for (;;) {
    const target = new Uint8Array(random.integer(1, 9000));
    const count = await transport.read(target);
    if (count === null) break;
    parts.push(target.subarray(0, count));
  }
  assertEquals(concat(parts), payload);
});

Deno.test("WebSocketClientTransport answers a ping, and sends each frame with a mask of its own", async () => {
  const pipe = new ServerPipe((request) => answer(request));
  const transport = await open(pipe);
  pipe.written.length = 0;
  const text = new TextEncoder().encode("the same text");
  assertEquals(await transport.write(text), text.length);
  assertEquals(await transport.write(text), text.length);
  pipe.give(concat([served(9, Uint8Array.of(7)), served(2, Uint8Array.of(1))]));
  assertEquals(await transport.read(new Uint8Array(100)), 1);
  await transport.closeWrite();
  const sent = concat(pipe.written);
  const masks = [sent.slice(2, 6), sent.slice(2 + 4 + text.length + 2, 2 + 4 + text.length + 6)];
  assertEquals(masks[0]!.join() === masks[1]!.join(), false);
  const controls: [number, number[]][] = [];
  const reader = new FrameReader(({ opcode, payload }) => controls.push([opcode, [...payload]]));
  const filled = reader.take(sent);
  assertEquals(new TextDecoder().decode(sent.subarray(0, filled)), "the same textthe same text");
  assertEquals(controls, [[10, [7]], [8, [0x03, 0xe8]]]);
  await assertRejects(() => transport.write(text), Error, "The WebSocket is closed");
});

Deno.test("WebSocketClientTransport takes no frame of a server that has a mask (RFC 6455 §5.1)", async () => {
  const masked = Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 1);
  const transport = await open(new ServerPipe((request) => answer(request, {}, masked)));
  await assertRejects(() => transport.read(new Uint8Array(100)), Error, "has a mask");
});

Deno.test("WebSocketClientTransport and WebSocketServerTransport understand each other", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const payload = new Random(3).bytes(300_000);
  const echoing = listener.accept().then(async (conn) => {
    const server = new WebSocketServerTransport(conn, { path: "/mqtt" });
    const target = new Uint8Array(50_000);
    for (let count; (count = await server.read(target)) !== null;) {
      for (let at = 0; at < count;) at += await server.write(target.subarray(at, count));
    }
    server.close();
  });
  const { port } = listener.addr as Deno.NetAddr;
  const client = await open(await Deno.connect({ hostname: "127.0.0.1", port }));
  const writing = (async () => {
    for (let at = 0; at < payload.length;) at += await client.write(payload.subarray(at));
  })();
  const parts: Uint8Array[] = [];
  for (let got = 0; got < payload.length;) {
    const target = new Uint8Array(10_000);
    const count = await client.read(target);
    got += count!;
    parts.push(target.subarray(0, count!));
  }
  await writing;
  assertEquals(concat(parts), payload);
  await client.closeWrite();
  assertEquals(await client.read(new Uint8Array(10)), null);
  client.close();
  await echoing;
  listener.close();
});
