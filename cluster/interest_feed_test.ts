import { assertEquals } from "@std/assert";
import type { QoS } from "../codec/mod.ts";
import { FRAME_HEAD_BYTES, FrameReader } from "./frames.ts";
import { END, GONE, InterestFeed, InterestFlag } from "./interest_feed.ts";
import { InterestTable } from "./interest_table.ts";

/** A frame in words: the filters with their QoS, the flags, and the number of the last change. */
function wordsOf(frame: Uint8Array | null): [string[], number, number] | null {
  if (frame === null) return null;
  const body = new FrameReader(frame.subarray(FRAME_HEAD_BYTES));
  const entries: string[] = [];
  for (let qos = body.byte(); qos !== END; qos = body.byte()) {
    const number = body.uint32();
    const state = qos === GONE ? "gone" : `q${qos}`;
    entries.push(`${body.text()} ${state}${number > 0 ? " numbered" : ""}`);
  }
  return [entries, body.byte(), body.number()];
}

/** A table, and a feed of it that is told of its changes. */
function world(...filters: string[]) {
  let feed: InterestFeed | null = null;
  const table = new InterestTable((filter) => feed?.onChanged(filter));
  for (const filter of filters) table.onAdded(filter, 1);
  feed = new InterestFeed(table);
  return { table, feed };
}

const ALL = InterestFlag.first | InterestFlag.last;

Deno.test("InterestFeed tells all filters first, and then what changes", () => {
  const { table, feed } = world("a", "$share/g/b");
  assertEquals(wordsOf(feed.next()), [["a q1", "$share/g/b q1 numbered"], ALL, 1]);
  assertEquals(feed.next(), null);
  table.onAdded("c/#", 0);
  table.onRemoved("a", 1);
  assertEquals(wordsOf(feed.next()), [["c/# q0", "a gone"], 0, 3]);
  assertEquals(feed.next(), null);
});

Deno.test("InterestFeed tells one change for many of one filter", () => {
  const { table, feed } = world();
  feed.next();
  for (let i = 0; i < 1000; i++) {
    table.onAdded("a", (i % 3) as QoS);
    if (i < 999) table.onRemoved("a", (i % 3) as QoS);
  }
  const [entries, , change] = wordsOf(feed.next())!;
  assertEquals([entries, change > 1000], [["a q0"], true]);
});

Deno.test("InterestFeed says nothing of a subscription that changes nothing for others", () => {
  const { table, feed } = world("a");
  feed.next();
  table.onAdded("a", 1);
  table.onAdded("a", 0);
  table.onRemoved("a", 1);
  table.onAdded("$SYS/broker/messages/#", 2);
  table.onAdded("$share/g/$SYS/broker/messages/#", 2);
  assertEquals(feed.next(), null);
});

Deno.test("InterestFeed splits many filters, and the last frame says so", () => {
  const filters = Array.from({ length: 5000 }, (_, i) => `device/${i}/temperature`);
  const { table, feed } = world(...filters);
  const told: string[] = [];
  const flags: number[] = [];
  const changes: number[] = [];
  table.onAdded("meanwhile", 1);
  for (let frame = wordsOf(feed.next()); frame !== null; frame = wordsOf(feed.next())) {
    told.push(...frame[0]);
    flags.push(frame[1]);
    changes.push(frame[2]);
  }
  assertEquals(new Set(told).size, 5001);
  assertEquals(flags[0], InterestFlag.first);
  assertEquals(flags.filter((flag) => flag & InterestFlag.last).length, 1);
  assertEquals([changes[0], changes.at(-1)], [0, 2], "no change is told before all was");
});

Deno.test("InterestFeed.whenKnown() resolves with the acknowledgement of the change, or the end", async () => {
  const { table, feed } = world("a");
  feed.next();
  const log: string[] = [];
  feed.whenKnown()!.then(() => log.push("start"));
  table.onAdded("b", 0);
  feed.whenKnown()!.then(() => log.push("b"));
  table.onAdded("c", 0);
  feed.whenKnown()!.then(() => log.push("c"));
  feed.onKnown(1);
  await Promise.resolve();
  assertEquals(log, ["start"]);
  feed.onKnown(2);
  await Promise.resolve();
  assertEquals(log, ["start", "b"]);
  feed.end();
  await Promise.resolve();
  assertEquals(log, ["start", "b", "c"]);
  assertEquals(feed.whenKnown(), null);
});

Deno.test("InterestFeed says only of changes that they were told when all before them were", () => {
  const { table, feed } = world();
  feed.next();
  const filters = Array.from({ length: 5000 }, (_, i) => `device/${i}/temperature`);
  for (const filter of filters) table.onAdded(filter, 0);
  // Each changes again, in the same order, before anything was sent.
  for (const filter of filters) table.onAdded(filter, 1);
  const [first, , told] = wordsOf(feed.next())!;
  assertEquals(told, 1 + first.length);
  const [rest, , all] = wordsOf(feed.next())!;
  assertEquals([first.length + rest.length < 5000, all], [true, 1 + first.length + rest.length]);
});

Deno.test("InterestFeed.ask() has the other node answer although nothing has changed", async () => {
  const { feed } = world("a");
  feed.next();
  feed.onKnown(1);
  assertEquals(feed.whenKnown(), null);
  feed.ask();
  let isKnown = false;
  feed.whenKnown()!.then(() => isKnown = true);
  assertEquals(wordsOf(feed.next()), [[], 0, 2]);
  assertEquals(feed.next(), null);
  feed.onKnown(2);
  await Promise.resolve();
  assertEquals(isKnown, true);
});
