/**
 * Streams that keep the last messages of each topic, as clients see them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { StreamOptions } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { DAY, type Received, Scene, type SceneClient } from "./_scene.ts";

const STATE: StreamOptions = { ...DAY, name: "state", compact: "topic" };

/** What a client has got, each as `topic payload`, with the marks of gaps. */
async function got(client: SceneClient): Promise<string[]> {
  return (await client.take("publish")).map((message: Received) => {
    const { topic, payload, properties: { userProperties = [] } } = message;
    const gap = userProperties.find(([name]) => name === "stream-gap");
    const text = `${topic} ${new TextDecoder().decode(payload)}`.trimEnd();
    return gap === undefined ? text : `${text} gap ${gap[1]}`;
  });
}

function from(position: string, qos: 0 | 1 = 0) {
  return { qos, user: [["stream-offset", position]] as [string, string][] };
}

for (const store of ["a store", "no store"]) {
  Deno.test(`with ${store}, a reader gets the last message of each topic, and what is deleted later`, async () => {
    await using scene = await Scene.open(
      { store: store === "a store" ? new MemoryStore() : null },
      [STATE],
    );
    const publisher = await scene.join("publisher");
    for (const message of ["t/a 1", "t/b 1", "t/a 2", "t/c 1", "t/c"]) {
      const [topic, payload = ""] = message.split(" ");
      await publisher.publish(topic!, payload, 1);
    }
    const reader = await scene.join("reader");
    const suback = await reader.subscribe("t/#", from("earliest"));
    assertEquals(suback.properties.userProperties, [
      ["stream-first", "1"],
      ["stream-last", "5"],
      ["stream-start", "1"],
    ]);
    assertEquals(await got(reader), ["t/b 1", "t/a 2"]);
    await publisher.publish("t/b", "");
    await publisher.publish("t/a", "3");
    assertEquals(await got(reader), ["t/b", "t/a 3"]);
    const late = await scene.join("late", 4);
    await late.subscribe("$replay/state/earliest/t/#");
    assertEquals(await got(late), ["$replay/state/earliest/t/a 3"]);
  });
}

Deno.test("a session that comes back gets what was deleted meanwhile, and no mark of a gap", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store }, [STATE]);
    const reader = await scene.join("reader", 5, { expiry: 1000 });
    await reader.subscribe("t/#", from("earliest", 1));
    for (const topic of ["t/a", "t/b", "t/c"]) scene.broker.publish(topic, "1");
    assertEquals(await got(reader), ["t/a 1", "t/b 1", "t/c 1"]);
    await reader.leave();
    for (const text of ["t/a 2", "t/b", "t/a 3"]) {
      const [topic, payload = ""] = text.split(" ");
      scene.broker.publish(topic!, payload);
    }
    await scene.clock.settle();
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) }, [STATE]);
  const reader = await scene.join("reader", 5, { clean: false, expiry: 1000 });
  assertEquals(await got(reader), ["t/b", "t/a 3"]);
  assertEquals(scene.broker.stats.dropped["stream-gap"], 0);
});

Deno.test("what a purge takes from the midst of a stream is told as a gap", async () => {
  await using scene = await Scene.open();
  for (const topic of ["t/a", "t/b", "t/b", "t/a", "t/b"]) scene.broker.publish(topic, "x");
  await scene.clock.settle();
  const purged = scene.broker.stream("day")!.purge({ filter: "t/b", before: 5 });
  await scene.clock.advance(10);
  await purged;
  const reader = await scene.join("reader");
  await reader.subscribe("t/#", from("earliest"));
  assertEquals(await got(reader), ["t/a x", "t/a x gap 2..3", "t/b x"]);
  assertEquals(scene.broker.stats.dropped["stream-gap"], 2);
});

for (const limits of [{ compact: "topic" }, { maxPerTopic: 2 }] as const) {
  Deno.test(`${Object.keys(limits)}: what a full disk has kept out is a gap, for readers at that time and after a restart`, async () => {
    const store = new ManualStore();
    const state: StreamOptions = { ...DAY, name: "state", ...limits };
    {
      await using scene = await Scene.open({ store }, [state]);
      const reader = await scene.join("reader");
      await reader.subscribe("t/#", from("earliest"));
      const client = await scene.join("ann");
      for (const topic of ["t/a", "t/b"]) await client.publish(topic, "1", 1);
      store.mode = "fail";
      // The first one finds out that the disk is full. It is refused.
      await client.publish("t/a", "2", 1);
      for (const payload of ["3", "4"]) await client.publish("t/c", payload, 0);
      store.mode = "succeed";
      await scene.clock.advance(2000);
      await client.publish("t/a", "5", 1);
      await client.publish("t/b", "6", 1);
      assertEquals(await got(reader), ["t/a 1", "t/b 1", "t/a 5 gap 4..5", "t/b 6"]);
      assertEquals(scene.broker.stats.dropped["stream-gap"], 2);
    }
    await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) }, []);
    // It reads every message in turns, to learn the topics.
    const declared = scene.broker.declareStream(state);
    await scene.clock.advance(1000);
    await declared;
    const reader = await scene.join("reader");
    await reader.subscribe("t/#", from("after=2"));
    assertEquals(await got(reader), ["t/a 5 gap 4..5", "t/b 6"]);
    const late = await scene.join("late");
    await late.subscribe("t/#", from("from=6"));
    assertEquals(await got(late), ["t/a 5", "t/b 6"]);
  });
}
