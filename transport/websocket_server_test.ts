import { assertEquals, assertRejects } from "@std/assert";
import { frame, webSocketRequest } from "../tests/harness/websocket_client.ts";
import type { Transport } from "./transport.ts";
import { WebSocketServerTransport } from "./websocket_server.ts";

const PING = 9;

/** A pipe whose peer sends what it is given, and takes nothing until it is told to. */
class HeldPipe implements Transport {
  readonly incoming: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];
  held: PromiseWithResolvers<void> | null = null;

  read(target: Uint8Array): Promise<number | null> {
    const next = this.incoming.shift();
    if (next === undefined) return Promise.resolve(null);
    target.set(next);
    return Promise.resolve(next.length);
  }

  async write(source: Uint8Array): Promise<number> {
    await this.held?.promise;
    // Less than all, as a socket may.
    const count = Math.min(source.length, 1000);
    this.written.push(source.slice(0, count));
    return count;
  }

  close(): void {}
}

/** The request that opens a WebSocket. */
function request(): Uint8Array {
  return new TextEncoder().encode(webSocketRequest("mqtt").join("\r\n") + "\r\n\r\n");
}

Deno.test("WebSocketServerTransport.write() waits for the pipe, and one pong for many pings", async () => {
  const pipe = new HeldPipe();
  const transport = new WebSocketServerTransport(pipe);
  const target = new Uint8Array(8192);
  pipe.incoming.push(request(), frame(2, Uint8Array.of(1)));
  assertEquals(await transport.read(target), 1);
  pipe.written.length = 0;
  pipe.held = Promise.withResolvers();
  let isWritten = false;
  const writing = transport.write(new Uint8Array(100)).then(() => isWritten = true);
  for (let i = 0; i < 100; i++) pipe.incoming.push(frame(PING, Uint8Array.of(i)));
  pipe.incoming.push(frame(2, Uint8Array.of(2)));
  assertEquals(await transport.read(target), 1);
  assertEquals([isWritten, pipe.written.length], [false, 0]);
  pipe.held.resolve();
  await writing;
  await transport.write(Uint8Array.of(3));
  const bytes = pipe.written.map((piece) => piece.toHex());
  assertEquals(bytes, ["8264" + "00".repeat(100), "8a0163", "820103"]);
});

Deno.test("WebSocketServerTransport.write() takes as much as a frame holds", async () => {
  const pipe = new HeldPipe();
  const transport = new WebSocketServerTransport(pipe);
  pipe.incoming.push(request(), frame(2, Uint8Array.of(1)));
  await transport.read(new Uint8Array(8192));
  pipe.written.length = 0;
  assertEquals(await transport.write(new Uint8Array(100_000)), 65_535);
  assertEquals(pipe.written.reduce((sum, { length }) => sum + length, 0), 4 + 65_535);
});

Deno.test("WebSocketServerTransport.read() refuses frames before the answer to the request", async () => {
  const pipe = new HeldPipe();
  const transport = new WebSocketServerTransport(pipe);
  pipe.incoming.push(Uint8Array.of(...request(), ...frame(2, Uint8Array.of(1))));
  await assertRejects(() => transport.read(new Uint8Array(8192)), Error, "400 Bad Request");
});
