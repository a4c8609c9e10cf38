/**
 * `deliver`: the program decides about each message for a client when it is sent.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { type Deliver, DeliverError, type PublishedMessage } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { Scene, type SceneOptions } from "../streams/_scene.ts";

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

/** Sends `payload>clientId` in the place of `payload`, and nothing that is called `secret`. */
const marked: Deliver = ({ payload }, { clientId }) => {
  const text = decoder.decode(payload);
  return text === "secret" ? null : { payload: utf8.encode(`${text}>${clientId}`) };
};

/** A scene in which nothing is a stream. */
function open(deliver: Deliver, options: SceneOptions = {}): Promise<Scene> {
  return Scene.open({ store: null, deliver, ...options }, []);
}

for (const qos of [0, 1, 2] as const) {
  for (const count of [1, 3, 20]) {
    Deno.test(`deliver changes and keeps back QoS ${qos} messages for each of ${count} clients`, async () => {
      await using scene = await open(marked);
      const clients = await Promise.all([...Array(count).keys()].map(async (i) => {
        const client = await scene.join(`c${i}`, i % 2 === 0 ? 5 : 4);
        await client.subscribe("t", { qos });
        return client;
      }));
      const publisher = await scene.join("publisher");
      for (const payload of ["1", "secret", "2"]) await publisher.publish("t", payload, qos);
      await publisher.publish("t", "3", 0);
      // With QoS 2 a message that was not completed is enough to hold nobody up.
      for (const [i, client] of clients.entries()) {
        assertEquals(await client.payloads(), ["1", "2", "3"].map((text) => `${text}>c${i}`));
      }
      assertEquals(scene.broker.stats.dropped.deliver, count);
    });
  }
}

Deno.test("deliver sees the topic, the QoS of the delivery, RETAIN as published, and the client", async () => {
  const seen: [Omit<PublishedMessage, "payload">, string, string][] = [];
  await using scene = await open(({ payload, ...rest }, { clientId }) => {
    seen.push([rest, decoder.decode(payload), clientId]);
    return undefined;
  });
  const client = await scene.join("c");
  await client.subscribe("a/#", { qos: 1 });
  await client.publish("a/b", "x", 2, true);
  assertEquals(await client.payloads(), ["x"]);
  const message = { topic: "a/b", qos: 1, retain: true, isRepeated: false } as const;
  assertEquals(seen, [[message, "x", "c"]]);
});

Deno.test("deliver is asked about retained messages for a new subscription", async () => {
  await using scene = await open(marked);
  for (const [topic, payload] of [["r/1", "1"], ["r/2", "secret"], ["r/3", "3"]] as const) {
    await scene.broker.publish(topic, payload, { retain: true });
  }
  const client = await scene.join("c");
  await client.subscribe("r/#", { qos: 1 });
  assertEquals((await client.payloads()).toSorted(), ["1>c", "3>c"]);
});

for (const kind of ["in memory", "in a store"] as const) {
  Deno.test(`deliver is asked about what waits for a session ${kind} when it is sent, and the quota goes on`, async () => {
    let asked = 0;
    const deliver: Deliver = (message, client) => {
      asked++;
      return marked(message, client);
    };
    const store = kind === "in memory" ? null : new MemoryStore();
    await using scene = await open(deliver, { store });
    const away = await scene.join("c", 5, { expiry: 1000 });
    await away.subscribe("t", { qos: 1 });
    await away.leave();
    for (const text of ["1", "secret", "secret", "2"]) {
      scene.broker.publish("t", text, { qos: 1 });
      await scene.clock.settle();
    }
    assertEquals(asked, 0);
    const back = await scene.join("c", 5, { clean: false, expiry: 1000, receiveMaximum: 1 });
    assertEquals(await back.payloads(), ["1>c", "2>c"]);
    assertEquals(asked, 4);
  });

  Deno.test(`deliver is told that a message of a session ${kind} was sent before`, async () => {
    const told: boolean[] = [];
    const store = kind === "in memory" ? null : new MemoryStore();
    await using scene = await open(({ isRepeated }) => void told.push(isRepeated), { store });
    const first = await scene.join("c", 5, { expiry: 1000 });
    first.acknowledges = false;
    await first.subscribe("t", { qos: 1 });
    scene.broker.publish("t", "x", { qos: 1 });
    assertEquals(await first.payloads(), ["x"]);
    await first.leave();
    const second = await scene.join("c", 5, { clean: false, expiry: 1000 });
    assertEquals(await second.payloads(), ["x"]);
    assertEquals(told, [false, true]);
  });

  Deno.test(`deliver keeps back a QoS 2 message of a session ${kind} that was sent before: it is released`, async () => {
    let isKept = false;
    const store = kind === "in memory" ? null : new MemoryStore();
    await using scene = await open(() => isKept ? null : undefined, { store });
    const first = await scene.join("c", 5, { expiry: 1000 });
    await first.subscribe("t", { qos: 2 });
    scene.broker.publish("t", "x", { qos: 2 });
    const [sent] = await first.take("publish");
    await first.leave();
    isKept = true;
    const second = await scene.join("c", 5, { clean: false, expiry: 1000 });
    assertEquals(await second.take("publish"), []);
    // The client may have the message: its packet identifier is only free after PUBCOMP.
    await scene.clock.settle();
    const released = second.packets.map((
      packet,
    ) => [packet.type, (packet as { packetId: number }).packetId]);
    assertEquals(released, [["pubrel", sent!.packetId]]);
  });
}

Deno.test("deliver is asked about what a stream has, when it is read", async () => {
  await using scene = await Scene.open({ deliver: marked });
  for (const text of ["1", "secret", "2"]) scene.broker.publish("t/1", text);
  await scene.clock.settle();
  for (const qos of [0, 1] as const) {
    const client = await scene.join(`c${qos}`);
    await client.subscribe("$replay/day/earliest/t/#", { qos });
    assertEquals(await client.payloads(), [`1>c${qos}`, `2>c${qos}`]);
  }
});

Deno.test("deliver replaces all properties, or leaves them; a message still expires when it would have", async () => {
  await using scene = await open(({ topic }) => {
    const payload = utf8.encode("changed");
    return topic === "new" ? { properties: { contentType: "y" } } : { payload };
  });
  const client = await scene.join("c");
  await client.subscribe("#", { qos: 1, identifier: 7 });
  const properties = { contentType: "x", messageExpiryInterval: 60 };
  scene.broker.publish("same", "a", { qos: 1, properties });
  scene.broker.publish("new", "b", { qos: 1, properties });
  const got = await client.take("publish");
  assertEquals(got.map(({ properties }) => properties), [
    { contentType: "x", messageExpiryInterval: 60, subscriptionIdentifiers: [7] },
    { contentType: "y", subscriptionIdentifiers: [7] },
  ]);
});

Deno.test("a deliver that throws, or returns a promise, keeps the message from this client, with a DeliverError", async () => {
  const scene = await open(
    (({ topic }: PublishedMessage, { clientId }: { clientId: string }) => {
      if (clientId === "good") return undefined;
      if (topic === "throws") throw new Error("no idea");
      return Promise.resolve(undefined);
    }) as unknown as Deliver,
  );
  for (const clientId of ["bad", "good"]) {
    const client = await scene.join(clientId);
    await client.subscribe("#", { qos: 1 });
    for (const topic of ["throws", "promises"]) {
      scene.broker.publish(topic, "x", { qos: 1 });
      await scene.clock.settle();
    }
    assertEquals((await client.payloads()).length, clientId === "good" ? 2 : 0);
    if (clientId === "bad") await client.leave();
  }
  const errors = scene.failures.splice(0);
  for (const error of errors) {
    assertInstanceOf(error, DeliverError);
    assertEquals(error.clientId, "bad");
    assertStringIncludes(error.message, `"${error.topic}" to "bad"`);
    assert(error.cause instanceof Error);
  }
  assertEquals(errors.map((error) => (error as DeliverError).topic), ["throws", "promises"]);
  await scene[Symbol.asyncDispose]();
});

Deno.test("deliver is not asked about messages for the program", async () => {
  let asked = 0;
  await using scene = await open(() => void asked++);
  const messages = scene.broker.subscribe("t");
  scene.broker.publish("t", "x");
  const { value } = await messages.next();
  assertEquals([decoder.decode(value!.payload), asked], ["x", 0]);
  await messages.return?.();
});
