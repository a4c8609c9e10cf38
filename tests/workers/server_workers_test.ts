/**
 * `server.ts --workers N` is one broker to clients that nobody here wrote, and to the one who types it.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SERVER_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import type { Child } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { WebSocketClient } from "../harness/websocket_client.ts";
import { connected, DEADLINE_MS, idOn, listening, run, start, test } from "./_server.ts";

test("messages of every QoS go from a client on one worker to a client on another one", async () => {
  await using server = start();
  const port = await listening(server);
  await using receiver = await connected(port, idOn(0, "receiver"));
  await receiver.send(packets.subscribe({ "a/#": 2 }));
  await receiver.expect("90 03 00 01 02");
  await using publisher = await connected(port, idOn(1, "publisher"));
  await publisher.send(packets.publish("a/0", "x"));
  await receiver.expect(packets.publish("a/0", "x"));
  await publisher.send(packets.publish("a/1", "y", { qos: 1, packetId: 7 }));
  await publisher.expect("40 02 00 07");
  await receiver.expect(packets.publish("a/1", "y", { qos: 1, packetId: 1 }));
  await receiver.send(packets.puback(1));
  await publisher.send(packets.publish("a/2", "z", { qos: 2, packetId: 8 }));
  await publisher.expect("50 02 00 08");
  await publisher.send(packets.pubrel(8));
  await publisher.expect("70 02 00 08");
  const frame = await receiver.readFrame();
  assertEquals([frame[0], new TextDecoder().decode(frame.subarray(-1))], [0x34, "z"]);
  server.signal("SIGTERM");
  assertEquals((await server.outcome(DEADLINE_MS)).code, 0);
});

test("a retained message and a will reach clients of all workers [MQTT-3.1.2-8] [MQTT-3.3.1-5]", async () => {
  await using server = start();
  const port = await listening(server);
  const will = { topic: "gone", payload: "w", retain: true };
  const dying = await connected(port, idOn(1, "dying"), { will });
  await using watcher = await connected(port, idOn(0, "watcher"));
  await watcher.send(packets.subscribe({ gone: 0 }));
  await watcher.expect("90 03 00 01 00");
  await dying[Symbol.asyncDispose]();
  await watcher.expect(packets.publish("gone", "w"));
  for (const node of [0, 1]) {
    await using late = await connected(port, idOn(node, "late"));
    await late.send(packets.subscribe({ "#": 0 }));
    await late.expect("90 03 00 01 00");
    await late.expect(packets.publish("gone", "w", { retain: true }));
  }
});

/** Starts a server with so many workers and what another one has left. */
function startAgain(folder: string, workers: number): Child {
  const data = ["--data", `${folder}/data`];
  if (workers > 1) return start(...data, "--workers", `${workers}`);
  return startServer(["--port", "0", ...data], SERVER_PERMISSIONS);
}

test("a session waits on its worker, wherever the client comes back [MQTT-3.1.2-5]", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [sleeper, publisher] = [idOn(0, "sleeper"), idOn(1, "publisher")];
    {
      await using server = start("--data", `${folder}/data`);
      const port = await listening(server);
      const client = await connected(port, sleeper, { clean: false });
      await client.send(packets.subscribe({ t: 1 }));
      await client.expect("90 03 00 01 01");
      await client[Symbol.asyncDispose]();
      await using other = await connected(port, publisher);
      await other.send(packets.publish("t", "kept", { qos: 1, packetId: 1 }));
      await other.expect("40 02 00 01");
      // As kill -9 does.
      await server.kill();
    }
    // With another number of workers its session moves; without an acknowledgement the message stays.
    for (const workers of [2, 3, 1]) {
      await using server = startAgain(folder, workers);
      const port = await listening(server);
      await using client = await RawClient.dial(port, DEADLINE_MS);
      await client.send(packets.connect({ clientId: sleeper, clean: false }));
      await client.expect("20 02 01 00");
      const frame = await client.readFrame();
      assertStringIncludes(new TextDecoder().decode(frame), "kept");
      const said = `Moved to ${
        workers === 1 ? "one store" : "3 workers"
      } in [\\d.]+ s; sessions: 1,`;
      assertEquals(new RegExp(said).test(server.stdout), workers !== 2, server.stdout);
      await server.kill();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("MQTT over WebSocket is served by the worker where the client lives", async () => {
  await using server = start("--ws-port", "0");
  const [, webPort] = await server.waitFor(/ws:\/\/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
  const clients: RawClient[] = [];
  for (const node of [0, 1, 0, 1]) {
    const client = new RawClient(await WebSocketClient.dial(Number(webPort)));
    await client.send(packets.connect({ clientId: idOn(node, `c${clients.length}-`) }));
    await client.expect("20 02 00 00");
    await client.send(packets.subscribe({ t: 0 }));
    await client.expect("90 03 00 01 00");
    clients.push(client);
  }
  const payload = "x".repeat(100_000);
  await clients[0]!.send(packets.publish("t", payload));
  for (const client of clients) {
    await client.expect(packets.publish("t", payload));
    await client[Symbol.asyncDispose]();
  }
});

test("the first lines say how many workers there are, and a worker says why it cannot start", async () => {
  {
    await using server = start("--workers", "auto");
    await listening(server);
    const count = Math.min(navigator.hardwareConcurrency, 64);
    if (count > 1) await server.waitFor(new RegExp(`Workers: ${count},`), "stdout", DEADLINE_MS);
  }
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await run(
    ...["--native-sockets", "--workers", "2", "--port", `${taken.addr.port}`],
  );
  assertEquals(code, 1);
  assertMatch(stderr, /in use/);
  assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
});

for (
  const [flags, why] of [
    [["--workers", "2"], /needs --native-sockets/],
    [["--workers", "0", "--native-sockets"], /a whole number from 1 to 64/],
    [["--workers", "many", "--native-sockets"], /a whole number from 1 to 64/],
    [["--workers", "2", "--native-sockets", "--stream", "a"], /--stream needs NAME=FILTER/],
    [["--workers", "2", "-c", "x.conf"], /--workers cannot go with -c/],
  ] as const
) {
  Deno.test(`server.ts refuses ${flags.join(" ")} in one line`, async () => {
    const { code, stderr } = await run(...flags);
    assertEquals(code, 2);
    assertMatch(stderr, why);
    assert(stderr.trimEnd().split("\n").length === 1, stderr);
  });
}

test("a takeover works across workers [MQTT-3.1.4-3]", async () => {
  await using server = start();
  const port = await listening(server);
  const clientId = idOn(1, "same");
  let last: RawClient | null = null;
  for (let i = 0; i < 8; i++) {
    const client = await connected(port, clientId);
    if (last !== null) {
      await within("the earlier connection ends", last.expectClose());
      await last[Symbol.asyncDispose]();
    }
    last = client;
  }
  await last![Symbol.asyncDispose]();
});
