import { assertEquals } from "@std/assert";
import { eventually } from "../../tests/harness/eventually.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Clock } from "../../broker/base/clock.ts";
import { CONNECTIONS_MAX, HttpListener, IDLE_MS_MAX, STALL_MS_MAX } from "./http_listener.ts";
import { LoopbackServer } from "./loopback_server.ts";

async function withListener(
  answer: () => Response,
  test: (listener: HttpListener, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock();
  const server = new LoopbackServer(() => Promise.resolve(answer()));
  const listener = new HttpListener({ hostname: "127.0.0.1", port: 0 }, server, clock as Clock);
  try {
    await test(listener, clock);
  } finally {
    await listener.close();
    await server.close();
  }
}

const connect = ({ port }: HttpListener) => Deno.connect({ hostname: "127.0.0.1", port });
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

Deno.test("HttpListener passes requests and answers on", async () => {
  await withListener(() => new Response("here"), async (listener) => {
    const response = await fetch(`http://127.0.0.1:${listener.port}/`);
    assertEquals(await response.text(), "here");
  });
});

Deno.test("HttpListener closes a connection that never sends a whole request", async () => {
  await withListener(() => new Response("here"), async (listener, clock) => {
    const conn = await connect(listener);
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: "));
    const closed = heardOut(conn);
    await eventually("it is connected", () => listener.connections === 1);
    clock.advance(IDLE_MS_MAX + 2000);
    await closed;
    assertEquals(listener.timedOut, 1);
  });
});

Deno.test("HttpListener closes a connection that takes nothing of its answer", async () => {
  const much = new Uint8Array(32 * 1024 * 1024);
  await withListener(() => new Response(much), async (listener, clock) => {
    const conn = await connect(listener);
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    // The first bytes have come; the rest fills the buffers of the system.
    await conn.read(new Uint8Array(1));
    // How long the system takes bytes is not told: time passes until nothing is taken any more.
    await eventually("it is closed", () => {
      clock.advance(STALL_MS_MAX);
      return listener.timedOut === 1;
    });
    await heardOut(conn);
  });
});

Deno.test("past the most connections the one that was idle for longest gives way", async () => {
  await withListener(() => new Response("here"), async (listener, clock) => {
    const idle: Deno.TcpConn[] = [];
    for (let i = 0; i < CONNECTIONS_MAX; i++) idle.push(await connect(listener));
    await eventually("all are connected", () => listener.connections === CONNECTIONS_MAX);
    const last = fetch(`http://127.0.0.1:${listener.port}/`);
    clock.advance(1500);
    assertEquals(await (await last).text(), "here");
    assertEquals(listener.evicted >= 1 && listener.connections <= CONNECTIONS_MAX, true);
    for (const conn of idle) conn.close();
  });
});
