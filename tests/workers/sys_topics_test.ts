/**
 * `$SYS/broker/` of a server with workers: every client is told the state of all of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as packets from "../harness/packets.ts";
import { connected, idOn, listening, start, test } from "./_server.ts";

test("$SYS/broker/ tells clients of every worker the totals of all, without the workers themselves", async () => {
  await using server = start();
  const port = await listening(server);
  const watchers = [];
  for (const node of [0, 1]) {
    const watcher = await connected(port, idOn(node, "watcher"));
    await watcher.send(packets.subscribe({ "a/#": 1 }));
    await watcher.expect("90 03 00 01 01");
    watchers.push(watcher);
  }
  await using publisher = await connected(port, idOn(0, "publisher"));
  for (let i = 1; i <= 5; i++) {
    await publisher.send(packets.publish("a/b", "x", { qos: 1, packetId: i }));
    await publisher.expect(`40 02 00 0${i}`);
    for (const watcher of watchers) {
      await watcher.expect(packets.publish("a/b", "x", { qos: 1, packetId: i }));
      await watcher.send(packets.puback(i));
    }
  }
  const expected = {
    "clients/connected": "3",
    "clients/total": "3",
    "connections/socket/count": "3",
    "publish/messages/received": "5",
    "shared_subscriptions/count": "0",
  };
  const totals = Object.fromEntries(Object.keys(expected).map((key) => [`$SYS/broker/${key}`, 0]));
  for (const watcher of watchers) {
    const told = new Map<string, string>();
    await watcher.send(packets.subscribe(totals));
    // Each of them is published again when it has changed.
    for (;;) {
      const frame = await watcher.readFrame();
      if (frame[0]! >> 4 !== 3) continue;
      const text = new TextDecoder().decode(frame.subarray(2));
      const [, topic, value] = /\$SYS\/broker\/(.*?)(\d+)$/.exec(text) ?? [];
      if (topic !== undefined) told.set(topic, value!);
      const isAsExpected = Object.entries(expected).every(([key, value]) =>
        told.get(key) === value
      );
      if (isAsExpected) break;
    }
    await watcher[Symbol.asyncDispose]();
  }
  server.signal("SIGTERM");
  assertEquals((await server.outcome(60_000)).code, 0);
});
