import { assert, assertEquals, assertRejects } from "@std/assert";
import { type StreamOptions, SysTopics } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import type { Stream } from "../../stream/mod.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { DAY, Scene, texts } from "./_scene.ts";

async function read(stream: Stream | null): Promise<string[]> {
  const payloads: string[] = [];
  for await (const { payload } of stream!.read({ after: 0, isFinite: true })) {
    payloads.push(new TextDecoder().decode(payload));
  }
  return payloads;
}

for (const store of ["a store", "no store"]) {
  Deno.test(`with ${store}, what clients and the program publish is in the stream, at every QoS`, async () => {
    await using scene = await Scene.open({ store: store === "a store" ? new MemoryStore() : null });
    const client = await scene.join("ann");
    for (const qos of [0, 1, 2] as const) await client.publish("t/a", `${qos + 1}`, qos);
    client.send({ type: "pubrel", packetId: 2, reasonCode: 0, properties: {} });
    await client.publish("other", "no");
    await scene.fill(2, 4);
    assertEquals(await read(scene.broker.stream("day")), texts(1, 5));
  });
}

Deno.test("a stream leaves out what matches one of its excluded filters", async () => {
  const options = { ...DAY, filters: ["t/#", "t/+/x"], exclude: ["t/secret/#"] };
  await using scene = await Scene.open({}, [options]);
  for (const topic of ["t/1", "t/secret", "t/secret/x", "t/1/x"]) {
    scene.broker.publish(topic, topic);
  }
  await scene.clock.settle();
  assertEquals(await read(scene.broker.stream("day")), ["t/1", "t/1/x"]);
});

Deno.test("the PUBACK of a message for a stream waits for the commit that holds it", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store });
  const client = await scene.join();
  store.mode = "wait";
  await client.publish("t/1", "1", 1);
  assertEquals((await client.take("puback")).length, 0);
  store.settle(true);
  assertEquals((await client.take("puback")).map(({ reasonCode }) => reasonCode), [0]);
  store.mode = "succeed";
});

Deno.test("disk full: QoS 1 is refused and not in the stream, QoS 0 is counted and leaves a gap", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store });
  const client = await scene.join();
  await client.publish("t/1", "1", 1);
  store.mode = "fail";
  // The first one finds out, those after it are refused at once.
  for (const payload of ["2", "3"]) await client.publish("t/1", payload, 1);
  for (const payload of ["4", "5"]) await client.publish("t/1", payload, 0);
  store.mode = "succeed";
  await scene.clock.advance(2000);
  await client.publish("t/1", "6", 1);
  const codes = (await client.take("puback")).map(({ reasonCode }) => reasonCode);
  assertEquals(codes, [0, 0x97, 0x97, 0]);
  assertEquals(scene.broker.stats.dropped["stream-full"], 2);
  const stream = scene.broker.stream("day")!;
  assertEquals(await read(stream), ["1", "6"]);
  assertEquals(stream.last, 5);
});

Deno.test("after a restart a stream goes on; one that nobody declares keeps what it has", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    await scene.fill(1200);
  }
  const left = store.snapshot();
  {
    await using scene = await Scene.open({ store: MemoryStore.from(left) }, []);
    assertEquals(scene.broker.streams, { declared: [], undeclared: ["day"] });
    assertEquals(scene.broker.stream("day"), null);
    await scene.fill(10);
    await scene.broker.declareStream(DAY);
    assertEquals(await read(scene.broker.stream("day")), texts(1, 1200));
    await scene.fill(1, 1201);
    assertEquals(await read(scene.broker.stream("day")), texts(1, 1201));
  }
  await using scene = await Scene.open({ store: MemoryStore.from(left) }, []);
  assertEquals(await scene.broker.removeStream("day"), true);
  assertEquals(await scene.broker.removeStream("day"), false);
  assertEquals(scene.broker.streams, { declared: [], undeclared: [] });
});

for (const store of ["disk", "memory"] as const) {
  Deno.test(`${store}: a retired stream takes nothing and keeps what it has, and its readers go on`, async () => {
    const { maxMessages: _, ...rest } = DAY;
    const declaration: StreamOptions = { ...rest, maxAgeMs: 60_000, store };
    await using scene = await Scene.open({}, [declaration]);
    const reader = await scene.join("reader");
    await reader.subscribe("$replay/day/earliest/t/#");
    await scene.fill(3);
    assertEquals(await reader.payloads(), texts(1, 3));
    assertEquals(await scene.broker.retireStream("day"), true);
    assertEquals(await scene.broker.retireStream("day"), false);
    assertEquals(scene.broker.streams, { declared: [], undeclared: ["day"] });
    await scene.fill(2, 4);
    const late = await scene.join("late");
    assertEquals((await late.subscribe("$replay/day/earliest/t/#")).reasonCodes, [0x8f]);
    // Longer than it kept messages while it was declared.
    await scene.clock.advance(120_000);
    await scene.broker.declareStream({ ...declaration, maxAgeMs: 3_600_000 });
    assertEquals(await read(scene.broker.stream("day")), texts(1, 3));
    await scene.fill(1, 6);
    assertEquals(await reader.payloads(), ["6"]);
    assertEquals(await scene.broker.retireStream("day"), true);
    assertEquals(await scene.broker.removeStream("day"), true);
    assertEquals(scene.broker.streams, { declared: [], undeclared: [] });
  });
}

Deno.test("a stream does not move to another store, declared or not", async () => {
  const store = new MemoryStore();
  await using scene = await Scene.open({ store });
  const move = () => scene.broker.declareStream({ ...DAY, store: "memory" });
  const text = 'Cannot move stream "day" to another store: remove it first';
  await assertRejects(move, RangeError, text);
  await scene.broker.retireStream("day");
  await assertRejects(move, RangeError, text);
  await scene.fill(1);
  await using again = await Scene.open({ store: MemoryStore.from(store.snapshot()) }, []);
  await assertRejects(
    () => again.broker.declareStream({ ...DAY, store: "memory" }),
    RangeError,
    text,
  );
});

Deno.test("a removed stream leaves no row, and takes nothing more", async () => {
  const store = new MemoryStore();
  await using scene = await Scene.open({ store });
  await scene.fill(1200);
  assertEquals(await scene.broker.removeStream("day"), true);
  await scene.fill(3);
  const left = store.snapshot();
  for (const table of ["streams", "stream_index", "stream_chunks"] as const) {
    assertEquals(left.get(table)!.length, 0);
  }
});

Deno.test("age drops messages, and their rows, though nothing is published", async () => {
  const store = new MemoryStore();
  const { maxMessages: _, ...rest } = DAY;
  await using scene = await Scene.open({ store }, [{ ...rest, maxAgeMs: 3_600_000 }]);
  await scene.fill(3000);
  assert(store.snapshot().get("stream_chunks")!.length > 1);
  await scene.clock.advance(3_599_000);
  assertEquals(scene.broker.stream("day")!.messages, 3000);
  await scene.clock.advance(2000);
  assertEquals(store.snapshot().get("stream_chunks")!.length, 0);
  assertEquals([scene.broker.stream("day")!.first, scene.broker.stream("day")!.last], [3001, 3000]);
});

Deno.test("on a full disk what is too old makes room by itself", async () => {
  const store = new ManualStore();
  const { maxMessages: _, ...rest } = DAY;
  await using scene = await Scene.open({ store }, [{ ...rest, maxAgeMs: 60_000 }]);
  await scene.fill(3000);
  store.mode = "remove";
  scene.broker.publish("t/1", "x", { qos: 1 });
  await scene.clock.advance(120_000);
  assertEquals(store.snapshot().get("stream_index")!.length, 0);
  store.mode = "succeed";
  await scene.clock.advance(2000);
});

Deno.test("the program appends to a stream, and waits for the commit", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store });
  const stream = scene.broker.stream("day")!;
  store.mode = "wait";
  let seq = 0;
  stream.append("anything", "1").then((it) => seq = it);
  await scene.clock.settle();
  assertEquals(seq, 0);
  store.settle(true);
  store.mode = "succeed";
  await scene.clock.settle();
  assertEquals(seq, 1);
  assertEquals(await read(stream), ["1"]);
});

Deno.test("a stream that cannot be declared says what would be right", async () => {
  await using scene = await Scene.open({ limits: { streamsMax: 2 } });
  const cases: [Partial<StreamOptions>, string][] = [
    [{ name: "a b" }, "a stream's name has 1 to 64 of the characters"],
    [{ filters: ["a/#/b"] }, 'Cannot declare stream "new": "a/#/b"'],
    [{ filters: ["$SYS/#"] }, "topics that begin with $ are in no stream"],
    [{ filters: ["$share/g/a"] }, "a stream has topics, which groups read later: use a"],
    [{ dead: "new" }, 'dead letters in "new": it cannot be the stream itself'],
    [{ dead: "a b" }, "a stream's name has 1 to 64 of the characters"],
    [{ maxMessages: 0 }, "maxMessages of a stream must be a whole number from 1 on, not 0"],
  ];
  for (const [options, text] of cases) {
    await assertRejects(
      () => scene.broker.declareStream({ ...DAY, name: "new", ...options }),
      RangeError,
      text,
    );
  }
  await scene.broker.declareStream({ ...DAY, name: "second" });
  await assertRejects(
    () => scene.broker.declareStream({ ...DAY, name: "third" }),
    RangeError,
    'Cannot declare stream "third": there are 2 already',
  );
});

Deno.test("$SYS/broker/streams tells first, last, messages and bytes of each stream", async () => {
  await using scene = await Scene.open({}, [{ ...DAY, maxMessages: 2 }]);
  await scene.fill(3);
  const topics = new SysTopics(scene.broker, { intervalSeconds: 1, version: "x" });
  await scene.clock.advance(1000);
  const client = await scene.join("old", 4);
  await client.subscribe("$SYS/broker/streams/#");
  const told = (await client.take("publish")).map(({ topic, payload }) =>
    `${topic} ${new TextDecoder().decode(payload)}`
  );
  assertEquals(told.toSorted(), [
    "$SYS/broker/streams/day/bytes 52",
    "$SYS/broker/streams/day/first 2",
    "$SYS/broker/streams/day/last 3",
    "$SYS/broker/streams/day/messages 2",
  ]);
  topics.stop();
});

Deno.test("closing the broker ends who reads a stream, and nothing more is appended", async () => {
  let reading: Promise<IteratorResult<unknown, void>>;
  let stream: Stream;
  {
    await using scene = await Scene.open();
    stream = scene.broker.stream("day")!;
    reading = stream.read().next();
    await scene.clock.settle();
  }
  assertEquals(await reading, { done: true, value: undefined });
  await assertRejects(() => stream.append("t/1", "x"), Error, "it is closed");
});
