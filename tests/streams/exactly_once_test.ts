/**
 * Readings with QoS 2: each message comes once, whatever is lost on the way [MQTT-4.3.3].
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { MemoryStore } from "../../store/mod.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { DAY, type Joining, type Received, Scene, type SceneClient, texts } from "./_scene.ts";

/** The part of a client that outlives its connections: what it has got, and not released. */
class Receiver {
  /** The payloads, each as often as it came. */
  readonly got: string[] = [];
  readonly #held = new Set<number>();

  /**
   * Answers so many of the packets that have come, the oldest first.
   *
   * @returns The packets, as a short text each.
   */
  async answer(client: SceneClient, count = Infinity): Promise<string[]> {
    await client.take("suback");
    await client.take("pingresp");
    const seen: string[] = [];
    for (const packet of client.packets.splice(0, count)) {
      if (packet.type === "publish") {
        const payload = new TextDecoder().decode(packet.payload);
        const { packetId, qos, dup } = packet;
        seen.push(`${payload} ${packetId}${dup ? " dup" : ""}`);
        if (qos === 2 && !this.#held.has(packetId)) this.got.push(payload);
        this.#held.add(packetId);
        client.send({ type: "pubrec", packetId, reasonCode: 0, properties: {} });
      } else if (packet.type === "pubrel") {
        seen.push(`pubrel ${packet.packetId}`);
        this.#held.delete(packet.packetId);
        client.send({ type: "pubcomp", packetId: packet.packetId, reasonCode: 0, properties: {} });
      } else seen.push(packet.type);
    }
    return seen;
  }

  /** Answers all that comes. */
  async drain(client: SceneClient): Promise<string[]> {
    for (;;) if ((await this.answer(client)).length === 0) return this.got;
  }
}

const LASTING = { clean: false, expiry: 3600 } as const;

for (const version of [4, 5] as const) {
  for (const kind of ["no store", "a clean session", "a session that is stored"]) {
    Deno.test(`version ${version}, ${kind}: history and what comes later are sent with QoS 2, each once`, async () => {
      await using scene = await Scene.open({
        store: kind === "no store" ? null : new MemoryStore(),
      });
      await scene.fill(50);
      const how: Joining = kind === "a clean session" ? {} : LASTING;
      const client = await scene.join("ann", version, { ...how, receiveMaximum: 7 });
      const filter = version === 4 ? "$replay/day/earliest/t/#" : "t/#";
      const user: [string, string][] = [["stream-offset", "earliest"]];
      const suback = await client.subscribe(filter, { qos: 2, ...(version === 5 ? { user } : {}) });
      assertEquals(suback.reasonCodes, [2]);
      const receiver = new Receiver();
      assertEquals(await receiver.drain(client), texts(1, 50));
      await scene.fill(50, 51);
      assertEquals(await receiver.drain(client), texts(1, 100));
    });
  }
}

Deno.test("a session in memory goes on where the handshakes are when its client returns [MQTT-4.4.0-1]", async () => {
  await using scene = await Scene.open({ store: null });
  await scene.fill(6);
  const receiver = new Receiver();
  const first = await scene.join("ann", 5, { ...LASTING, receiveMaximum: 4 });
  await first.subscribe("$replay/day/earliest/t/#", { qos: 2 });
  // PUBREC for the first two, PUBCOMP for none.
  assertEquals(await receiver.answer(first, 2), ["1 1", "2 2"]);
  await first.leave();
  const second = await scene.join("ann", 5, LASTING);
  assertEquals(await receiver.answer(second), [
    "pubrel 1",
    "pubrel 2",
    "3 3 dup",
    "4 4 dup",
    "5 5",
    "6 6",
  ]);
  assertEquals(await receiver.drain(second), texts(1, 6));
});

Deno.test("no message is sent before its packet identifier is on the disk, and no PUBREL before PUBREC is", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store });
  await scene.fill(1);
  const client = await scene.join("ann", 5, LASTING);
  store.mode = "wait";
  client.send({
    type: "subscribe",
    packetId: 1,
    properties: {},
    subscriptions: [{
      ...{ filter: "$replay/day/earliest/t/#", qos: 2, noLocal: false },
      ...{ retainAsPublished: false, retainHandling: 0 },
    }],
  });
  const types = async () => {
    await scene.clock.settle();
    return client.packets.map(({ type }) => type);
  };
  assertEquals(await types(), []);
  store.settle(true);
  assertEquals((await types()).toSorted(), ["publish", "suback"]);
  const receiver = new Receiver();
  assertEquals(await receiver.answer(client), ["1 1"]);
  assertEquals(await types(), []);
  store.settle(true);
  assertEquals(await types(), ["pubrel"]);
  store.mode = "succeed";
});

for (const version of [4, 5] as const) {
  Deno.test(`version ${version}: wherever the broker is killed, each message comes once, in order`, async () => {
    const MESSAGES = 24;
    // Each run is killed one step later than the one before.
    for (let steps = 0; steps < 26; steps++) {
      let store = new MemoryStore();
      const receiver = new Receiver();
      let published = 0;
      for (let life = 0; life < 3; life++) {
        await using scene = await Scene.open({ store });
        const client = await scene.join("ann", version, { ...LASTING, receiveMaximum: 5 });
        if (life === 0) await client.subscribe("$replay/day/earliest/t/#", { qos: 2 });
        for (let step = 0; step < steps; step++) {
          if (published < MESSAGES && step % 2 === 0) await scene.fill(1, ++published);
          await receiver.answer(client, 1 + (step * 7 + life) % 3);
        }
        // What the disk has now is what a power cut leaves.
        store = MemoryStore.from(store.snapshot());
        client.pipe.cut();
      }
      await using scene = await Scene.open({ store });
      const client = await scene.join("ann", version, LASTING);
      await scene.fill(3, published + 1);
      assertEquals(await receiver.drain(client), texts(1, published + 3), `killed at ${steps}`);
    }
  });
}

/** A session with messages 1 and 2 in flight, and 3 behind them, as a power cut leaves it. */
async function cutOff(
  filter: string,
  during: (scene: Scene, client: SceneClient) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ store: MemoryStore; receiver: Receiver }> {
  const store = new MemoryStore();
  await using scene = await Scene.open({ store });
  await scene.fill(3);
  const client = await scene.join("ann", 5, { ...LASTING, receiveMaximum: 2 });
  await client.subscribe(filter, { qos: 2 });
  assertEquals((await client.take("publish")).map(({ packetId }) => packetId), [1, 2]);
  await during(scene, client);
  await scene.clock.settle();
  return { store: MemoryStore.from(store.snapshot()), receiver: new Receiver() };
}

Deno.test("after a restart a message in flight is sent as before, with DUP: topic, marks and identifier", async () => {
  const filter = "$replay/day/earliest/t/#";
  const { store } = await cutOff(filter);
  await using scene = await Scene.open({ store });
  const client = await scene.join("ann", 5, LASTING);
  const [first, second, third] = await client.take("publish");
  assertEquals([first!.packetId, first!.dup, first!.qos], [1, true, 2]);
  assertEquals(first!.topic, "$replay/day/earliest/t/1");
  const marks = new Map(first!.properties.userProperties);
  assertEquals([marks.get("stream-seq"), marks.has("stream-time")], ["1", true]);
  assertEquals([second!.packetId, second!.dup, third!.packetId, third!.dup], [2, true, 3, false]);
});

Deno.test("a gap is told again after a restart with the message that has told of it", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    await scene.fill(10);
    const client = await scene.join("ann", 5, { ...LASTING, receiveMaximum: 1 });
    await client.subscribe("$replay/day/earliest/t/#", { qos: 2 });
    await scene.broker.stream("day")!.purge({ before: 8 });
    const receiver = new Receiver();
    // PUBREC of the first message, and its PUBCOMP: the second one is sent.
    for (const _ of [1, 2]) await receiver.answer(client, 1);
    await client.take("publish");
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  const client = await scene.join("ann", 5, { ...LASTING, receiveMaximum: 1 });
  const [message] = await client.take("publish");
  const gap = new Map(message!.properties.userProperties).get("stream-gap");
  assertEquals([new TextDecoder().decode(message!.payload), message!.dup, gap], [
    "8",
    true,
    "2..7",
  ]);
});

Deno.test("a message in flight that is gone from the stream is counted, and its identifier released", async () => {
  const { store, receiver } = await cutOff("$replay/day/earliest/t/#", async (scene) => {
    await scene.broker.stream("day")!.purge({ before: 2 });
  });
  await using scene = await Scene.open({ store });
  const client = await scene.join("ann", 5, LASTING);
  const [third] = client.packets.filter((one) => one.type === "publish" && one.packetId === 3);
  assertEquals(new Map((third as Received).properties.userProperties).get("stream-gap"), "1..1");
  assertEquals(await receiver.answer(client), ["2 2 dup", "pubrel 1", "3 3"]);
  assertEquals(await receiver.drain(client), ["2", "3"]);
  assertEquals(scene.broker.stats.dropped["stream-gap"], 1);
});

Deno.test("UNSUBSCRIBE and a stream that is no longer declared leave what is in flight [MQTT-3.10.4-3]", async () => {
  const filter = "$replay/day/earliest/t/#";
  const { store, receiver } = await cutOff(filter, (_, client) => client.unsubscribe(filter));
  await using scene = await Scene.open({ store }, []);
  const client = await scene.join("ann", 5, LASTING);
  assertEquals(await receiver.drain(client), ["1", "2"]);
});

Deno.test("another stream with the name of the first one gives no message for one in flight", async () => {
  const filter = "$replay/day/earliest/t/#";
  const { store, receiver } = await cutOff(filter, async (scene, client) => {
    await client.unsubscribe(filter);
    await scene.broker.removeStream("day");
    await scene.broker.declareStream({ ...DAY, name: "other" });
    await scene.broker.declareStream(DAY);
    await scene.fill(3, 11);
  });
  await using scene = await Scene.open({ store });
  const client = await scene.join("ann", 5, LASTING);
  assertEquals(await receiver.drain(client), []);
  assertEquals(client.packets, []);
});

Deno.test("a reading that goes on with QoS 2 waits for what is in flight with QoS 1", async () => {
  const store = new MemoryStore();
  await using scene = await Scene.open({ store });
  await scene.fill(2);
  const client = await scene.join("ann", 5, LASTING);
  client.acknowledges = false;
  const filter = "$replay/day/earliest/t/#";
  await client.subscribe(filter, { qos: 1 });
  const first = await client.take("publish");
  assertEquals(first.map(({ qos }) => qos), [1, 1]);
  await client.subscribe(filter, { qos: 2, retainHandling: 1 });
  await scene.fill(2, 3);
  await client.acknowledge(first.slice(0, 1));
  assertEquals(await client.payloads(), []);
  await client.acknowledge(first.slice(1));
  assertEquals((await client.take("publish")).map(({ qos }) => qos), [2, 2]);
});

Deno.test("a group grants QoS 1: a message of a member that is lost goes to another", async () => {
  await using scene = await Scene.open();
  await scene.fill(1);
  const client = await scene.join();
  const { reasonCodes } = await client.subscribe("$share/g/$replay/day/earliest/t/#", { qos: 2 });
  assertEquals(reasonCodes, [1]);
  assertEquals((await client.take("publish")).map(({ qos }) => qos), [1]);
});

Deno.test("replayAheadBytesMax: so many bytes of messages wait for the commit of their identifiers", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store, limits: { replayAheadBytesMax: 2000 } });
  await scene.fill(200);
  const client = await scene.join("ann", 5, LASTING);
  store.mode = "wait";
  const subscribed = client.subscribe("$replay/day/earliest/t/#", { qos: 2 });
  await scene.clock.settle();
  store.settle(true);
  await subscribed;
  const first = (await client.take("publish")).length;
  assert(first > 1 && first < 30, `${first} messages`);
  store.mode = "succeed";
  if (store.isWaiting) store.settle(true);
  await scene.clock.settle();
  assertEquals(await client.payloads(), texts(first + 1, 200));
});

Deno.test("a message that is too large for the client is counted, and the next ones come", async () => {
  await using scene = await Scene.open();
  const client = await scene.join("ann", 5, { ...LASTING, maximumPacketSize: 200 });
  scene.broker.publish("t/1", "x".repeat(300));
  await scene.fill(2);
  const receiver = new Receiver();
  await client.subscribe("$replay/day/earliest/t/#", { qos: 2 });
  assertEquals(await receiver.drain(client), ["1", "2"]);
  assertEquals(scene.broker.stats.dropped["too-large"], 1);
});
