/** Clients of different versions on one broker, and one session that changes its version. */
import { assertEquals } from "@std/assert";
import { type Level, publish, type QoS, subscribe } from "../harness/packets.ts";
import { type Conversation, type SpecClient, testsFor } from "./harness.ts";
import { properties } from "./v5/packets.ts";

const { specTest } = testsFor(5);

const LEVELS: Level[] = [3, 4, 5];

/** A client whose session lasts, in any version. */
function connectAs(t: Conversation, level: Level, clientId: string): Promise<SpecClient> {
  const lasting = level === 5 ? { properties: properties.sessionExpiry(1_000) } : {};
  return t.connect({ level, clientId, clean: false, ...lasting });
}

for (const from of LEVELS) {
  for (const to of LEVELS) {
    specTest(`messages go from level ${from} to level ${to} as they are`, async (t) => {
      const publisher = await t.connect({ level: from, clientId: "publisher" });
      const client = await t.connect({ level: to, clientId: "client" });
      await client.subscribe(subscribe({ "a/+": 2 }, { level: to }));
      for (const qos of [0, 1, 2] as QoS[]) {
        const words = from === 5 ? { properties: properties.contentType("text") } : {};
        await publisher.send(publish("a/b", "x", { level: from, qos, ...words }));
        const delivery = await client.expectPublish("a/b", "x");
        assertEquals([delivery.qos, delivery.dup, delivery.retain], [qos, false, false]);
        assertEquals(delivery.properties, from === 5 && to === 5 ? [[0x03, "text"]] : []);
      }
    });

    if (from === to) continue;
    specTest(`a session of level ${from} goes on in level ${to}`, async (t) => {
      const publisher = await t.connect({ clientId: "publisher" });
      const first = await connectAs(t, from, "client");
      const marked = from === 5 ? { properties: properties.subscriptionIdentifier(7) } : {};
      await first.subscribe(subscribe({ a: 2 }, { level: from, ...marked }));
      const contentType = properties.contentType("text");
      const send = async (payload: string, packetId: number) => {
        const fields = { level: 5, qos: 1, packetId, properties: contentType } as const;
        await publisher.send(publish("a", payload, fields));
        assertEquals((await publisher.readAck()).reasonCodes, [0]);
      };
      await send("in flight", 1);
      const { packetId } = await first.expectPublish("a", "in flight");
      await t.drop(first);
      await send("waiting", 2);
      const second = await connectAs(t, to, "client");
      assertEquals(second.connack!.flags, to === 3 ? 0 : 1);
      const wanted = to < 5 ? [] : [[0x03, "text"], ...(from === 5 ? [[0x0b, 7]] : [])];
      const again = await second.expectPublish("a", "in flight");
      assertEquals([again.packetId, again.dup, again.qos], [packetId, true, 1]);
      await send("live", 3);
      for (const delivery of [again, await second.readPublish(), await second.readPublish()]) {
        assertEquals(delivery.properties.toSorted() as unknown[], wanted);
      }
      await second.expectSilence();
    });
  }
}

specTest("what is retained in one version is sent in all", async (t) => {
  for (const from of LEVELS) {
    const publisher = await t.connect({ level: from, clientId: "publisher" });
    const topic = `from/${from}`;
    await publisher.send(publish(topic, "kept", { level: from, retain: true, qos: 1 }));
    await publisher.readAck();
    for (const level of LEVELS) {
      const client = await t.connect({ level, clientId: "client" });
      await client.subscribe(subscribe({ [topic]: 1 }, { level }));
      const { retain, qos } = await client.expectPublish(topic, "kept");
      assertEquals([retain, qos], [true, 1]);
      await t.drop(client);
    }
    await t.drop(publisher);
  }
});

specTest("a will is published in all versions", async (t) => {
  const witnesses: SpecClient[] = [];
  for (const level of LEVELS) {
    const witness = await t.connect({ level, clientId: `witness ${level}` });
    await witness.subscribe(subscribe({ will: 1 }, { level }));
    witnesses.push(witness);
  }
  for (const level of LEVELS) {
    const will = { topic: "will", payload: `of ${level}`, qos: 1 } as const;
    await t.drop(await t.connect({ level, clientId: "client", will }));
    for (const witness of witnesses) await witness.expectPublish("will", `of ${level}`);
  }
});
