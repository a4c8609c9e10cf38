import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryStore, type Row, type Store, StoreError, StoreFullError } from "../store/mod.ts";
import { eventually } from "../tests/harness/eventually.ts";
import { FaultyStore } from "../tests/harness/faulty_store.ts";
import { ManualStore } from "../tests/harness/manual_store.ts";
import { Random } from "../tests/harness/random.ts";
import { CHUNK_BYTES } from "./chunk.ts";
import type { Retention } from "./retention.ts";
import type { ReadOptions, Stream, StreamMessage } from "./stream.ts";
import { Streams } from "./streams.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 28, 12);

/** A wall clock that a test moves. */
class Wall {
  ms = START;
  readonly now = () => this.ms;
}

async function open(
  store: Store,
  wall: Wall = new Wall(),
  retention: Retention = { maxMessages: 1_000_000 },
): Promise<Stream> {
  const streams = await Streams.open(store, { now: wall.now });
  return await streams.declare("day", retention);
}

async function readAll(stream: Stream, options: ReadOptions = {}): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  for await (const message of stream.read({ ...options, isFinite: true })) messages.push(message);
  return messages;
}

async function seqs(stream: Stream, options: ReadOptions = {}): Promise<number[]> {
  return (await readAll(stream, options)).map(({ seq }) => seq);
}

/** Appends messages of a size, to topics `t/0` … `t/4` in turn, `stepMs` apart. */
async function fill(
  stream: Stream,
  count: number,
  bytes = 100,
  wall: Wall | null = null,
  stepMs = 1000,
): Promise<void> {
  const done: Promise<number>[] = [];
  for (let i = 0; i < count; i++) {
    if (wall !== null) wall.ms += stepMs;
    done.push(stream.append(`t/${i % 5}`, new Uint8Array(bytes)));
    if (wall !== null && i % 50 === 0) await Promise.all(done.splice(0));
  }
  await Promise.all(done);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

Deno.test("a message is read as it was appended", async () => {
  const wall = new Wall();
  const stream = await open(new MemoryStore(), wall);
  const properties = {
    contentType: "text/plain",
    messageExpiryInterval: 60,
    userProperties: [["a", "1"], ["b", "2"], ["a", "3"]] as [string, string][],
  };
  assertEquals(await stream.append("t/ä", "hello", { qos: 1, retain: true, properties }), 1);
  const [message] = await readAll(stream, { after: 0 });
  assertEquals(message, {
    seq: 1,
    timeMs: START,
    topic: "t/ä",
    payload: new TextEncoder().encode("hello"),
    qos: 1,
    retain: true,
    properties,
    publisher: null,
  });
});

Deno.test("every position begins where it says, in the open chunk and in full ones", async () => {
  const wall = new Wall();
  const stream = await open(new MemoryStore(), wall);
  await fill(stream, 2000, 100, wall);
  const at = (seq: number) => START + seq * 1000;
  const cases: [ReadOptions, number[]][] = [
    [{ position: "earliest" }, range(1, 2000)],
    [{}, []],
    [{ after: 1990 }, range(1991, 2000)],
    [{ after: 2000 }, []],
    [{ from: 3 }, range(3, 2000)],
    [{ since: at(1500) }, range(1500, 2000)],
    [{ since: new Date(at(1500) + 1) }, range(1501, 2000)],
    [{ since: 0 }, range(1, 2000)],
    [{ position: "since=10s" }, range(1990, 2000)],
    [{ last: 3 }, [1998, 1999, 2000]],
    [{ last: 2, filter: "t/1" }, [1992, 1997]],
    [{ last: 5000, filter: "t/4" }, range(1, 400).map((i) => i * 5)],
    [{ lastPerTopic: 1 }, range(1996, 2000)],
    [{ lastPerTopic: 2, filter: "t/3" }, [1994, 1999]],
    [{ from: 1993, filter: "t/+" }, range(1993, 2000)],
    [{ from: 1, filter: "none" }, []],
  ];
  for (const [options, expected] of cases) {
    assertEquals(await seqs(stream, options), expected, JSON.stringify(options));
  }
});

Deno.test("a position that is none, or lies in the future, is refused with what would be right", async () => {
  const wall = new Wall();
  const stream = await open(new MemoryStore(), wall);
  await stream.append("t", "1");
  const cases: [ReadOptions, string][] = [
    [{ after: 2 }, 'Stream "day" has no message 3 yet: the last one is 1'],
    [{ position: "since=2027-01-01T00:00:00Z" }, "lies in the future"],
    [{ position: "since=yesterday" }, "use earliest, latest, after=N"],
    [{ position: "since=2026-11-28T15:00:00" }, "use earliest"],
    [{ position: "first" }, '"first" is no position'],
    [{ position: "last=0" }, "is no position"],
    [{ last: 1.5 }, "last must be a whole number from 1 on, not 1.5"],
    [{ last: 1, after: 1 }, "at one position, not at several"],
  ];
  for (const [options, text] of cases) {
    await assertRejects(() => seqs(stream, options), RangeError, text);
  }
});

Deno.test("a reader goes from history to what comes, with no gap and none twice", async () => {
  const stream = await open(new MemoryStore());
  await fill(stream, 700);
  const got: number[] = [];
  const reading = (async () => {
    for await (const { seq } of stream.read({ from: 1 })) {
      got.push(seq);
      if (seq === 1400) return;
    }
  })();
  await fill(stream, 700);
  await reading;
  assertEquals(got, range(1, 1400));
});

Deno.test("a reader sees no message before the commit that stores it is over", async () => {
  const store = new ManualStore();
  const stream = await open(store);
  await stream.append("t", "1");
  store.mode = "wait";
  const appended = stream.append("t", "2");
  await eventually("a commit waits", () => store.isWaiting);
  assertEquals(await seqs(stream, { after: 0 }), [1]);
  store.settle(true);
  assertEquals(await appended, 2);
  assertEquals(await seqs(stream, { after: 0 }), [1, 2]);
});

Deno.test("the signal ends a reader that waits", async () => {
  const stream = await open(new MemoryStore());
  const controller = new AbortController();
  const reading = stream.read({ signal: controller.signal }).next();
  controller.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
});

Deno.test("closing ends who reads, and nothing more is appended", async () => {
  const streams = await Streams.open(new MemoryStore());
  const stream = await streams.declare("day", { maxMessages: 10 });
  const reading = stream.read().next();
  await streams.close();
  assertEquals(await reading, { done: true, value: undefined });
  await assertRejects(() => stream.append("t", "1"), StoreError, "it is closed");
});

Deno.test("expired messages are left out", async () => {
  const wall = new Wall();
  const stream = await open(new MemoryStore(), wall);
  await stream.append("t", "1", { properties: { messageExpiryInterval: 10 } });
  await stream.append("t", "2");
  wall.ms += 9_999;
  assertEquals(await seqs(stream, { after: 0 }), [1, 2]);
  wall.ms += 1;
  assertEquals(await seqs(stream, { after: 0 }), [2]);
});

Deno.test("a stream goes on after a restart: sequences, messages and limits", async () => {
  const wall = new Wall();
  const store = new MemoryStore();
  for (const [count, bytes] of [[1, 10], [1500, 100], [3, 70_000], [10, 10]] as const) {
    const before = await open(MemoryStore.from(store.snapshot()), wall);
    assertEquals(await seqs(before, { after: 0 }), range(1, before.last));
    const stream = await open(store, wall);
    const { last } = stream;
    await fill(stream, count, bytes);
    assertEquals(stream.last, last + count);
  }
  const again = await open(MemoryStore.from(store.snapshot()), wall);
  assertEquals([again.first, again.last], [1, 1514]);
  assertEquals(await seqs(again, { after: 0 }), range(1, 1514));
  assertEquals(again.bytes, (await open(store, wall)).bytes);
});

Deno.test("sequences are never given again, whatever was dropped", async () => {
  const store = new MemoryStore();
  const stream = await open(store);
  await fill(stream, 20);
  await stream.purge({ before: 1000 });
  assertEquals([stream.first, stream.last, stream.messages, stream.bytes], [21, 20, 0, 0]);
  const again = await open(MemoryStore.from(store.snapshot()));
  assertEquals([again.first, again.last], [21, 20]);
  assertEquals(await again.append("t", "x"), 21);
  assertEquals(await seqs(again, { after: 0 }), [21]);
});

Deno.test("a purge drops what is older than a sequence or a date, also after a restart", async () => {
  const wall = new Wall();
  const store = new MemoryStore();
  const stream = await open(store, wall);
  await fill(stream, 1000, 100, wall);
  await stream.purge({ before: 11 });
  assertEquals(stream.first, 11);
  await stream.purge({ before: new Date(START + 900_000) });
  assertEquals(await seqs(stream, { after: 0 }), range(900, 1000));
  const again = await open(MemoryStore.from(store.snapshot()), wall);
  assertEquals(await seqs(again, { after: 0 }), range(900, 1000));
});

Deno.test("each limit is exact at every moment, and whole chunks leave the store", async () => {
  const limits: Retention[] = [
    { maxMessages: 500 },
    { maxBytes: 100_000 },
    { maxAgeMs: 700_000 },
    { maxMessages: 900, maxBytes: 90_000, maxAgeMs: 650_000 },
  ];
  for (const limit of limits) {
    const wall = new Wall();
    const store = new MemoryStore();
    const stream = await open(store, wall, limit);
    const record = 122 + 3;
    for (let i = 1; i <= 3000; i++) {
      wall.ms += 1000;
      await stream.append("t/1", new Uint8Array(100));
      const { maxMessages = Infinity, maxBytes = Infinity, maxAgeMs = Infinity } = limit;
      const kept = Math.min(i, maxMessages, Math.floor(maxBytes / record), maxAgeMs / 1000);
      const told = `${JSON.stringify(limit)} after ${i}`;
      assertEquals([stream.first, stream.messages], [i - kept + 1, kept], told);
      assertEquals(stream.bytes, kept * record, told);
      if (i % 500 === 0) {
        const size = (await store.size()).bytes;
        assert(size <= kept * record + 2.2 * CHUNK_BYTES, `${told}: ${size} bytes`);
        assertEquals(await seqs(stream, { after: 0 }), range(i - kept + 1, i));
      }
    }
  }
});

Deno.test("time alone drops what is too old, up to the last message", async () => {
  const wall = new Wall();
  const store = new MemoryStore();
  const stream = await open(store, wall, { maxAgeMs: HOUR });
  await fill(stream, 3000, 100, wall);
  for (let minute = 1; minute <= 61; minute++) {
    wall.ms += 60_000;
    await new Promise((resolve) => queueMicrotask(() => resolve(null)));
    const kept = Math.max(0, Math.min(3000, 3600 - minute * 60));
    assertEquals(await seqs(stream, { after: 0 }), range(3001 - kept, 3000), `minute ${minute}`);
  }
  await stream.append("t", "x");
  assertEquals(await seqs(stream, { after: 0 }), [3001]);
  assert((await store.size()).bytes < 1000);
});

Deno.test("a clock that is set back does not set the times of a stream back", async () => {
  const wall = new Wall();
  const stream = await open(new MemoryStore(), wall);
  await stream.append("t", "1");
  wall.ms -= HOUR;
  await stream.append("t", "2");
  assertEquals((await readAll(stream, { after: 0 })).map(({ timeMs }) => timeMs), [START, START]);
});

Deno.test("an append that cannot be stored throws, and nobody gets it, not even later", async () => {
  const store = new ManualStore();
  const stream = await open(store);
  await stream.append("t", "1");
  store.mode = "fail";
  await assertRejects(() => stream.append("t", "2"), StoreFullError);
  store.mode = "succeed";
  assertEquals(await stream.append("t", "3"), 3);
  assertEquals(await seqs(stream, { after: 0 }), [1, 3]);
  const again = await open(MemoryStore.from(store.snapshot()));
  assertEquals(await seqs(again, { after: 0 }), [1, 3]);
});

Deno.test("wherever the store fails, what was acknowledged is there, in order and once", async () => {
  for (let at = 1;; at++) {
    const memory = new MemoryStore();
    const error = () => new StoreFullError("There is no room");
    const store = new FaultyStore(memory, { call: "commit", at, count: 2, error });
    const stream = await open(store, new Wall(), { maxMessages: 900 });
    const kept: number[] = [];
    for (let i = 0; i < 40; i++) {
      const results = await Promise.allSettled(
        Array.from({ length: 40 }, () => stream.append("t", new Uint8Array(100))),
      );
      for (const result of results) if (result.status === "fulfilled") kept.push(result.value);
    }
    const again = await open(MemoryStore.from(memory.snapshot()), new Wall(), { maxMessages: 900 });
    for (const one of [again, stream]) {
      const expected = kept.filter((seq) => seq >= one.first);
      assertEquals(await seqs(one, { after: 0 }), expected, `commit ${at}`);
      assertEquals(one.first, one.last - 899, `commit ${at}`);
    }
    if (store.failures === 0) break;
  }
});

Deno.test("a crash at any commit leaves every stored message, and no sequence is given twice", async () => {
  for (let at = 1; at < 60; at++) {
    for (const underWay of ["lost", "kept"] as const) {
      const store = new ManualStore();
      const stream = await open(store, new Wall(), { maxMessages: 700 });
      const acknowledged: number[] = [];
      for (let i = 1; i <= at; i++) {
        // Small and large commits, so that pieces, full chunks and both together are written.
        const count = i % 7 === 0 ? 700 : i % 3 === 0 ? 40 : 1;
        const results = range(1, count).map(() => stream.append("t", new Uint8Array(100)));
        acknowledged.push(...await Promise.all(results));
      }
      store.mode = "wait";
      const late = stream.append("t", "late");
      await eventually("a commit waits", () => store.isWaiting);
      const crashed = store.snapshot();
      if (underWay === "kept") {
        store.settle(true);
        await late;
      }
      const left = MemoryStore.from(underWay === "kept" ? store.snapshot() : crashed);
      const again = await open(left, new Wall(), { maxMessages: 700 });
      const last = acknowledged.length + (underWay === "kept" ? 1 : 0);
      assertEquals(again.last, last);
      assertEquals(await seqs(again, { after: 0 }), range(Math.max(1, last - 699), last));
      assertEquals(await again.append("t", "next"), last + 1);
    }
  }
});

Deno.test("an undeclared stream keeps what it has; a removed one leaves nothing", async () => {
  const store = new MemoryStore();
  await fill(await open(store), 1000);
  const streams = await Streams.open(store);
  assertEquals(streams.undeclared, ["day"]);
  const day = await streams.declare("day", { maxMessages: 10 });
  assertEquals([day.first, day.last], [991, 1000]);
  assertEquals(streams.undeclared, []);
  assertEquals(streams.remove("day"), true);
  assertEquals(streams.remove("day"), false);
  await streams.close();
  for (const rows of store.snapshot().values()) assertEquals(rows.length, 0);
});

Deno.test("a stream needs a name of plain characters, and a limit", async () => {
  const streams = await Streams.open(new MemoryStore());
  for (const name of ["", "a/b", "ä", "x".repeat(65)]) {
    await assertRejects(
      () => streams.declare(name, { maxMessages: 1 }),
      RangeError,
      "a stream's name has 1 to 64 of the characters",
    );
  }
  await assertRejects(() => streams.declare("a", {}), RangeError, "at least one of maxAgeMs");
  await assertRejects(
    () => streams.declare("a", { maxBytes: 0 }),
    RangeError,
    "maxBytes of a stream must be a whole number from 1 on, not 0",
  );
});

Deno.test("whatever is damaged of its rows, a stream opens, is read, and goes on", async () => {
  const store = new MemoryStore();
  await fill(await open(store), 1500);
  const whole = store.snapshot();
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const rows = new Map([...whole].map(([table, rows]) => [
      table,
      table.startsWith("stream") && random.chance(0.7)
        ? rows.filter(() => random.chance(0.8)).map((row) => damaged(table, row, random))
        : rows,
    ]));
    const stream = await open(MemoryStore.from(rows));
    const left = await seqs(stream, { after: 0 });
    assertEquals(left, [...new Set(left)].toSorted((a, b) => a - b), `seed ${seed}`);
    const next = await stream.append("t", "x");
    assertEquals(await seqs(stream, { last: 1 }), [next], `seed ${seed}`);
  }
});

/** A store finds out by a checksum that messages have changed; rows are cut short, or not. */
function damaged(table: string, { key, value }: Row, random: Random): Row {
  if (random.chance(0.5)) return { key, value };
  const bytes = value.slice(0, random.chance(0.3) ? random.integer(0, value.length) : value.length);
  const changes = table === "stream_chunks" ? 0 : random.integer(0, 3);
  for (let i = changes; i > 0 && bytes.length > 0; i--) {
    bytes[random.integer(0, Math.min(40, bytes.length - 1))] = random.integer(0, 255);
  }
  return { key, value: bytes };
}

Deno.test("a read in which little matches leaves other work its turns", async () => {
  const store = new MemoryStore();
  const stream = await open(store);
  await fill(stream, 10_000, 1);
  let turns = 0;
  const isOver = new AbortController();
  const count = () => {
    turns++;
    if (!isOver.signal.aborted) setTimeout(count);
  };
  setTimeout(count);
  assertEquals(await seqs(stream, { from: 1, filter: "no/such/topic" }), []);
  isOver.abort();
  // Every 256 messages at least; timers of the same millisecond may share a turn.
  assert(turns >= 10, `${turns} turns`);
  await new Promise((resolve) => setTimeout(resolve));
});
