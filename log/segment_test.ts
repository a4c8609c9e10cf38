import { assert, assertEquals } from "@std/assert";
import { collectGarbage } from "../tests/harness/garbage.ts";
import { ByteLog } from "./byte_log.ts";
import { Log } from "./log.ts";
import { Segment } from "./segment.ts";

const SEGMENT_ITEMS = 4;

/** Appends objects until there are `segments` segments; returns weak references to all of them. */
function fill(log: Log<object>, segments: number): WeakRef<object>[] {
  const items: WeakRef<object>[] = [];
  for (let i = 0; i < segments * SEGMENT_ITEMS; i++) {
    const item = { i };
    log.append(item);
    items.push(new WeakRef(item));
  }
  return items;
}

/** Sequence numbers of the items that are still in memory. */
async function alive(items: WeakRef<object>[]): Promise<number[]> {
  await collectGarbage();
  return [...items.keys()].filter((sequence) => items[sequence]!.deref() !== undefined);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

Deno.test("Segment.end is behind the last item", () => {
  const segment = new Segment<string>(7, 70);
  assertEquals([segment.base, segment.baseWeight, segment.end], [7, 70, 7]);
  segment.items.push("a", "b");
  assertEquals(segment.end, 9);
});

Deno.test("Log lets the runtime collect what nobody will ever read", async () => {
  const log = new Log<object>({ segmentItems: SEGMENT_ITEMS });
  const items = fill(log, 5);
  assertEquals(await alive(items), range(16, 20), "only the last segment");
  assertEquals(log.end, 20);
});

Deno.test("Log lets the runtime collect a segment that every cursor has left", async () => {
  const log = new Log<object>({ segmentItems: SEGMENT_ITEMS });
  const [slow, fast] = [log.cursor(), log.cursor()];
  const items = fill(log, 5);
  assertEquals(await alive(items), range(0, 20), "both hold everything");
  fast.skipTo(20);
  assertEquals(await alive(items), range(0, 20), "the slow one still does");
  for (let read = 0; read < 9; read++) slow.next();
  assertEquals(await alive(items), range(8, 20), "it stands in the third");
  slow.skipTo(12);
  slow.peek();
  assertEquals(await alive(items), range(12, 20));
  while (slow.next() !== undefined);
  assertEquals(await alive(items), range(16, 20));
  assertEquals([slow.lag, fast.lag], [0, 0]);
});

Deno.test("Log lets the runtime collect what a forgotten cursor held", async () => {
  const log = new Log<object>({ segmentItems: SEGMENT_ITEMS });
  let cursor: unknown = log.cursor();
  const items = fill(log, 3);
  assertEquals((await alive(items)).length, 12);
  assert(cursor !== null);
  cursor = null;
  assertEquals(await alive(items), range(8, 12));
});

Deno.test("Log keeps what retention covers, whole segments of it", async () => {
  const log = new Log<object>({ segmentItems: SEGMENT_ITEMS, retainItems: 6 });
  const items = fill(log, 5);
  assertEquals(await alive(items), range(log.start, 20));
  assert(log.start <= 14 && log.start >= 8, `start ${log.start}`);
});

/** Weak references to the buffers of 64 KB that `count` appends have filled. */
function fillBytes(log: ByteLog, count: number): WeakRef<object>[] {
  const frame = new Uint8Array(65_536);
  return Array.from({ length: count }, () => {
    log.append(frame, 0, frame.length, 1);
    return new WeakRef(log.buffer);
  });
}

Deno.test("ByteLog lets the runtime collect a segment that every cursor has left", async () => {
  const log = new ByteLog();
  const [slow, fast] = [log.cursor(), log.cursor()];
  const buffers = fillBytes(log, 4);
  fast.skipUntil(0, log.end, log.frames);
  assertEquals(await alive(buffers), range(0, 4));
  slow.take(log.end, log.frames);
  slow.take(log.end, log.frames);
  slow.available(log.end);
  assertEquals(await alive(buffers), range(2, 4));
  slow.skipUntil(0, log.end, log.frames);
  assertEquals([slow.position, fast.position], [log.end, log.end]);
  assertEquals(await alive(buffers), [3]);
});
