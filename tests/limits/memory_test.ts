import { assert, assertEquals, assertMatch } from "@std/assert";
import * as packets from "../harness/packets.ts";
import { connackCode, Stage } from "./_stage.ts";

const MAX = 400_000;

/** Fills the budget with retained messages of many levels, until one is refused. */
async function fill(stage: Stage): Promise<void> {
  const hog = await stage.join();
  for (let i = 0; i < 200 && stage.broker.stats.limited.memory === 0; i++) {
    await hog.send(packets.publish(`${i}${"/a".repeat(150)}`, "1", { level: 5, retain: true }));
  }
  // Then with small ones, until not even those have room.
  for (let i = 0; i < 200 && stage.broker.stats.limited.memory < 2; i++) {
    await hog.send(packets.publish(`small-${i}`, "1", { level: 5, retain: true }));
  }
  assertEquals(stage.broker.stats.limited.memory, 2, "the budget was never used up");
}

Deno.test("memoryBytesMax: what would grow gets 0x97, what frees memory works", async () => {
  await using stage = new Stage({ memoryBytesMax: MAX, topicLevelsMax: 200 }, { heap: null });
  const client = await stage.join();
  await client.send(packets.subscribe({ "ping": 0 }, { level: 5 }));
  await client.send(packets.publish("kept", "x", { level: 5, qos: 1, retain: true }));
  await fill(stage);
  assert(stage.broker.stats.memory.bytes <= MAX);
  assertEquals(
    stage.broker.stats.dropped["retained-full"],
    2,
    "at QoS 0 it is dropped, and counted",
  );
  const refused = await client.send(packets.subscribe({ "another": 0 }, { level: 5, packetId: 2 }));
  assertMatch(refused, /^9004000200\w\w$/);
  assertEquals(refused.slice(-2), "97");
  const pinged = await client.send(packets.publish("ping", "p", { level: 5 }));
  assertMatch(pinged, /70696e67/);
  // What was acknowledged is there, and goes on request; then there is room again.
  assertEquals(stage.broker.stats.retainedMessages > 1, true);
  for (let i = 0; i < 20; i++) {
    await client.send(packets.publish(`${i}${"/a".repeat(150)}`, "", { level: 5, retain: true }));
  }
  const granted = await client.send(packets.subscribe({ "another": 0 }, { level: 5, packetId: 3 }));
  assertEquals(granted.slice(-2), "00");
});

Deno.test("memoryBytesMax: a session that is new gets 0x97, one that is there goes on", async () => {
  await using stage = new Stage({ memoryBytesMax: 60_000 }, { heap: null });
  const stays = { properties: "11 00 00 0e 10", clean: false };
  let code = "00";
  let count = 0;
  for (; count < 200 && code === "00"; count++) {
    const visitor = stage.visit();
    code = connackCode(await visitor.connect({ ...stays, clientId: `client-${count}` }));
    await visitor.leave();
  }
  assertEquals(code, "97");
  stage.expectLimited("memory", 1);
  const back = await stage.visit().connect({ ...stays, clientId: "client-0" });
  assertEquals(connackCode(back), "00");
});

Deno.test("topicAliasBytesMax: the topics of aliases take no more", async () => {
  await using stage = new Stage({ topicAliasBytesMax: 50_000 });
  const client = await stage.join();
  for (let alias = 1; alias <= 4 && !client.isEnded; alias++) {
    const properties = `23 00 0${alias}`;
    await client.send(
      packets.publish(`${alias}`.padEnd(10_000, "x"), "", { level: 5, properties }),
    );
  }
  assert(client.isEnded);
  stage.expectLimited("topic-aliases", 1);
});

Deno.test("routesBytesMax: routes of long topics take no more", async () => {
  await using stage = new Stage({ routesBytesMax: 1_000_000 });
  const client = await stage.join();
  for (let i = 0; i < 50; i++) {
    await client.send(packets.publish(`${i}`.padEnd(60_000, "x"), "", { level: 5 }));
  }
  assert(stage.broker.stats.memory.routes <= 1_000_000);
});
