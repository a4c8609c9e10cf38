import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Clock } from "../../broker/base/clock.ts";
import { CONNECTIONS_MAX, Door, IDLE_MS_MAX, STALL_MS_MAX } from "./door.ts";
import { Server } from "./server.ts";

async function withDoor(
  answer: () => Response,
  test: (door: Door, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock();
  const server = new Server(() => Promise.resolve(answer()));
  const door = new Door({ hostname: "127.0.0.1", port: 0 }, server, clock as Clock);
  try {
    await test(door, clock);
  } finally {
    await door.close();
    await server.close();
  }
}

const connect = ({ port }: Door) => Deno.connect({ hostname: "127.0.0.1", port });
/** Reads until the other end closes, and forgets it. */
async function heardOut(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // It was reset.
  } finally {
    conn.close();
  }
}

Deno.test("Door passes requests and answers on", async () => {
  await withDoor(() => new Response("here"), async (door) => {
    const response = await fetch(`http://127.0.0.1:${door.port}/`);
    assertEquals(await response.text(), "here");
  });
});

Deno.test("Door closes a connection that never sends a whole request", async () => {
  await withDoor(() => new Response("here"), async (door, clock) => {
    const conn = await connect(door);
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: "));
    const closed = heardOut(conn);
    while (door.connections === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    clock.advance(IDLE_MS_MAX + 2000);
    await closed;
    assertEquals(door.timedOut, 1);
  });
});

Deno.test("Door closes a connection that takes nothing of its answer", async () => {
  const much = new Uint8Array(32 * 1024 * 1024);
  await withDoor(() => new Response(much), async (door, clock) => {
    const conn = await connect(door);
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    // The first bytes have come; the rest fills the buffers of the system.
    await conn.read(new Uint8Array(1));
    for (let i = 0; i < 50 && door.timedOut === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      clock.advance(STALL_MS_MAX);
    }
    assertEquals(door.timedOut, 1);
    await heardOut(conn);
  });
});

Deno.test("past the most connections the one that was idle for longest gives way", async () => {
  await withDoor(() => new Response("here"), async (door, clock) => {
    const idle: Deno.TcpConn[] = [];
    for (let i = 0; i < CONNECTIONS_MAX; i++) idle.push(await connect(door));
    while (door.connections < CONNECTIONS_MAX) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const last = fetch(`http://127.0.0.1:${door.port}/`);
    clock.advance(1500);
    assertEquals(await (await last).text(), "here");
    assertEquals(door.evicted >= 1 && door.connections <= CONNECTIONS_MAX, true);
    for (const conn of idle) conn.close();
  });
});
