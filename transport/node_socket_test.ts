import { assertEquals, assertRejects } from "@std/assert";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { NodeSocketTransport } from "./node_socket.ts";

/** Two ends of a connection: the transport, and the socket of the peer. */
async function withPair(
  fn: (transport: NodeSocketTransport, peer: Socket, socket: Socket) => Promise<void>,
): Promise<void> {
  const server: Server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  const [peer] = await accepted;
  peer.on("error", () => {});
  const transport = new NodeSocketTransport(socket);
  try {
    await fn(transport, peer, socket);
  } finally {
    transport.close();
    peer.destroy();
    if (!socket.closed) await once(socket, "close");
    server.close();
    await once(server, "close");
  }
}

/** Reads until so many bytes are there, or the peer sends no more. */
async function gather(transport: NodeSocketTransport, count: number): Promise<number[]> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(1000);
  while (bytes.length < count) {
    const read = await transport.read(buffer);
    if (read === null) break;
    bytes.push(...buffer.subarray(0, read));
  }
  return bytes;
}

Deno.test("a socket of node:net is read in order, in parts as large as there is room for", async () => {
  await withPair(async (transport, peer) => {
    const sent = Array.from({ length: 100_000 }, (_, index) => index % 251);
    peer.write(Uint8Array.from(sent));
    assertEquals(await gather(transport, sent.length), sent);
    const small = new Uint8Array(2);
    peer.write("abc");
    assertEquals(await transport.read(small), 2);
    assertEquals(small[0], 97);
    assertEquals(await transport.read(small), 1);
    assertEquals(small[0], 99);
  });
});

Deno.test("reading a socket of node:net ends when the peer has ended, and writing goes on", async () => {
  await withPair(async (transport, peer) => {
    const received = once(peer, "data");
    const reading = gather(transport, Infinity);
    peer.end("last");
    assertEquals(await reading, [...new TextEncoder().encode("last")]);
    assertEquals(await transport.read(new Uint8Array(1)), null);
    assertEquals(await transport.write(Uint8Array.of(1, 2)), 2);
    assertEquals([...(await received)[0] as Uint8Array], [1, 2]);
    const ended = once(peer, "end");
    await transport.closeWrite();
    await ended;
  });
});

Deno.test("close() ends what waits on a socket of node:net", async () => {
  await withPair(async (transport) => {
    const reading = assertRejects(() => transport.read(new Uint8Array(1)), Error, "closed");
    transport.close();
    await reading;
    await assertRejects(() => transport.read(new Uint8Array(1)), Error, "closed");
    await assertRejects(() => transport.write(Uint8Array.of(1)), Error, "closed");
    await assertRejects(() => transport.closeWrite(), Error, "closed");
  });
});

Deno.test("a write to a socket of node:net is over when the system has taken all of it", async () => {
  await withPair(async (transport, peer, socket) => {
    const chunk = new Uint8Array(1024 * 1024);
    let received = 0;
    peer.on("data", (data: Uint8Array) => received += data.length);
    for (let i = 0; i < 16; i++) {
      assertEquals(await transport.write(chunk), chunk.length);
      assertEquals(socket.writableLength, 0);
    }
    while (received < 16 * chunk.length) await once(peer, "data");
    assertEquals(received, 16 * chunk.length);
  });
});
