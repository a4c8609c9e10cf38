/**
 * A client that connects again while it is still connected: the old connection
 * is told and gone before the new one is let in.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import {
  expectDisconnect,
  flood,
  greet,
  join,
  joinSubscribed,
  repeat,
  withHost,
} from "./_clients.ts";

const TAKEN_OVER = 0x8e;
const EXPIRY_1_HOUR = "11 00000e10";
const ME = { level: 5, clientId: "me", clean: false, properties: EXPIRY_1_HOUR } as const;

Deno.test("the old connection is told and gone before the new one is let in", async () => {
  const events: string[] = [];
  const hooks = {
    connected: () => void events.push("in"),
    disconnected: () => void events.push("out"),
  };
  await withHost({ hooks }, async (port, broker) => {
    await using old = await join(port, ME);
    await using young = await RawClient.dial(port);
    await young.send(packets.connect(ME));
    const connack = await young.readFrame();
    assertEquals([...connack.subarray(2, 4)], [1, 0], "Session Present is 1");
    assertEquals(events, ["in", "out", "in"]);
    await expectDisconnect(old, TAKEN_OVER);
    await young.expectSilence();
    assertEquals(broker.stats.sessions, 1);
  });
});

for (const level of [3, 4] as const) {
  Deno.test(`an old connection of level ${level} is just closed`, async () => {
    await withHost({}, async (port, broker) => {
      await using old = await join(port, { level, clientId: "me" });
      await using young = await join(port, { level, clientId: "me" });
      await old.expectClose();
      await young.expectSilence();
      assertEquals([broker.stats.sessions, broker.stats.protocolErrors], [1, 0]);
    });
  });
}

Deno.test("a subscription goes on, and what waits goes to the new connection only", async () => {
  await withHost({}, async (port) => {
    await using old = await joinSubscribed(port, { "a": 1 }, ME);
    await using publisher = await join(port);
    await publisher.send(packets.publish("a", "1", { qos: 1 }));
    assertEquals((await old.readFrame())[0], 0x32);
    await using young = await greet(await RawClient.dial(port), ME);
    await publisher.send(packets.publish("a", "2", { qos: 1 }));
    assertEquals((await young.readFrame())[0], 0x3a, "the first is sent again");
    assertEquals((await young.readFrame())[0], 0x32);
    await expectDisconnect(old, TAKEN_OVER);
  });
});

Deno.test("of many that connect at once under one name, one is left", async () => {
  await withHost({}, async (port, broker) => {
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.dial(port)));
    const ends = clients.map(async (client) => {
      await client.send(packets.connect(ME));
      assertEquals((await client.readFrame())[0], 0x20);
      const frame = await client.readFrame();
      assertEquals([frame[0], frame[2]], [0xe0, TAKEN_OVER]);
      await client.expectClose();
    });
    // The last of them goes when one more comes.
    while (broker.stats.connectsAccepted < 30) await turn(port);
    await using one = await join(port, ME);
    await one.expectSilence();
    await Promise.all(ends);
    assertEquals(broker.stats.sessions, 1);
  });
});

/** Has the broker get round to everything else. */
async function turn(port: number): Promise<void> {
  const client = await RawClient.dial(port);
  await client.send(packets.disconnect());
  await client.expectClose();
}

/** A client that takes nothing any more, with more under way to it than the kernel holds. */
async function stuck(port: number): Promise<RawClient> {
  const client = await joinSubscribed(port, { "flood": 0 }, ME);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const publisher = await greet(new RawClient(conn));
  await within("a flood is taken", repeat(conn, flood("flood", 3000, 2 ** 20), 16));
  await publisher.expectSilence();
  return client;
}

Deno.test("an old connection that takes nothing delays the new one by lingerMs at most", async () => {
  // The other deadlines are longer than a test has to wait for anything.
  const limits = { lingerMs: 50, stallMs: 20, connectTimeoutMs: 60_000, lagBytesMax: 2 ** 25 };
  await withHost({ limits }, async (port, broker) => {
    await using _ = await stuck(port);
    await using young = await greet(await RawClient.dial(port), ME);
    await young.expectSilence();
    assertEquals(broker.stats.sessions, 1);
    // Another one and another one, while the first is still being closed.
    await using younger = await greet(await RawClient.dial(port), ME);
    await younger.expectSilence();
    await expectDisconnect(young, TAKEN_OVER);
  });
});

Deno.test("who gives up while it waits for the old connection does no harm", async () => {
  const limits = { lingerMs: 100, stallMs: 20, lagBytesMax: 2 ** 25 };
  await withHost({ limits }, async (port, broker) => {
    await using _ = await stuck(port);
    const hasty = await RawClient.dial(port);
    await hasty.send(packets.connect(ME));
    hasty.close();
    await using young = await greet(await RawClient.dial(port), ME);
    await young.expectSilence();
    assertEquals(broker.stats.sessions, 1);
  });
});
