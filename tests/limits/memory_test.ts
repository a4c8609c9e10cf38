import { assert, assertEquals, assertMatch } from "@std/assert";
import { MemoryStore } from "../../store/mod.ts";
import * as packets from "../harness/packets.ts";
import { connackCode, Stage, type Visitor } from "./_stage.ts";

const MAX = 400_000;
const V5 = { level: 5 } as const;
/** A session that outlives its connection by an hour. */
const STAYS = { properties: "11 00000e10", clean: false } as const;

/** The reason code of a PUBACK or PUBREC, `"00"` where it has none. */
function ackCode(answer: string): string {
  return answer.length > 8 ? answer.slice(8, 10) : "00";
}

/** Has a session of its own wait for `a`, and publishes to it until that is refused. */
async function fillBacklog(stage: Stage, publisher: Visitor, qos: 1 | 2): Promise<string> {
  const sleeper = await stage.join({ clientId: "sleeper", ...STAYS });
  await sleeper.send(packets.subscribe({ "a": qos }, V5));
  await sleeper.leave();
  let code = "00";
  for (let i = 1; i <= 2000 && code === "00" && !publisher.isEnded; i++) {
    const message = packets.publish("a", "x".repeat(1000), { ...V5, qos, packetId: i });
    code = ackCode(await publisher.send(message));
    if (qos === 2 && code === "00") await publisher.send(packets.pubrel(i));
  }
  return code;
}

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

Deno.test("memoryBytesMax: a session that is new gets 0x88, one that is there goes on", async () => {
  await using stage = new Stage({ memoryBytesMax: 60_000 }, { heap: null });
  const stays = { properties: "11 00 00 0e 10", clean: false };
  let code = "00";
  let count = 0;
  for (; count < 200 && code === "00"; count++) {
    const visitor = stage.visit();
    code = connackCode(await visitor.connect({ ...stays, clientId: `client-${count}` }));
    await visitor.leave();
  }
  assertEquals(code, "88");
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

for (const qos of [1, 2] as const) {
  Deno.test(`memoryBytesMax: QoS ${qos} that has to be kept gets 0x97, and what was taken is there`, async () => {
    await using stage = new Stage({ memoryBytesMax: MAX }, { heap: null });
    const publisher = await stage.join({ clientId: "publisher" });
    assertEquals(await fillBacklog(stage, publisher, qos), "97");
    const { stats } = stage.broker;
    const taken = stats.messagesReceived - 1;
    assert(taken > 100, `refused after ${taken} messages of 1 KB`);
    assertEquals([stats.messagesRefused, stats.limited.memory], [1, 1]);
    stage.expectLimited("memory", 1);
    // What nobody has to keep is delivered as ever.
    const other = packets.publish("b", "", { ...V5, qos: 1, packetId: 9 });
    assertEquals(ackCode(await publisher.send(other)), "10");
    const back = stage.visit();
    let got = 0;
    let came = await back.connect({ clientId: "sleeper", ...STAYS });
    while (came !== "") {
      const header = qos === 1 ? "32" : "34";
      const ids = [...came.matchAll(new RegExp(`${header}....000161(....)00(?:78){1000}`, "g"))]
        .map(([, id]) => parseInt(id!, 16));
      got += ids.length;
      came = await back.send(...ids.map(qos === 1 ? packets.puback : packets.pubrec));
      if (qos === 2) came += await back.send(...ids.map(packets.pubcomp));
    }
    assertEquals(got, taken);
  });
}

Deno.test("memoryBytesMax: in 3.1.1 a publisher whose message cannot be kept is closed", async () => {
  await using stage = new Stage({ memoryBytesMax: MAX }, { heap: null });
  const old = stage.visit();
  await old.connect({ level: 4, clientId: "old" });
  const filler = await stage.join({ clientId: "filler" });
  assertEquals(await fillBacklog(stage, filler, 1), "97");
  const answer = await old.send(packets.publish("a", "x".repeat(1000), { qos: 1, packetId: 1 }));
  assertEquals([answer, old.isEnded], ["", true]);
});

Deno.test("memoryBytesMax: QoS 2 identifiers that are not released need memory past the first few", async () => {
  await using stage = new Stage({ memoryBytesMax: MAX }, { heap: null });
  const client = await stage.join({ clientId: "client" });
  const filler = await stage.join({ clientId: "filler" });
  assertEquals(await fillBacklog(stage, filler, 1), "97");
  const codes: string[] = [];
  for (let packetId = 1; packetId <= 10; packetId++) {
    codes.push(ackCode(await client.send(packets.publish("b", "", { ...V5, qos: 2, packetId }))));
  }
  assertEquals(codes, [...Array(8).fill("10"), "97", "97"]);
  // Once one is released there is room for another.
  await client.send(packets.pubrel(1));
  const again = await client.send(packets.publish("b", "", { ...V5, qos: 2, packetId: 11 }));
  assertEquals(ackCode(again), "10");
});

Deno.test("QoS 2 identifiers that are not released are counted until they are", async () => {
  await using stage = new Stage({}, { heap: null });
  const client = await stage.join();
  const before = stage.broker.stats.memory.messages;
  for (let packetId = 1; packetId <= 100; packetId++) {
    await client.send(packets.publish("b", "", { ...V5, qos: 2, packetId }));
  }
  assert(stage.broker.stats.memory.messages >= before + 100 * 24);
});

Deno.test("topicAliasBytesMax: topics for which a subscriber is given aliases take no more", async () => {
  await using stage = new Stage({ topicAliasBytesMax: 25_000 });
  const subscriber = await stage.join({ clientId: "subscriber", properties: "22 0040" });
  await subscriber.send(packets.subscribe({ "#": 1 }, V5));
  const before = stage.broker.stats.memory.connections;
  const publisher = await stage.join({ clientId: "publisher" });
  const aliases: string[] = [];
  for (let i = 1; i <= 4; i++) {
    const topic = `${i}`.padEnd(10_000, "x");
    await publisher.send(packets.publish(topic, "", { ...V5, qos: 1, packetId: i }));
    const sent = await subscriber.receive();
    // Behind the topic and the packet identifier: the properties.
    aliases.push(sent.slice(sent.lastIndexOf("78") + 2 + 4));
    await subscriber.send(packets.puback(i));
  }
  assertEquals(aliases, ["03230001", "03230002", "00", "00"]);
  await publisher.leave();
  const grown = stage.broker.stats.memory.connections - before;
  assert(grown > 20_000 && grown < 25_000, `${grown} bytes are counted for two aliases`);
  await subscriber.leave();
  assertEquals(stage.broker.stats.memory.connections, 0);
});

Deno.test("client identifiers of 64 KB that take sessions over take no more than a share", async () => {
  await using stage = new Stage({ memoryBytesMax: 8_000_000 }, { heap: null });
  for (let i = 0; i < 40; i++) {
    const clientId = `${i}`.padEnd(60_000, "x");
    const first = await stage.join({ clientId });
    const second = await stage.join({ clientId });
    await first.leave();
    await second.leave();
  }
  const { records } = stage.broker.stats.memory;
  assert(records > 60_000 && records <= 550_000, `${records} bytes`);
});

Deno.test("a user name is counted with its session", async () => {
  await using stage = new Stage({});
  // Nodes that are joined have sessions of their own.
  await (await stage.join()).leave();
  const before = stage.broker.stats.memory.sessions;
  const client = await stage.join({ clientId: "client", username: "u".repeat(50_000), ...STAYS });
  await client.leave();
  assert(stage.broker.stats.memory.sessions > before + 50_000);
  const again = await stage.join({ clientId: "client", clean: true });
  await again.leave();
  assertEquals(stage.broker.stats.memory.sessions, before);
});

Deno.test("what is in flight to a session in the store is on the disk, and not in memory too", async () => {
  await using stage = await Stage.open(() => new MemoryStore(), { memoryBytesMax: 4_000_000 });
  const mute = await stage.join({ clientId: "mute", ...STAYS });
  await mute.send(packets.subscribe({ "a": 1 }, V5));
  const publisher = await stage.join({ clientId: "publisher" });
  for (let packetId = 1; packetId <= 200; packetId++) {
    const message = packets.publish("a", "x".repeat(50_000), { ...V5, qos: 1, packetId });
    assertEquals(ackCode(await publisher.send(message)), "00");
    await stage.clock.advance(10);
  }
  assertEquals((await mute.receive()).split("78".repeat(50_000)).length - 1, 200);
  assertEquals(connackCode(await stage.visit().connect({ clientId: "new", ...STAYS })), "00");
  // It is there when it has to be sent again.
  await mute.leave();
  const back = stage.visit();
  const again = await back.connect({ clientId: "mute", ...STAYS });
  await stage.clock.advance(100);
  const all = again + await back.receive();
  assertEquals(all.split("78".repeat(50_000)).length - 1, 200);
});
