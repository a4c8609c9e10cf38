/**
 * A message that a stream keeps and that waits for a session is stored once.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { StreamOptions } from "../../mod.ts";
import { MemoryStore, type StoreSnapshot } from "../../store/memory_store.ts";
import { numberKey } from "../../store/record.ts";
import type { Table } from "../../store/store.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { DAY, Scene, texts } from "./_scene.ts";

const AWAY = { clean: false, expiry: 3600 };

/** So long that some hundred messages fill a chunk. */
const LONG = "x".repeat(200);

/** What a payload says in front of what makes it long. */
function short(payloads: readonly string[]): string[] {
  return payloads.map((payload) => payload.replaceAll("x", ""));
}

/** Bytes of the rows of a table. */
function bytesOf(snapshot: StoreSnapshot, table: Table): number {
  return (snapshot.get(table) ?? []).reduce((sum, { value }) => sum + value.length, 0);
}

/** A scene with a session that is away, for which so many messages wait. */
async function awayScene(store: MemoryStore | ManualStore, count: number, stream: StreamOptions) {
  const scene = await Scene.open({ store }, [stream]);
  const client = await scene.join("away", 5, AWAY);
  await client.subscribe("t/#", { qos: 1 });
  await client.leave();
  await publish(scene, 1, count);
  return scene;
}

/** Publishes messages, ten in a commit, which the session gets as well. */
async function publish(scene: Scene, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) {
    void scene.broker.publish("t/1", `${i}${LONG}`, { qos: 1 });
    if (i % 10 === 0) await scene.clock.settle();
  }
  await scene.clock.settle();
}

/** What the session gets when it comes back. */
async function comeBack(scene: Scene): Promise<string[]> {
  const client = await scene.join("away", 5, AWAY);
  const payloads = await client.payloads();
  await client.leave();
  return short(payloads);
}

Deno.test("a message for a session that is away and a stream is stored once, and comes after a crash", async () => {
  const store = new MemoryStore();
  await using scene = await awayScene(store, 100, DAY);
  const left = store.snapshot();
  assert(bytesOf(left, "stream_chunks") > 100 * LONG.length);
  assert(bytesOf(left, "messages") < 100 * 20, `${bytesOf(left, "messages")} bytes`);
  await using again = await Scene.open({ store: MemoryStore.from(left) });
  assertEquals(await comeBack(again), texts(1, 100));
  assertEquals(again.broker.stats.messagesLost, 0);
  // Also if nobody declares the stream any more.
  await using bare = await Scene.open({ store: MemoryStore.from(left) }, []);
  assertEquals(await comeBack(bare), texts(1, 100));
  assertEquals(await comeBack(scene), texts(1, 100));
});

const LIMITED: Record<string, Partial<StreamOptions>> = {
  "maxMessages": { maxMessages: 20 },
  "maxBytes": { maxBytes: 5000 },
  "maxPerTopic": { maxMessages: 1000, maxPerTopic: 20 },
};

for (const [what, limits] of Object.entries(LIMITED)) {
  Deno.test(`what ${what} drops is copied to the session that waits for it, and then removed`, async () => {
    const store = new MemoryStore();
    await using scene = await awayScene(store, 1500, { name: "day", filters: ["t/#"], ...limits });
    await scene.clock.advance(1000);
    assert(scene.broker.stream("day")!.messages <= 24);
    const left = store.snapshot();
    // The stream itself has a chunk or two.
    assert(bytesOf(left, "stream_chunks") < 150_000, `${bytesOf(left, "stream_chunks")}`);
    assert(bytesOf(left, "messages") > 800 * LONG.length);
    const { clock } = scene;
    await using again = await Scene.open({ store: MemoryStore.from(left), clock }, []);
    assertEquals(await comeBack(again), texts(1, 1500));
    assertEquals(await comeBack(scene), texts(1, 1500));
    assertEquals(scene.broker.stats.messagesLost, 0);
  });
}

const DROPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  "the age of the stream": (scene) => scene.clock.advance(2_000_000),
  "a purge": (scene) => scene.broker.stream("day")!.purge({ before: 501 }),
  "a purge by topic": (scene) => scene.broker.stream("day")!.purge({ filter: "t/1" }),
  "a purge of the oldest": (scene) => scene.broker.stream("day")!.purge({ before: 200 }),
  "removing the stream": (scene) => scene.broker.removeStream("day"),
};

for (const [what, drop] of Object.entries(DROPS)) {
  Deno.test(`a session gets what waits for it after ${what}`, async () => {
    const store = new MemoryStore();
    const stream = { name: "day", filters: ["t/#"], maxAgeMs: 1_800_000 };
    await using scene = await awayScene(store, 500, stream);
    const dropping = drop(scene);
    await scene.clock.advance(1000);
    await dropping;
    await scene.broker.publish("other", "", { qos: 1 });
    await scene.clock.settle();
    const left = store.snapshot();
    if (what.includes("remov")) {
      for (const table of ["streams", "stream_chunks", "stream_index"] as const) {
        assertEquals(left.get(table), [], table);
      }
    }
    await using again = await Scene.open({ store: MemoryStore.from(left), clock: scene.clock }, []);
    assertEquals(await comeBack(again), texts(1, 500));
    assertEquals(await comeBack(scene), texts(1, 500));
    assertEquals(again.broker.stats.messagesLost + scene.broker.stats.messagesLost, 0);
  });
}

Deno.test("a crash between any two commits of a drop loses nothing that waits", async () => {
  const snapshots: StoreSnapshot[] = [];
  const store: MemoryStore = new MemoryStore({
    defer: (done) =>
      queueMicrotask(() => {
        snapshots.push(store.snapshot());
        done();
      }),
  });
  await using scene = await awayScene(store, 600, DAY);
  snapshots.length = 0;
  await scene.broker.removeStream("day");
  await scene.clock.settle();
  snapshots.push(store.snapshot());
  assert(snapshots.length > 3);
  for (const left of snapshots) {
    for (const streams of [[], [DAY], [{ ...DAY, maxMessages: 5 }]]) {
      const { clock } = scene;
      const restarted = MemoryStore.from(left);
      await using again = await Scene.open({ store: restarted, clock }, streams);
      // What the crash has interrupted goes on by itself.
      await clock.advance(1000);
      if (streams.length > 0) {
        const { messages } = again.broker.stream("day")!;
        const rest = bytesOf(restarted.snapshot(), "stream_chunks");
        // The open chunk is not yet full.
        assert(rest < messages * 1.2 * LONG.length + 70_000, `${rest} bytes`);
      }
      assertEquals(await comeBack(again), texts(1, 600));
      assertEquals(again.broker.stats.messagesLost, 0);
    }
  }
});

Deno.test("a commit that fails makes no reference to what the stream has dropped since", async () => {
  const store = new ManualStore();
  await using scene = await awayScene(store, 10, { ...DAY, maxMessages: 5 });
  store.mode = "wait";
  const stored = [scene.broker.publish("t/1", `11${LONG}`, { qos: 1 })];
  await scene.clock.settle();
  for (let i = 12; i <= 20; i++) {
    stored.push(scene.broker.publish("t/1", `${i}${LONG}`, { qos: 1 }));
  }
  // The stream drops what this commit would have stored.
  assertEquals(scene.broker.stream("day")!.first, 16);
  store.mode = "succeed";
  store.settle(false);
  await scene.clock.advance(3000);
  await Promise.all(stored);
  assertEquals(await comeBack(scene), texts(1, 20));
  assertEquals(scene.broker.stats.messagesLost, 0);
});

Deno.test("a stream whose messages cannot be copied is not removed, and neither are they", async () => {
  const store = new ManualStore();
  await using scene = await awayScene(store, 400, DAY);
  store.mode = "fail";
  const removing = scene.broker.removeStream("day");
  await scene.clock.advance(5000);
  const left = store.snapshot();
  store.mode = "succeed";
  await scene.clock.advance(5000);
  assertEquals(await removing, true);
  await using again = await Scene.open({ store: MemoryStore.from(left), clock: scene.clock });
  assertEquals(await comeBack(again), texts(1, 400));
});

Deno.test("a message that the store has lost with its stream is counted and told", async () => {
  const store = new MemoryStore();
  await using scene = await awayScene(store, 20, DAY);
  const left = new Map(store.snapshot());
  left.set("stream_chunks", []);
  const again = await Scene.open({ store: MemoryStore.from(left), clock: scene.clock });
  assertEquals(await comeBack(again), []);
  assertEquals(again.broker.stats.messagesLost, 20);
  const told = again.failures.splice(0).map((error) => (error as Error).message);
  assertEquals(told, ["Stream 1 has lost messages that sessions need: 20"]);
  await again[Symbol.asyncDispose]();
});

Deno.test("an interval goes on while a message is in the stream alone", async () => {
  const store = new MemoryStore();
  const clock = new VirtualClock();
  await using scene = await Scene.open({ store, clock });
  const client = await scene.join("away", 5, AWAY);
  await client.subscribe("t/#", { qos: 1 });
  await client.leave();
  const properties = { messageExpiryInterval: 100, contentType: "text" };
  await scene.broker.publish("t/1", "1", { qos: 1, properties });
  await scene.broker.publish("t/1", "2", { qos: 1, properties: { messageExpiryInterval: 20 } });
  const left = store.snapshot();
  await clock.advance(30_000);
  await using again = await Scene.open({ store: MemoryStore.from(left), clock });
  const back = await again.join("away", 5, AWAY);
  const [message, ...more] = await back.take("publish");
  assertEquals(more, []);
  assertEquals(message!.properties, { messageExpiryInterval: 70, contentType: "text" });
});

Deno.test("a reference to another chunk than that of the stream is never followed", async () => {
  const store = new MemoryStore();
  await using scene = await awayScene(store, 20, DAY);
  const left = new Map(store.snapshot());
  // As if the records had moved: the sequence does not fit.
  const rows = left.get("stream_chunks")!.map((row) => ({ ...row, key: numberKey(1, 1000) }));
  left.set("stream_chunks", rows);
  const again = await Scene.open({ store: MemoryStore.from(left), clock: scene.clock }, []);
  assertEquals(await comeBack(again), []);
  assertEquals(again.broker.stats.messagesLost, 20);
  again.failures.splice(0);
  await again[Symbol.asyncDispose]();
});
