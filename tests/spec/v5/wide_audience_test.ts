/**
 * Rules of delivery once more, where many subscribe to one topic: there a broker may share work
 * among those who want a message in the same way, and must still tell them apart.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { ConnectFields } from "../../harness/packets.ts";
import type { Conversation, SpecClient } from "../harness.ts";
import type { Properties } from "../parse.ts";
import {
  all,
  NO_LOCAL,
  properties,
  puback,
  publish,
  RETAIN_AS_PUBLISHED,
  subscribe,
} from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

/** How many want a message in the same way. */
const MANY = 10;

/** Lets many clients in that are alike but for their identifiers. */
function crowd(t: Conversation, filter: string, options: number, fields: ConnectFields = {}) {
  return inTurn(Array.from({ length: MANY }), (_, index) => {
    const { clientId = "" } = fields;
    const own = clientId === "" ? "" : `${clientId}${index}`;
    return subscriber(t, filter, options, { ...fields, clientId: own });
  });
}

/** Has many clients come back to their sessions. */
function back(t: Conversation, fields: ConnectFields) {
  return inTurn(
    Array.from({ length: MANY }),
    (_, index) => t.connect({ ...fields, clientId: `${fields.clientId}${index}` }),
  );
}

/** One after the other: the clock of a test in memory is one for all. */
async function inTurn<T, R>(items: T[], each: (item: T, index: number) => Promise<R>) {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await each(item, index));
  return results;
}

/** Publishes, and waits until it is done. */
async function done(publisher: SpecClient, ...packets: Uint8Array[]): Promise<void> {
  await publisher.send(concat(packets), "c0 00");
  while ((await publisher.readFrame())[0] !== 0xd0);
}

const LASTING = properties.sessionExpiry(1_000);

specTest(
  "only those who take a large message get it [MQTT-3.1.2-24] [MQTT-3.1.2-25]",
  async (t) => {
    const limits = all(properties.maximumPacketSize(60), properties.receiveMaximum(1));
    const narrow = await crowd(t, "a", 1, { properties: limits });
    const wide = await crowd(t, "a", 1);
    const publisher = await t.connect();
    const large = "x".repeat(60);
    for (const qos of [0, 1] as const) {
      await done(publisher, publish("a", large, { qos }), publish("a", "small", { qos }));
      for (const client of wide) await client.expectPublish("a", large);
      for (const client of [...wide, ...narrow]) {
        assertEquals((await client.expectPublish("a", "small")).qos, qos);
      }
      for (const client of narrow) await client.expectSilence();
    }
  },
);

specTest("only those who want it see RETAIN [MQTT-3.3.1-12] [MQTT-3.3.1-13]", async (t) => {
  const plain = await crowd(t, "a", 1);
  const asPublished = await crowd(t, "a", 1 | RETAIN_AS_PUBLISHED);
  const publisher = await t.connect();
  for (const qos of [0, 1] as const) {
    for (const retain of [true, false]) {
      await done(publisher, publish("a", "x", { qos, retain, dup: qos > 0 }));
      for (const client of plain) assertEquals((await client.readPublish()).retain, false);
      for (const client of asPublished) assertEquals((await client.readPublish()).retain, retain);
    }
  }
});

specTest(
  "everyone gets the identifiers of its own subscriptions [MQTT-3.3.4-3] [MQTT-3.3.4-4]",
  async (t) => {
    const sets = [[], [7], [7, 8], [9]];
    const clients = await inTurn(Array.from({ length: 4 * MANY }), async (_, index) => {
      const client = await t.connect();
      for (const [place, identifier] of sets[index % 4]!.entries()) {
        const property = properties.subscriptionIdentifier(identifier);
        await client.subscribe(
          subscribe({ [["a/b", "a/+"][place]!]: 1 }, { properties: property }),
        );
      }
      if (index % 4 === 0) await client.subscribe(subscribe({ "a/#": 1 }));
      return client;
    });
    const publisher = await t.connect();
    for (const qos of [0, 1] as const) {
      await done(publisher, publish("a/b", "x", { qos }));
      for (const [index, client] of clients.entries()) {
        const { properties } = await client.expectPublish("a/b", "x");
        assertEquals(properties.map(([, value]) => Number(value)).toSorted(), sets[index % 4]);
        await client.expectSilence();
      }
    }
  },
);

specTest("everyone gets a message at the QoS it was granted [MQTT-3.8.4-8]", async (t) => {
  const crowds = [await crowd(t, "a", 0), await crowd(t, "a", 1), await crowd(t, "a", 2)];
  const publisher = await t.connect();
  for (const qos of [0, 1, 2] as const) {
    await done(publisher, publish("a", "x", { qos, packetId: 1 + qos }));
    for (const [granted, clients] of crowds.entries()) {
      for (const client of clients) {
        const delivery = await client.expectPublish("a", "x");
        assertEquals([delivery.qos, delivery.dup], [Math.min(qos, granted), false]);
      }
    }
  }
});

timeTest("what waits for many expires for all of them [MQTT-3.3.2-5] [MQTT-3.3.2-6]", async (t) => {
  const fields = { clientId: "away", clean: false, properties: LASTING };
  for (const client of await crowd(t, "a", 1, fields)) await t.drop(client);
  const present = await crowd(t, "a", 1);
  const publisher = await t.connect();
  const lives = (seconds: number) =>
    ({ qos: 1, properties: properties.messageExpiry(seconds) }) as const;
  await done(publisher, publish("a", "ten", lives(10)), publish("a", "hundred", lives(100)));
  for (const client of present) {
    assertEquals((await client.expectPublish("a", "ten")).properties, [[0x02, 10]]);
    assertEquals((await client.expectPublish("a", "hundred")).properties, [[0x02, 100]]);
  }
  await t.pass(10_000);
  for (const client of await back(t, fields)) {
    assertEquals((await client.expectPublish("a", "hundred")).properties, [[0x02, 90]]);
    await client.expectSilence();
  }
});

specTest("what many did not acknowledge comes again with DUP [MQTT-3.3.1-1]", async (t) => {
  const fields = { clientId: "c", clean: false, properties: LASTING };
  const clients = await crowd(t, "a", 1, fields);
  const publisher = await t.connect();
  await done(publisher, publish("a", "one", { qos: 1 }), publish("a", "two", { qos: 1 }));
  const held: number[] = [];
  for (const client of clients) {
    await client.send(puback((await client.expectPublish("a", "one")).packetId));
    held.push((await client.expectPublish("a", "two")).packetId);
    await client.ping();
    await t.drop(client);
  }
  await done(publisher, publish("a", "three", { qos: 1 }));
  for (const [index, client] of (await back(t, fields)).entries()) {
    const again = await client.expectPublish("a", "two");
    assertEquals([again.dup, again.packetId], [true, held[index]]);
    assertEquals((await client.expectPublish("a", "three")).dup, false);
    await client.expectSilence();
  }
});

specTest("many are sent no more than each of them takes [MQTT-3.3.4-9]", async (t) => {
  const slow = await crowd(t, "a", 1, { properties: properties.receiveMaximum(2) });
  const quick = await crowd(t, "a", 1);
  const publisher = await t.connect();
  const numbers = [1, 2, 3, 4, 5, 6];
  await done(publisher, ...numbers.map((n) => publish("a", `${n}`, { qos: 1, packetId: n })));
  for (const client of quick) for (const n of numbers) await client.expectPublish("a", `${n}`);
  for (const client of slow) {
    const ids: number[] = [];
    for (const n of numbers) {
      if (n > 2) {
        await client.expectSilence();
        await client.send(puback(ids.shift()!));
      }
      ids.push((await client.expectPublish("a", `${n}`)).packetId);
    }
  }
});

specTest("only those who take aliases get them [MQTT-3.1.2-26] [MQTT-3.1.2-27]", async (t) => {
  const taking = await crowd(t, "#", 1, { properties: properties.topicAliasMaximum(2) });
  const plain = await crowd(t, "#", 1);
  const publisher = await t.connect();
  const topics = ["a/long/topic", "another/long/topic", "a/third/long/topic"];
  const sent = [...topics, ...topics, ...topics];
  await done(
    publisher,
    ...sent.map((topic, index) => publish(topic, "x", { qos: 1, packetId: index + 1 })),
  );
  for (const client of plain) {
    for (const topic of sent) assertEquals((await client.expectPublish(topic, "x")).properties, []);
  }
  for (const client of taking) {
    const known = new Map<unknown, string>();
    for (const topic of sent) {
      const delivery = await client.readPublish();
      const alias = delivery.properties.find(([id]) => id === 0x23)?.[1];
      if (delivery.topic !== "") known.set(alias, delivery.topic);
      assertEquals(delivery.topic || known.get(alias), topic);
      assert(alias === undefined || alias === 1 || alias === 2);
    }
  }
});

specTest(
  "many get the properties of a message, older clients none [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18]",
  async (t) => {
    const fields = { clientId: "away", clean: false, properties: LASTING };
    for (const client of await crowd(t, "a", 1, fields)) await t.drop(client);
    const present = await crowd(t, "a", 1);
    const older = await inTurn(Array.from({ length: MANY }), async () => {
      const client = await t.connect({ level: 4 });
      await client.send("82 06 0001 0001 61 01");
      await client.expect("90 03 0001 01");
      return client;
    });
    const publisher = await t.connect();
    const given = all(
      properties.user("b", "1"),
      properties.responseTopic("reply"),
      properties.user("a", "2"),
      properties.correlationData(Uint8Array.of(0, 255)),
      properties.user("b", "1"),
    );
    const wanted: Properties = [[0x26, "b=1"], [0x08, "reply"], [0x26, "a=2"], [0x09, "00 ff"], [
      0x26,
      "b=1",
    ]];
    for (const qos of [0, 1] as const) {
      await done(publisher, publish("a", "x", { qos, properties: given }));
      for (const client of present) {
        assertEquals((await client.readPublish()).properties, wanted);
      }
      for (const client of older) assertEquals((await client.expectPublish("a", "x")).qos, qos);
    }
    for (const client of await back(t, fields)) {
      assertEquals((await client.expectPublish("a", "x")).properties, wanted);
      await client.expectSilence();
    }
  },
);

specTest("among many, who wants none of its own gets none of it [MQTT-3.8.3-3]", async (t) => {
  const deaf = await crowd(t, "a", 1 | NO_LOCAL);
  const hearing = await crowd(t, "a", 1);
  for (const qos of [0, 1] as const) {
    for (const publisher of [deaf[3]!, hearing[3]!]) {
      await publisher.send(publish("a", "x", { qos }));
      for (const client of [...deaf, ...hearing]) {
        const isOwn = client === publisher;
        if (isOwn && qos === 1) {
          // Its PUBACK may come before or after its own copy.
          const types = [(await client.readFrame())[0]! >> 4];
          if (client === hearing[3]) types.push((await client.readFrame())[0]! >> 4);
          assertEquals(types.toSorted(), client === hearing[3] ? [3, 4] : [4]);
        } else if (!isOwn || client === hearing[3]) await client.expectPublish("a", "x");
      }
      await publisher.expectSilence();
    }
  }
});

specTest("a flood reaches many complete and in order [MQTT-4.6.0-5] [MQTT-4.6.0-6]", async (t) => {
  const clients = await crowd(t, "#", 0);
  const publisher = await t.connect();
  const numbers = Array.from({ length: 300 }, (_, index) => index);
  await done(publisher, ...numbers.map((n) => publish(`topic/${n % 3}`, `${n}`)));
  for (const client of clients) {
    for (const n of numbers) await client.expectPublish(`topic/${n % 3}`, `${n}`);
    await client.expectSilence();
  }
});
