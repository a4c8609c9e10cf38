/**
 * More connections than there may be: those past the limit are told so, or wait
 * to be accepted, and the process never runs out of file descriptors.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Broker } from "../../mod.ts";
import { BrokerProcess, SERVER_PERMISSIONS } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";
import { writeAll } from "../harness/byte_pipe.ts";
import { within } from "../harness/deadline.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Bystanders, join, withHost } from "./_clients.ts";

const DEADLINE_MS = 20_000;
const SERVER = new URL("../../server.ts", import.meta.url).pathname;

/** Tries to get in and tells what came of it. */
async function knock(port: number, level: packets.Level): Promise<RawClient | "busy" | "closed"> {
  const client = await RawClient.dial(port, DEADLINE_MS);
  try {
    await client.send(packets.connect({ level }));
    const connack = await client.readFrame();
    assertEquals(connack[0], 0x20);
    if (connack[3] === 0) return client;
    assertEquals(connack[3], level === 5 ? 0x97 : 0x03);
    await client.expectClose();
    return "busy";
  } catch (error) {
    client.close();
    if (error instanceof Error && /the end|reset|pipe/i.test(error.message)) return "closed";
    throw error;
  }
}

/** Comes as often as it takes until there is room, as a client does. */
async function comeIn(port: number): Promise<RawClient> {
  for (;;) {
    const client = await knock(port, 5);
    if (client instanceof RawClient) return client;
  }
}

function close(clients: Iterable<RawClient | string>): void {
  for (const client of clients) if (client instanceof RawClient) client.close();
}

for (const level of [3, 4, 5] as const) {
  Deno.test(`a client of level ${level} past the limit hears that the broker is busy`, async () => {
    await withHost({ limits: { connectionsMax: 3 } }, async (port, broker) => {
      await using bystanders = await Bystanders.join(port);
      await using last = await join(port);
      assertEquals(await knock(port, level), "busy");
      assertEquals(broker.stats.connectionsRefused, 1);
      await bystanders.check();
      await last.send(packets.disconnect());
      await last.expectClose();
      close([await comeIn(port)]);
    });
  });
}

Deno.test("a client past the limit is heard out: its connection ends, and is not reset", async () => {
  await withHost({ limits: { connectionsMax: 1 } }, async (port) => {
    await using _ = await join(port);
    const username = "u".repeat(20_000);
    const connect = packets.connect({ level: 5, clientId: "long", username });
    for (let i = 0; i < 20; i++) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeAll(conn, connect);
      assertEquals(await within("the refusal", readToEnd(conn)), "2003009700");
    }
  });
});

/** Everything up to the end, as hex digits. Fails if the connection is reset instead. */
async function readToEnd(conn: Deno.TcpConn): Promise<string> {
  const chunk = new Uint8Array(64);
  let digits = "";
  for (let count = await conn.read(chunk); count !== null; count = await conn.read(chunk)) {
    digits += chunk.subarray(0, count).toHex();
  }
  return digits;
}

Deno.test("what is past the limit and says nothing is refused a few at a time", async () => {
  await withHost({ limits: { connectionsMax: 2 } }, async (port, broker) => {
    await using bystanders = await Bystanders.join(port, DEADLINE_MS);
    const silent = await Promise.all(
      Array.from({ length: 100 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    await bystanders.check();
    assert(refused(broker) <= 32, `${refused(broker)} are being refused at once`);
    assertEquals(broker.stats.connections, 2);
    for (const conn of silent) conn.close();
    // All of them are got rid of, then it goes on as before.
    assertEquals(await knock(port, 5), "busy");
    await bystanders.check();
  });
});

function refused(broker: Broker): number {
  return broker.stats.connectionsRefused;
}

Deno.test("a closing broker does not wait for those it is refusing", async () => {
  await withHost({ limits: { connectionsMax: 1 } }, async (port, broker, listener) => {
    await using _ = await join(port);
    const silent = await Promise.all(
      Array.from({ length: 40 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    try {
      await eventually("32 are refused", async () => {
        await listenerTurn(port);
        return refused(broker) >= 32;
      });
      await broker.close({ graceMs: 0 });
      assertEquals(listener.port, port);
    } finally {
      for (const conn of silent) conn.close();
    }
  });
});

/** Lets the listener get round to those who knock. */
async function listenerTurn(port: number): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.close();
}

/** Many at once, of which only some can be let in; then all go and others come. */
async function storm(port: number, count: number, room: number): Promise<void> {
  const bystanders = await Bystanders.join(port, DEADLINE_MS);
  const knocks: Promise<RawClient | string>[] = [];
  for (let i = 0; i < count; i++) knocks.push(knock(port, i % 2 === 0 ? 5 : 4));
  const answers = await Promise.all(knocks);
  const inside = answers.filter((answer) => answer instanceof RawClient);
  assertEquals(inside.length, room - 2);
  assert(answers.includes("busy"));
  await bystanders.check();
  close(inside);
  const later = await Promise.all(Array.from({ length: room - 2 }, () => comeIn(port)));
  for (const client of later) await client.expectSilence();
  await bystanders.check();
  close(later);
  await bystanders[Symbol.asyncDispose]();
}

Deno.test("server.ts lives through more connections than --max-connections", async () => {
  await using broker = await BrokerProcess.start("--max-connections", "50");
  await storm(broker.port, 200, 50);
  assertEquals((await broker.stop()).code, 0);
  assertEquals(broker.stderr, "");
});

Deno.test("server.ts lives through more connections than it may have files open", async () => {
  await using child = new Child("bash", [
    "-c",
    'ulimit -Sn 300 && ulimit -Hn 300 && exec "$0" run "$@"',
    Deno.execPath(),
    ...SERVER_PERMISSIONS,
    SERVER,
    "--memory",
    "--port",
    "0",
  ], { env: { NO_COLOR: "1" } });
  const [, digits] = await child.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
  const port = Number(digits);
  await storm(port, 400, 300 - 128);

  // Half-open ones take up the room, too, and more than all of it.
  const silent = await Promise.all(
    Array.from({ length: 400 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  for (const conn of silent) conn.close();
  const client = await comeIn(port);
  await client.expectSilence();
  client.close();
  child.signal("SIGTERM");
  const { code, stderr } = await child.outcome(DEADLINE_MS);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("a connection that ends while it is let in gives its place back", async () => {
  const authenticator = { authenticate: () => Promise.resolve({ reasonCode: 0 }) };
  await withHost({ limits: { connectionsMax: 3 }, authenticator }, async (port, broker) => {
    await using bystanders = await Bystanders.join(port);
    for (let i = 0; i < 200; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await conn.write(packets.connect({ clientId: "hasty" }));
      conn.close();
    }
    const client = await comeIn(port);
    await client.expectSilence();
    client.close();
    await bystanders.check();
    assert(broker.stats.connections <= 3);
  });
});
