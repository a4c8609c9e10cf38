import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryStore, SqliteStore, type Store } from "../store/mod.ts";
import { ManualStore } from "../tests/harness/manual_store.ts";
import { Random } from "../tests/harness/random.ts";
import { CHUNK_BYTES } from "./chunk.ts";
import type { Retention } from "./retention.ts";
import type { ReadOptions, Stream } from "./stream.ts";
import { Streams } from "./streams.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 28, 12);

/** A wall clock that a test moves. */
class Wall {
  ms = START;
  readonly now = () => this.ms;
}

const opened: Streams[] = [];

/** A test that closes what it has opened. */
function test(name: string, body: () => Promise<void>): void {
  Deno.test(name, async () => {
    try {
      await body();
    } finally {
      await Promise.all(opened.splice(0).map((streams) => streams.close()));
    }
  });
}

async function open(
  store: Store,
  retention: Retention,
  wall: Wall = new Wall(),
  topicsMax = 100_000,
): Promise<Stream> {
  const failed = (error: unknown) => {
    throw error;
  };
  const streams = await Streams.open(store, { now: wall.now, topicsMax, failed });
  opened.push(streams);
  return await streams.declare("day", retention);
}

/** What a reader gets, each as `sequence topic payload`. */
async function read(stream: Stream, options: ReadOptions = { after: 0 }): Promise<string[]> {
  const texts: string[] = [];
  for await (const { seq, topic, payload } of stream.read({ ...options, isFinite: true })) {
    texts.push(`${seq} ${topic} ${new TextDecoder().decode(payload)}`.trimEnd());
  }
  return texts;
}

async function append(stream: Stream, ...messages: string[]): Promise<void> {
  for (const message of messages) {
    const [topic, payload = ""] = message.split(" ");
    await stream.append(topic!, payload);
  }
}

/** Lets what is cleaned in turns be cleaned. */
async function settled(store: MemoryStore): Promise<void> {
  for (let same = 0, before = ""; same < 5;) {
    await new Promise((resolve) => setTimeout(resolve));
    const { rows, bytes } = await store.size() as unknown as { rows: number; bytes: number };
    same = before === `${rows} ${bytes}` ? same + 1 : 0;
    before = `${rows} ${bytes}`;
  }
}

test("maxPerTopic keeps the last messages of each topic, and the rest is no gap", async () => {
  const store = new MemoryStore();
  const stream = await open(store, { maxMessages: 100, maxPerTopic: 2 });
  await append(stream, "a 1", "b 1", "a 2", "a 3", "c 1", "a 4");
  const kept = ["2 b 1", "4 a 3", "5 c 1", "6 a 4"];
  assertEquals(await read(stream), kept);
  assertEquals([stream.first, stream.last, stream.messages], [1, 6, 4]);
  assertEquals(await read(stream, { position: "last-per-topic=2" }), kept);
  assertEquals(await read(stream, { last: 2, filter: "a" }), ["4 a 3", "6 a 4"]);
  const again = await open(MemoryStore.from(store.snapshot()), { maxMessages: 9, maxPerTopic: 2 });
  assertEquals(await read(again), kept);
  assertEquals([again.messages, again.bytes], [stream.messages, stream.bytes]);
});

test("an empty message deletes its topic: who goes on gets it, who begins later does not", async () => {
  const store = new MemoryStore();
  const retention = { maxMessages: 100, compact: "topic" } as const;
  const stream = await open(store, retention);
  await append(stream, "a 1", "b 1", "a 2", "a");
  for (const one of [stream, await open(MemoryStore.from(store.snapshot()), retention)]) {
    assertEquals(await read(one, { position: "earliest" }), ["2 b 1"]);
    assertEquals(await read(one, { position: "since=1h" }), ["2 b 1"]);
    assertEquals(await read(one, { lastPerTopic: 1 }), ["2 b 1"]);
    assertEquals(await read(one, { last: 5 }), ["2 b 1"]);
    // Somebody who has read the first three messages must learn of it.
    assertEquals(await read(one, { after: 3 }), ["4 a"]);
  }
  await append(stream, "a 3");
  assertEquals(await read(stream, { position: "earliest" }), ["2 b 1", "5 a 3"]);
});

test("a deleted topic is known for a day, and then nothing is left of it", async () => {
  const wall = new Wall();
  const store = new MemoryStore();
  const stream = await open(store, { maxMessages: 10_000, compact: "topic" }, wall);
  for (let i = 0; i < 1000; i++) await append(stream, `t/${i} ${"x".repeat(100)}`);
  for (let i = 0; i < 1000; i++) await append(stream, `t/${i}`);
  await append(stream, "other 1");
  await settled(store);
  assertEquals((await read(stream, { after: 0 })).length, 1001);
  assertEquals(stream.messages, 1001);
  wall.ms += 24 * HOUR + 1;
  await append(stream, "other 2");
  assertEquals(await read(stream), ["2002 other 2"]);
  assertEquals(stream.messages, 1);
  // Enough that the chunk with the empty messages is full.
  for (let i = 0; i < 700; i++) await append(stream, `other ${"y".repeat(100)}`);
  await settled(store);
  const again = await open(
    MemoryStore.from(store.snapshot()),
    { maxMessages: 10_000, compact: "topic" },
    wall,
  );
  assertEquals((await read(again)).length, 1);
  assert((await store.size()).bytes < 2.2 * CHUNK_BYTES);
});

test("changed limits by topic apply to what is there", async () => {
  const store = new MemoryStore();
  const streams = await Streams.open(store);
  opened.push(streams);
  const day = await streams.declare("day", { maxMessages: 10_000 });
  const appended: string[] = [];
  for (let i = 1; i <= 2000; i++) appended.push(`t/${i % 5} ${i}${"x".repeat(60)}`);
  await append(day, ...appended);
  assertEquals(day.messages, 2000);
  await streams.declare("day", { maxMessages: 10_000, maxPerTopic: 2 });
  assertEquals((await read(day)).map((text) => Number(text.split(" ")[0])), [
    ...[1991, 1992, 1993, 1994, 1995, 1996, 1997, 1998, 1999, 2000],
  ]);
  await streams.declare("day", { maxMessages: 10_000, compact: "topic" });
  assertEquals(day.messages, 5);
  await settled(store);
  assert((await store.size()).bytes < 2.2 * CHUNK_BYTES);
});

for (const retention of [{ maxPerTopic: 3 }, { compact: "topic" }] as const) {
  test(`${Object.keys(retention)}: whatever is appended, purged, cut off and read again, it is as declared`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = new Random(seed);
      const wall = new Wall();
      const limits = { maxMessages: 150, maxBytes: 60_000, maxAgeMs: 40 * HOUR, ...retention };
      const most = "maxPerTopic" in limits ? limits.maxPerTopic : 1;
      let store = new MemoryStore();
      let stream = await open(store, limits, wall, 60);
      /** What is to be there, the oldest first; `size` in bytes of its record. */
      let model: { seq: number; topic: string; payload: string; size: number; ms: number }[] = [];
      const isOver = () =>
        model.length > limits.maxMessages || new Set(model.map(({ topic }) => topic)).size > 60 ||
        model.reduce((sum, { size }) => sum + size, 0) > limits.maxBytes ||
        model[0]!.ms <= wall.ms - limits.maxAgeMs;
      const trim = () => {
        while (model.length > 0 && isOver()) model.shift();
      };
      for (let step = 0; step < 60; step++) {
        for (let i = random.integer(1, 60); i > 0; i--) {
          wall.ms += random.integer(0, 60_000);
          const topic = `t/${random.integer(0, 70)}`;
          const payload = random.chance(0.2) ? "" : `${"x".repeat(random.integer(1, 900))}`;
          const seq = await stream.append(topic, payload);
          model.push({
            seq,
            topic,
            payload,
            size: 22 + topic.length + payload.length,
            ms: wall.ms,
          });
          const of = model.filter((one) => one.topic === topic);
          if (of.length > most) model.splice(model.indexOf(of[0]!), 1);
          trim();
        }
        if (random.chance(0.1)) {
          const [filter, before] = [`t/${random.integer(0, 70)}`, stream.last - 20];
          await stream.purge({ filter, before });
          model = model.filter(({ topic, seq }) => topic !== filter || seq >= before);
        }
        if (random.chance(0.2)) wall.ms += 5 * HOUR;
        if (random.chance(0.2)) {
          store = MemoryStore.from(store.snapshot());
          stream = await open(store, limits, wall, 60);
        }
        if (random.chance(0.3)) await settled(store);
        trim();
        const told = `seed ${seed} step ${step}`;
        // An empty message that has deleted its topic stays for a day at least.
        const young = (ms: number) => ms > wall.ms - 24 * HOUR;
        const expected = model.filter(({ payload, ms }) => payload !== "" || most > 1 || young(ms));
        const got = (await read(stream)).map((text) => Number(text.split(" ")[0]));
        const older = model.filter((one) => !expected.includes(one)).map(({ seq }) => seq);
        assertEquals(
          got.filter((seq) => !older.includes(seq)),
          expected.map(({ seq }) => seq),
          told,
        );
        assert(stream.bytes <= limits.maxBytes && stream.messages <= limits.maxMessages, told);
        const live = (await read(stream, { position: "earliest" })).length;
        assertEquals(
          live,
          expected.filter(({ payload }) => payload !== "" || most > 1).length,
          told,
        );
      }
    }
  });
}

test("at every moment of a month the store holds little more than what is kept", async () => {
  const wall = new Wall();
  const store = new MemoryStore();
  const random = new Random(7);
  const maxBytes = 300_000;
  const stream = await open(store, { maxBytes, compact: "topic" }, wall);
  let most = 0;
  for (let hour = 0; hour < 30 * 24; hour++) {
    wall.ms += HOUR;
    const done: Promise<number>[] = [];
    for (let i = 0; i < 60; i++) {
      // Many topics change often, some seldom: those hold back the chunks that they are in.
      const topic = random.chance(0.9) ? `often/${i % 20}` : `seldom/${random.integer(0, 400)}`;
      done.push(stream.append(topic, new Uint8Array(random.chance(0.05) ? 0 : 400)));
    }
    await Promise.all(done);
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve));
    const { bytes } = await store.size();
    most = Math.max(most, bytes);
    assert(stream.bytes <= maxBytes, `hour ${hour}`);
    assert(bytes <= 2 * stream.bytes + 3 * CHUNK_BYTES, `hour ${hour}: ${bytes} ${stream.bytes}`);
  }
  assert(most > 2 * CHUNK_BYTES);
});

test("near its limit of bytes the store holds no more than that, and what is being written", async () => {
  const store = new MemoryStore();
  const maxBytes = 400_000;
  const stream = await open(store, { maxBytes, compact: "topic" });
  // What is kept takes nearly all there may be.
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 680; i++) await stream.append(`t/${i}`, new Uint8Array(540));
    await settled(store);
    const { bytes } = await store.size();
    assert(bytes <= maxBytes + 2 * CHUNK_BYTES, `round ${round}: ${bytes}`);
    assertEquals(stream.messages, 680);
  }
});

test("a crash at any commit of a stream that is cleaned brings nothing back, and loses nothing", async () => {
  const retention = { maxMessages: 10_000, compact: "topic" } as const;
  const store = new ManualStore();
  const stream = await open(store, retention);
  const model = new Map<string, string>();
  const random = new Random(3);
  for (let round = 0; round < 150; round++) {
    const done: Promise<unknown>[] = [];
    for (let i = 0; i < 25; i++) {
      const topic = `t/${random.integer(0, 30)}`;
      const payload = random.chance(0.2) ? "" : `${round}-${"x".repeat(300)}`;
      done.push(stream.append(topic, payload));
      model.delete(topic);
      if (payload !== "") model.set(topic, payload);
    }
    await Promise.all(done);
    if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve));
    const again = await open(MemoryStore.from(store.snapshot()), retention);
    const expected = [...model].map(([topic, payload]) => `${topic} ${payload}`);
    const got = (await read(again, { position: "earliest" })).map((it) => it.replace(/^\d+ /, ""));
    assertEquals(got, expected, `round ${round}`);
  }
});

test("on the disk it is the same after each restart, whatever was cleaned by then", async () => {
  const directory = await Deno.makeTempDir();
  try {
    let expected: string[] = [];
    for (let round = 0; round < 3; round++) {
      await using streams = await Streams.open(await SqliteStore.open(directory));
      const day = await streams.declare("day", { maxMessages: 1000, compact: "topic" });
      assertEquals(await read(day), expected);
      for (let i = 0; i < 40; i++) {
        await Promise.all(Array.from({ length: 100 }, (_, j) => {
          const topic = i < 1 && j < 10 ? `early/${j}` : `t/${j}`;
          return day.append(topic, `${round} ${i} ${"x".repeat(40)}`);
        }));
      }
      expected = await read(day);
      assertEquals(expected.filter((text) => text.includes(` ${round} `)).length, 110);
      assertEquals(expected.length, 110);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

test("a message that could not be stored takes nothing away of its topic", async () => {
  const store = new ManualStore();
  const stream = await open(store, { maxMessages: 10, compact: "topic" });
  await append(stream, "a 1");
  store.mode = "fail";
  await assertRejects(() => append(stream, "a 2"));
  store.mode = "succeed";
  assertEquals(await read(stream), ["1 a 1"]);
  await append(stream, "b 1");
  assertEquals(await read(stream), ["1 a 1", "3 b 1"]);
});

test("purge({ filter, before }) takes messages from the midst, also after a restart; readers are told", async () => {
  const store = new MemoryStore();
  const stream = await open(store, { maxMessages: 10_000 });
  for (let i = 1; i <= 3000; i++) await stream.append(`t/${i % 3}`, "x".repeat(50));
  const { bytes } = stream;
  await stream.purge({ filter: "t/1", before: 2001 });
  const left = (one: Stream) => read(one).then((all) => all.map((it) => Number(it.split(" ")[0])));
  const expected = Array.from({ length: 3000 }, (_, i) => i + 1)
    .filter((seq) => seq % 3 !== 1 || seq > 2000);
  assertEquals(await left(stream), expected);
  assertEquals([stream.messages, stream.first, stream.last], [expected.length, 1, 3000]);
  assertEquals(stream.bytes, bytes / 3000 * expected.length);
  const again = await open(MemoryStore.from(store.snapshot()), { maxMessages: 10_000 });
  assertEquals(await left(again), expected);
  assertEquals([again.messages, again.bytes], [stream.messages, stream.bytes]);
  await stream.purge({ filter: "t/#" });
  assertEquals([stream.messages, stream.bytes, await left(stream)], [0, 0, []]);
  assertEquals(await stream.append("t/1", "x"), 3001);
  assertEquals(await left(stream), [3001]);
});

test("a purge says what it needs", async () => {
  const stream = await open(new MemoryStore(), { maxMessages: 10 });
  await assertRejects(() => stream.purge({}), TypeError, "Give before, or filter, or both");
  await assertRejects(() => stream.purge({ filter: "a/#/b" }), TypeError, 'Cannot purge "a/#/b"');
});

test("a limit by topic must be one", async () => {
  const streams = await Streams.open(new MemoryStore());
  const cases: [Retention, string][] = [
    [
      { maxMessages: 1, maxPerTopic: 0 },
      "maxPerTopic of a stream must be a whole number from 1 on",
    ],
    [{ maxPerTopic: 5 }, "at least one of maxAgeMs, maxBytes and maxMessages"],
    [{ maxMessages: 1, maxPerTopic: 5, compact: "topic" }, "leave maxPerTopic out"],
    [{ maxMessages: 1, compact: "all" as "topic" }, 'must be "topic" or "none", not "all"'],
  ];
  for (const [retention, text] of cases) {
    await assertRejects(() => streams.declare("a", retention), RangeError, text);
  }
});
