/**
 * `$delayed/SECONDS/TOPIC`: messages that are published later.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type BrokerOptions, QuotaExceededError } from "../../mod.ts";
import type { Batch } from "../../store/batch.ts";
import { MemoryStore, type StoreSnapshot } from "../../store/memory_store.ts";
import type { Store } from "../../store/store.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { Scene, type SceneClient } from "../streams/_scene.ts";

/** A scene in which messages are delayed. */
function open(
  store: Store | null = null,
  options: BrokerOptions & { clock?: VirtualClock } = {},
): Promise<Scene> {
  return Scene.open({ store, delayed: true, ...options } as Parameters<typeof Scene.open>[0], []);
}

/** A client that is subscribed to everything. */
async function subscriber(scene: Scene): Promise<SceneClient> {
  const client = await scene.join("subscriber");
  await client.subscribe("#", { qos: 1 });
  return client;
}

async function codesOf(client: SceneClient): Promise<number[]> {
  return (await client.take("puback")).map(({ reasonCode }) => reasonCode);
}

Deno.test("a delayed message is published when it is due, with its QoS, RETAIN and properties", async () => {
  await using scene = await open();
  const client = await subscriber(scene);
  const properties = { contentType: "x" };
  await scene.broker.publish("$delayed/10/a/b", "later", { qos: 1, retain: true, properties });
  await scene.clock.advance(9999);
  assertEquals(await client.payloads(), []);
  assertEquals([scene.broker.stats.delayedMessages, scene.broker.stats.retainedMessages], [1, 0]);
  await scene.clock.advance(101);
  const got = await client.take("publish");
  assertEquals(got.map(({ topic, qos, properties }) => [topic, qos, properties]), [
    ["a/b", 1, properties],
  ]);
  const { delayedMessages, delayedBytes, messagesDelayed, retainedMessages } = scene.broker.stats;
  assertEquals([delayedMessages, delayedBytes, messagesDelayed, retainedMessages], [0, 0, 1, 1]);
});

Deno.test("without the option, $delayed/… is a topic like others", async () => {
  await using scene = await open(null, { delayed: false });
  const client = await scene.join();
  await client.subscribe("$delayed/#");
  scene.broker.publish("$delayed/10/a", "now");
  assertEquals(await client.payloads(), ["now"]);
});

Deno.test("messages with the same delay are published in the order in which they came", async () => {
  await using scene = await open();
  const client = await subscriber(scene);
  const names: string[] = [];
  for (let i = 0; i < 500; i++) {
    names.push(`${i}`);
    await scene.broker.publish("$delayed/3/t", `${i}`, { qos: 1 });
    if (i % 50 === 0) await scene.clock.advance(7);
  }
  await scene.clock.advance(4000);
  assertEquals(await client.payloads(), names);
});

Deno.test("QoS 1 is acknowledged with the commit that holds the delayed message, or refused if that fails", async () => {
  const store = new ManualStore();
  await using scene = await open(store);
  const publisher = await scene.join("publisher");
  const client = await subscriber(scene);
  store.mode = "wait";
  await publisher.publish("$delayed/5/t", "kept", 1);
  assertEquals(await codesOf(publisher), []);
  assert(store.isWaiting);
  store.settle(true);
  assertEquals(await codesOf(publisher), [0]);
  await publisher.publish("$delayed/5/t", "lost", 1);
  store.settle(false);
  assertEquals(await codesOf(publisher), [0x97]);
  store.mode = "succeed";
  await scene.clock.advance(6000);
  assertEquals(await client.payloads(), ["kept"]);
  assertEquals(scene.broker.stats.delayedMessages, 0);
  assertEquals(store.snapshot().get("delayed"), []);
});

Deno.test("delayed messages survive a restart; those that were due meanwhile are published at the start", async () => {
  const store = new MemoryStore();
  const before = await open(store);
  const away = await before.join("away", 5, { expiry: 1000 });
  await away.subscribe("#", { qos: 1 });
  await away.leave();
  for (const [seconds, text] of [[60, "late"], [5, "1"], [5, "2"], [0, "0"]] as const) {
    await before.broker.publish(`$delayed/${seconds}/t`, text, { qos: text === "1" ? 0 : 1 });
  }
  await before.clock.settle();
  const left = store.snapshot();
  await before[Symbol.asyncDispose]();

  // The clock of the scene begins with its wall clock, so ten seconds pass before it opens.
  const clock = new VirtualClock();
  await clock.advance(10_000);
  await using after = await open(MemoryStore.from(left), { clock, delayed: false });
  const back = await after.join("away", 5, { clean: false, expiry: 1000 });
  await after.clock.advance(200);
  // "1" is of QoS 0, and finds its receiver connected only if that was quick.
  const texts = (await back.payloads()).filter((text) => text !== "1");
  assertEquals(texts.toSorted(), ["0", "2"]);
  await after.clock.advance(60_000);
  assertEquals(await back.payloads(), ["late"]);
});

/** A store that remembers what a crash would have left behind after each commit. */
class Recorder extends ManualStore {
  readonly left: StoreSnapshot[] = [];

  override async commit(batch: Batch): Promise<void> {
    await super.commit(batch);
    this.left.push(this.snapshot());
  }
}

for (const qos of [0, 1, 2] as const) {
  Deno.test(`after a crash between any two commits a delayed message of QoS ${qos} is published once`, async () => {
    const store = new Recorder();
    const scene = await open(store);
    const away = await scene.join("away", 5, { expiry: 1000 });
    await away.subscribe("t", { qos: 2 });
    await away.leave();
    const before = store.left.length;
    await scene.broker.publish("$delayed/1/t", "x", { qos, retain: true });
    await scene.clock.advance(3000);
    await scene[Symbol.asyncDispose]();
    /** How many rows of delayed messages were left behind by the commits. */
    const rows = store.left.slice(before).map((left) => left.get("delayed")!.length);
    assertEquals([rows[0], rows.at(-1), new Set(rows).size], [1, 0, 2]);
    for (const left of store.left.slice(before)) {
      const again = await open(MemoryStore.from(left), { clock: new VirtualClock() });
      await again.clock.advance(3000);
      const { messages } = again.broker.inspection.session("away")!.waiting;
      const { delayedMessages, retainedMessages } = again.broker.stats;
      assertEquals([messages, delayedMessages, retainedMessages], [qos === 0 ? 0 : 1, 0, 1]);
      await again[Symbol.asyncDispose]();
    }
  });
}

Deno.test("a delayed message that is due while the disk is full waits, and is published when there is room", async () => {
  const store = new ManualStore();
  await using scene = await open(store);
  const away = await scene.join("away", 5, { expiry: 1000 });
  await away.subscribe("t", { qos: 1 });
  await away.leave();
  await scene.broker.publish("$delayed/5/t", "x", { qos: 1 });
  store.mode = "fail";
  scene.broker.publish("t", "refused or not", { qos: 1 }).catch(() => {});
  await scene.clock.advance(20_000);
  assertEquals(scene.broker.stats.delayedMessages, 1);
  store.mode = "succeed";
  await scene.clock.advance(5000);
  assertEquals(scene.broker.stats.delayedMessages, 0);
  const back = await scene.join("away", 5, { clean: false, expiry: 1000 });
  assertEquals((await back.payloads()).filter((text) => text === "x"), ["x"]);
});

Deno.test("the expiry of a delayed message counts from the time at which it is due", async () => {
  const store = new MemoryStore();
  const scene = await open(store);
  const client = await subscriber(scene);
  const properties = { messageExpiryInterval: 7 };
  await scene.broker.publish("$delayed/100/t", "x", { qos: 1, properties });
  await scene.broker.publish("$delayed/200/t", "y", { qos: 1, properties });
  await scene.clock.advance(100_100);
  const [got] = await client.take("publish");
  assertEquals(got!.properties.messageExpiryInterval, 7);
  const left = store.snapshot();
  await scene[Symbol.asyncDispose]();
  const clock = new VirtualClock();
  await clock.advance(208_000);
  await using after = await open(MemoryStore.from(left), { clock });
  await after.clock.advance(100);
  assertEquals([after.broker.stats.delayedMessages, after.broker.stats.dropped.expired], [0, 1]);
});

Deno.test("the authorizer is asked about the topic behind $delayed, and topics of the broker's own are refused", async () => {
  const asked: string[] = [];
  await using scene = await open(null, {
    authorizer: {
      mayPublish: (_client, { topic }) => {
        asked.push(topic);
        return topic !== "secret";
      },
      maySubscribe: () => true,
    },
  });
  const publisher = await scene.join("publisher");
  const client = await subscriber(scene);
  await publisher.publish("$delayed/1/open", "x", 1);
  await publisher.publish("$delayed/1/secret", "x", 1);
  await publisher.publish("$delayed/1/$SYS/broker/version", "x", 1);
  assertEquals(asked, ["open", "secret"]);
  assertEquals(await codesOf(publisher), [0, 0x87, 0x87]);
  await scene.clock.advance(2000);
  assertEquals((await client.take("publish")).map(({ topic }) => topic), ["open"]);
});

Deno.test("a topic of delayed messages that is not valid is refused with 0x90, and counted", async () => {
  await using scene = await open(null, { limits: { delaySecondsMax: 100 } });
  const publisher = await scene.join("publisher");
  const older = await scene.join("older", 4);
  const wrong = [
    "x/t",
    "1",
    "1/",
    "/t",
    "-1/t",
    "1.5/t",
    "101/t",
    "1/$delayed/1/t",
    "99999999999/t",
  ];
  for (const rest of wrong) {
    await publisher.publish(`$delayed/${rest}`, "x", 1);
    await assertRejects(
      () => scene.broker.publish(`$delayed/${rest}`, "x"),
      TypeError,
      "$delayed/SECONDS",
    );
  }
  assertEquals(await codesOf(publisher), wrong.map(() => 0x90));
  // 3.x cannot be told [MQTT-3.3.5-2].
  await older.publish("$delayed/x/t", "x", 1);
  assertEquals(await codesOf(older), [0]);
  assertEquals(scene.broker.stats.dropped.delayed, wrong.length + 1);
  assertEquals(scene.broker.stats.delayedMessages, 0);
});

Deno.test("delayedMessagesMax: one more is refused with 0x97, or dropped at QoS 0, and counted", async () => {
  await using scene = await open(null, { limits: { delayedMessagesMax: 2 } });
  const publisher = await scene.join("publisher");
  for (let i = 0; i < 3; i++) await publisher.publish("$delayed/9/t", "x", 1);
  await publisher.publish("$delayed/9/t", "x", 0);
  assertEquals(await codesOf(publisher), [0, 0, 0x97]);
  const { dropped, limited, messagesRefused, delayedMessages } = scene.broker.stats;
  assertEquals([dropped.delayed, limited.delayed, messagesRefused, delayedMessages], [1, 2, 1, 2]);
  const error = await scene.broker.publish("$delayed/9/t", "x", { qos: 1 }).catch((error) => error);
  assert(error instanceof QuotaExceededError);
});

Deno.test("behind a mount point, the prefix goes before the topic of a delayed message", async () => {
  await using scene = await open(null, { rules: { mountPoint: "site/" } });
  const publisher = await scene.join("publisher");
  const messages = scene.broker.subscribe("#");
  await publisher.publish("$delayed/1/t", "x", 1);
  assertEquals(await codesOf(publisher), [0]);
  await scene.clock.advance(1100);
  const { value } = await messages.next();
  assertEquals(value!.topic, "site/t");
  await messages.return?.();
});
