/**
 * What a message of a stream looks like on the wire: written from its record, or made from it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Properties } from "../../codec/mod.ts";
import { type Received, Scene, type SceneClient, START } from "./_scene.ts";

const PROPERTIES: Properties = {
  contentType: "text/plain",
  responseTopic: "r",
  correlationData: new Uint8Array([1, 2]),
  userProperties: [["a", "1"], ["b", "2"], ["a", "3"]],
};

/** A PUBLISH without what differs from client to client. */
function plain({ packetId: _, ...message }: Received) {
  return { ...message, payload: new TextDecoder().decode(message.payload) };
}

for (const version of [4, 5] as const) {
  for (const qos of [0, 1] as const) {
    Deno.test(`version ${version}, QoS ${qos}: it is the same whether the program is asked about it or not`, async () => {
      const got: unknown[] = [];
      for (const isAsked of [false, true]) {
        // A program that is asked about each message has a message made for it.
        const deliver = isAsked ? () => undefined : null;
        await using scene = await Scene.open({ ...(deliver === null ? {} : { deliver }) });
        const stream = scene.broker.stream("day")!;
        const appended = [
          stream.append("t/ä", "hello", { properties: PROPERTIES, qos: 1, retain: true }),
          stream.append("t/2", "", {}),
          stream.append("t/3", "x".repeat(20_000), {
            properties: { contentType: "y".repeat(200) },
          }),
        ];
        await scene.clock.settle();
        await Promise.all(appended);
        const client = await scene.join("reader", version);
        const how = version === 5 ? { qos, identifier: 300 } : { qos };
        await client.subscribe("$replay/day/earliest/t/#", how);
        got.push((await client.take("publish")).map(plain));
      }
      assertEquals(got[0], got[1]);
      const [first] = got[0] as ReturnType<typeof plain>[];
      assertEquals([first!.topic, first!.qos], ["$replay/day/earliest/t/ä", qos]);
      if (version < 5) return;
      const { userProperties, ...rest } = PROPERTIES;
      assertEquals(first!.properties, {
        ...rest,
        subscriptionIdentifiers: [300],
        userProperties: [
          ...userProperties!,
          ["stream-seq", "1"],
          ["stream-time", new Date(START).toISOString()],
        ],
      });
    });
  }
}

Deno.test("marks are right where a sequence gets one more digit, and with each millisecond", async () => {
  await using scene = await Scene.open();
  for (let i = 1; i <= 120; i++) {
    scene.broker.publish("t/1", `${i}`);
    await scene.clock.advance(i % 3);
  }
  const client = await scene.join();
  await client.subscribe("t/#", { user: [["stream-offset", "earliest"]] });
  let ms = START;
  for (const [i, { properties }] of (await client.take("publish")).entries()) {
    assertEquals(properties.userProperties, [
      ["stream-seq", `${i + 1}`],
      ["stream-time", new Date(ms).toISOString()],
    ]);
    ms += (i + 1) % 3;
  }
});

for (const qos of [0, 1] as const) {
  Deno.test(`QoS ${qos}: what is larger than the client takes is left out and counted [MQTT-3.1.2-24]`, async () => {
    await using scene = await Scene.open();
    for (const payload of ["1", "x".repeat(300), "2"]) scene.broker.publish("t/1", payload);
    await scene.clock.settle();
    const client: SceneClient = await scene.join("small", 5, { maximumPacketSize: 200 });
    await client.subscribe("t/#", { qos, user: [["stream-offset", "earliest"]] });
    assertEquals(await client.payloads(), ["1", "2"]);
    assertEquals(scene.broker.stats.dropped["too-large"], 1);
  });
}

Deno.test("a mount point applies to what follows the position, in both ways", async () => {
  await using scene = await Scene.open({}, [{
    name: "day",
    filters: ["site1/#", "site2/#"],
    maxMessages: 100,
  }]);
  for (const topic of ["site1/t/a", "site2/t/a", "site1/t/b", "site1/u"]) {
    scene.broker.publish(topic, topic);
  }
  await scene.clock.settle();
  const client = await scene.join("mounted", 5, { rules: { mountPoint: "site1/" } });
  assertEquals((await client.subscribe("$replay/day/earliest/t/#")).reasonCodes, [0]);
  const told = async () =>
    (await client.take("publish")).map(({ topic, payload }) => {
      return `${topic} = ${new TextDecoder().decode(payload)}`;
    });
  assertEquals(await told(), [
    "$replay/day/earliest/t/a = site1/t/a",
    "$replay/day/earliest/t/b = site1/t/b",
  ]);
  const { reasonCodes } = await client.subscribe("t/#", { user: [["stream-offset", "last=1"]] });
  assertEquals(reasonCodes, [0]);
  assertEquals(await told(), ["t/b = site1/t/b"]);
  // Both go on with what comes.
  scene.broker.publish("site1/t/c", "live");
  scene.broker.publish("site2/t/c", "no");
  assertEquals((await told()).toSorted(), ["$replay/day/earliest/t/c = live", "t/c = live"]);
  const wide = await client.subscribe("#", { user: [["stream-offset", "earliest"]] });
  assertEquals(wide.reasonCodes, [0]);
  assertEquals((await told()).slice(-4).map((text) => text.split(" ")[0]), [
    ...["t/a", "t/b", "u", "t/c"],
  ]);
});
