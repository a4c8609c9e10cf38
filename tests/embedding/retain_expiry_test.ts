/**
 * `retainExpiry`: how long retained messages stay that have no expiry of their own.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { Broker } from "../../mod.ts";
import { RETAIN_EXPIRY_RULES_MAX } from "../../broker/base/retain_expiry.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import type { Store } from "../../store/store.ts";
import { Scene } from "../streams/_scene.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

const RULES: readonly { filter: string; seconds: number }[] = [
  { filter: "a/keep", seconds: 0 },
  { filter: "a/#", seconds: 100 },
  { filter: "+/b", seconds: 10 },
];

/** A scene with the rules. */
function open(store: Store | null = null, retainExpiry = [...RULES], clock = new VirtualClock()) {
  return Scene.open({ store, retainExpiry, clock } as Parameters<typeof Scene.open>[0], []);
}

/** What is retained. */
async function retained({ broker, clock }: Scene): Promise<string[]> {
  await clock.settle();
  const topics: string[] = [];
  for (const message of broker.inspection.retained("#")) {
    if (message !== null) topics.push(message.name);
  }
  return topics.toSorted();
}

async function fill({ broker }: Scene): Promise<void> {
  for (const topic of ["a/b", "a/keep", "x/b", "other"]) {
    await broker.publish(topic, "x", { retain: true, qos: 1 });
  }
  const properties = { messageExpiryInterval: 50 };
  await broker.publish("a/own", "x", { retain: true, qos: 1, properties });
}

Deno.test("the first filter that matches says how long a retained message stays without an expiry of its own", async () => {
  await using scene = await open();
  await fill(scene);
  await scene.clock.advance(9000);
  assertEquals(await retained(scene), ["a/b", "a/keep", "a/own", "other", "x/b"]);
  await scene.clock.advance(1000);
  assertEquals(await retained(scene), ["a/b", "a/keep", "a/own", "other"]);
  await scene.clock.advance(40_000);
  assertEquals(await retained(scene), ["a/b", "a/keep", "other"]);
  await scene.clock.advance(50_000);
  assertEquals(await retained(scene), ["a/keep", "other"]);
  assertEquals(scene.broker.stats.retainedMessages, 2);
});

Deno.test("a retained message that is replaced stays from then on, and is sent as it was published", async () => {
  await using scene = await open();
  await scene.broker.publish("x/b", "1", { retain: true });
  await scene.clock.advance(6000);
  await scene.broker.publish("x/b", "2", { retain: true });
  await scene.clock.advance(6000);
  const client = await scene.join();
  await client.subscribe("x/b");
  const [got] = await client.take("publish");
  assertEquals([new TextDecoder().decode(got!.payload), got!.properties], ["2", {}]);
  await scene.clock.advance(4000);
  assertEquals(await retained(scene), []);
});

Deno.test("a restart neither prolongs nor forgets the time of a retained message, and goes by the rules of then", async () => {
  const store = new MemoryStore();
  const scene = await open(store);
  await fill(scene);
  await scene.clock.advance(7000);
  const left = store.snapshot();
  await scene[Symbol.asyncDispose]();

  // The wall clock of a scene goes by its clock: 7 s have passed again.
  const clock = new VirtualClock();
  await clock.advance(7000);
  const again = await open(MemoryStore.from(left), [...RULES], clock);
  assertEquals(await retained(again), ["a/b", "a/keep", "a/own", "other", "x/b"]);
  await clock.advance(3000);
  assertEquals(await retained(again), ["a/b", "a/keep", "a/own", "other"]);
  await again[Symbol.asyncDispose]();

  const copy = MemoryStore.from(left);
  const later = new VirtualClock();
  await later.advance(20_000);
  await using other = await open(copy, [{ filter: "other", seconds: 15 }], later);
  await other.clock.advance(1);
  assertEquals(await retained(other), ["a/b", "a/keep", "a/own", "x/b"]);
  assertEquals(copy.snapshot().get("retained")!.length, 4);
});

Deno.test("a hundred thousand retained messages that are due together are removed in turns", async () => {
  await using scene = await open(null, [{ filter: "#", seconds: 5 }] as never);
  for (let i = 0; i < 100_000; i++) scene.broker.publish(`t/${i}`, "x", { retain: true });
  assertEquals(scene.broker.stats.retainedMessages, 100_000);
  await scene.clock.advance(5000);
  assertEquals(scene.broker.stats.retainedMessages, 0);
});

Deno.test("retainExpiry that cannot be used is refused, and named", () => {
  const wrong = [
    [[{ filter: "a/#/b", seconds: 1 }], "a/#/b"],
    [[{ filter: "$share/g/a", seconds: 1 }], "shared"],
    [[{ filter: "a", seconds: -1 }], "-1"],
    [[{ filter: "a", seconds: 1.5 }], "1.5"],
    [Array(RETAIN_EXPIRY_RULES_MAX + 1).fill({ filter: "a", seconds: 1 }), "101 rules"],
  ] as const;
  for (const [retainExpiry, text] of wrong) {
    assertThrows(() => new Broker({ retainExpiry }), RangeError, text);
  }
});
