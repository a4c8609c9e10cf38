import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { TimeSlices, WAITING_MAX } from "../time_slices.ts";
import { LiveFeed, VIEWERS_MAX } from "./live_feed.ts";
import type { Viewer } from "./viewer.ts";

/** A feed of a broker whose time stands still until a test moves it. */
async function withFeed(use: (stage: FeedStage) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const stage = new FeedStage(clock, broker);
  try {
    await use(stage);
  } finally {
    stage.feed.close();
    stage.slices.close();
  }
}

class FeedStage {
  readonly slices: TimeSlices;
  readonly feed: LiveFeed;
  /** What work in slices waits for. */
  turn: Promise<void> = Promise.resolve();
  /** How many snapshots were made. */
  snapshots = 0;
  readonly clock: VirtualClock;
  readonly broker: Broker;

  constructor(clock: VirtualClock, broker: Broker) {
    this.clock = clock;
    this.broker = broker;
    this.slices = new TimeSlices({ clock, nextTurn: () => this.turn });
    this.feed = new LiveFeed({
      inspection: broker.inspection,
      slices: this.slices,
      snapshot: () => ({ event: "snapshot", number: ++this.snapshots }),
      refresh: () => Promise.resolve(),
    });
  }

  open(topics = false, payloads = true): Viewer {
    return this.feed.open({ topics, payloads })!;
  }

  async seconds(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.clock.advance(1000);
  }
}

/** Reads lines that are there already. */
async function linesOf(viewer: Viewer, count: number): Promise<Record<string, unknown>[]> {
  const reader = viewer.stream.getReader();
  const lines: Record<string, unknown>[] = [];
  while (lines.length < count) {
    const { value } = await reader.read();
    lines.push(
      ...new TextDecoder().decode(value).trim().split("\n").map((line) => JSON.parse(line)),
    );
  }
  reader.releaseLock();
  return lines;
}

Deno.test("LiveFeed makes one snapshot a second for all who look, and none for nobody", async () => {
  await withFeed(async (stage) => {
    await stage.seconds(5);
    assertEquals(stage.snapshots, 0);
    const [one, other] = [stage.open(), stage.open()];
    await stage.clock.advance(0);
    await stage.seconds(2);
    assertEquals(stage.snapshots, 3);
    assertEquals(await linesOf(one, 3), await linesOf(other, 3));
    await one.stream.cancel();
    await other.stream.cancel();
    assertEquals(stage.feed.viewers, 0);
    const before = stage.snapshots;
    await stage.seconds(5);
    assertEquals(stage.snapshots, before);
  });
});

Deno.test(`LiveFeed takes ${VIEWERS_MAX} pages at once`, async () => {
  await withFeed(async (stage) => {
    const viewers = Array.from({ length: VIEWERS_MAX }, () => stage.open());
    assertEquals(stage.feed.open({ topics: false, payloads: true }), null);
    await viewers[0]!.stream.cancel();
    assert(stage.open() !== null);
  });
});

Deno.test("LiveFeed watches topics only while somebody looks at them, and a minute more", async () => {
  await withFeed(async (stage) => {
    const plain = stage.open();
    assertEquals(stage.feed.tree, null);
    const viewer = stage.open(true);
    await stage.broker.publish("a/b", "1");
    assertEquals(stage.feed.tree?.find("a/b")?.messages, 1);
    await viewer.stream.cancel();
    await stage.seconds(59);
    assert(stage.feed.tree !== null);
    await stage.seconds(2);
    assertEquals(stage.feed.tree, null);
    await plain.stream.cancel();
  });
});

Deno.test("LiveFeed sends the whole tree first, then what changes, with payloads to whom they are for", async () => {
  await withFeed(async (stage) => {
    const [open, closed] = [stage.open(true, true), stage.open(true, false)];
    await stage.broker.publish("a", "secret");
    await stage.seconds(2);
    const told = async (viewer: Viewer) => {
      const lines = await linesOf(viewer, 5);
      assertEquals(lines.filter(({ event }) => event === "topics-begin").length, 1);
      return JSON.stringify(lines);
    };
    assert((await told(open)).includes("secret"));
    assert(!(await told(closed)).includes("secret"));
    await stage.broker.publish("a", "changed");
    await stage.seconds(1);
    assert(JSON.stringify(await linesOf(open, 2)).includes("changed"));
  });
});

Deno.test("LiveFeed skips lines for a page that takes none, and sends it the whole tree again", async () => {
  await withFeed(async (stage) => {
    const viewer = stage.open(true);
    await stage.seconds(2);
    assert(viewer.hasTree);
    const filler = new Uint8Array(1024 * 1024).fill(32);
    while (viewer.hasRoom) viewer.send(filler);
    assertEquals(stage.feed.skipped, 0);
    await stage.broker.publish("missed", "1");
    await stage.seconds(2);
    assert(!viewer.hasTree);
    // Two snapshots, and one line about topics.
    assertEquals(stage.feed.skipped, 3);
    const reader = viewer.stream.getReader();
    for (let taken = 0; taken < 2 * filler.length;) taken += (await reader.read()).value!.length;
    reader.releaseLock();
    await stage.seconds(2);
    assert(viewer.hasTree);
    assertEquals((await linesOf(viewer, 2)).some(({ event }) => event === "topics-begin"), true);
  });
});

Deno.test("LiveFeed tells what changes while the tree is on its way after the tree", async () => {
  await withFeed(async (stage) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    stage.turn = promise;
    const viewer = stage.open(true);
    await stage.seconds(1);
    await stage.broker.publish("late", "1");
    await stage.seconds(1);
    resolve();
    await stage.seconds(1);
    const events = (await linesOf(viewer, 6)).map(({ event }) => event);
    const topics = events.filter((event) => event !== "snapshot");
    assertEquals(topics, ["topics-begin", "topics", "topics"]);
  });
});

Deno.test("LiveFeed sends the tree later when too much other work waits", async () => {
  await withFeed(async (stage) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    stage.turn = promise;
    const others = Array.from({ length: WAITING_MAX }, () => stage.slices.run(nothing()));
    const viewer = stage.open(true);
    await stage.seconds(2);
    assert(!viewer.hasTree);
    assertEquals(stage.broker.stats.internalErrors, 0);
    resolve();
    const all = Promise.all(others);
    await stage.seconds(2);
    await all;
    await stage.seconds(1);
    assert(viewer.hasTree);
  });
});

function* nothing(): Generator<void, void, void> {}
