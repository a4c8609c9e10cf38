/** Bridges of other brokers that connect as clients, and the topics that are theirs or nobody's. */
import { assertEquals } from "@std/assert";
import { Broker } from "../../../mod.ts";
import type { Authorizer } from "../../../auth/mod.ts";
import { MemoryStore } from "../../../store/mod.ts";
import { connect, frame, publish, subscribe, text } from "../../harness/packets.ts";
import { type Conversation, type SpecClient, testsFor } from "../harness.ts";
import { specTest } from "./spec.ts";

const old = testsFor(4);

/** CONNECT of a bridge of 3.1 or 3.1.1: the highest bit of the level is set. */
function bridgeConnect(level: 3 | 4, clientId: string): Uint8Array {
  const packet = connect({ level, clientId });
  packet[packet.indexOf(level, level === 3 ? 10 : 8)]! |= 0x80;
  return packet;
}

async function bridge(t: Conversation, level: 3 | 4, clientId: string): Promise<SpecClient> {
  const client = await t.client(level);
  await client.send(bridgeConnect(level, clientId));
  await client.expectWelcome();
  return client;
}

specTest("levels 0x83 and 0x84 are bridges of 3.1 and 3.1.1, which get no echo", async (t) => {
  for (const level of [3, 4] as const) {
    const client = await bridge(t, level, `bridge ${level}`);
    await client.subscribe(subscribe({ "#": 2 }));
    await client.send(publish("a", "own", { qos: 1 }), publish("a", "own", { retain: true }));
    await client.expect("40 02 0001");
    await client.expectSilence();
    const other = await t.connect({ level: 4, clientId: "other" });
    for (const retain of [true, false]) {
      await other.send(publish("a", "x", { retain, qos: 1 }));
      await other.expect("40 02 0001");
      const delivery = await client.expectPublish("a", "x");
      assertEquals([delivery.retain, delivery.qos], [retain, 1], "Retain As Published");
    }
    await other.send(publish("a", "", { retain: true }));
    await client.expectPublish("a", "");
  }
});

specTest("a bridge gets no retained message of its own, but those of others", async (t) => {
  const client = await bridge(t, 4, "bridge");
  await client.send(publish("own", "x", { retain: true }));
  const other = await t.connect();
  await other.send(publish("other", "x", { level: 5, retain: true }));
  await client.ping();
  await other.ping();
  await client.subscribe(subscribe({ "+": 0 }));
  assertEquals((await client.expectPublish("other", "x")).retain, true);
  await client.expectSilence();
});

specTest("a bridge has no No Local in a shared subscription [MQTT-3.8.3-4]", async (t) => {
  const client = await bridge(t, 4, "bridge");
  await client.subscribe(subscribe({ "$share/g/a": 0 }));
  await client.send(publish("a", "x"));
  await client.expectPublish("a", "x");
});

specTest("0x83 is a bridge under the name of 3.1 only, 0x84 under that of 3.1.1", async (t) => {
  for (const [name, level] of [["MQTT", 0x83], ["MQIsdp", 0x84], ["MQTT", 0x85]] as const) {
    const client = await t.client(4);
    await client.send(frame(0x10, text(name), Uint8Array.of(level, 2, 0, 0), text("id")));
    await client.expectRefusal(1);
  }
});

/** The topic where a bridge of this name tells whether it is connected. */
const stateOf = (name: string) => `$SYS/broker/connection/${name}/state`;

specTest("a client tells its state below $SYS, retained and by its will", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "$SYS/broker/connection/#": 1 }, { level: 5 }));
  for (const level of [3, 4, 5] as const) {
    const clientId = `host.name/${level}`;
    const topic = stateOf(clientId);
    const will = { topic, payload: "0", qos: 1, retain: true } as const;
    const client = await t.connect({ level, clientId, will });
    await client.send(publish(topic, "1", { level, qos: 1, retain: true }));
    assertEquals((await client.readAck()).reasonCodes, [0]);
    await witness.expectPublish(topic, "1");
    await t.drop(client);
    await witness.expectPublish(topic, "0");
    const late = await t.connect();
    await late.subscribe(subscribe({ [topic]: 1 }, { level: 5 }));
    await late.expectPublish(topic, "0");
  }
});

specTest(
  "a bridge of 3.x may tell the state of its connection's name, others may not",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ "$SYS/broker/connection/#": 1 }, { level: 5 }));
    const client = await bridge(t, 4, "host.name");
    await client.send(publish(stateOf("name"), "1", { retain: true }));
    await witness.expectPublish(stateOf("name"), "1");
    for (const topic of [stateOf("a/b"), "$SYS/broker/connection/state", stateOf(""), "$SYS/x"]) {
      await client.send(publish(topic, "1", { retain: true }));
    }
    const other = await t.connect({ clientId: "other" });
    await other.send(publish(stateOf("name"), "0", { level: 5, qos: 1, retain: true }));
    assertEquals((await other.readAck()).reasonCodes, [0x87]);
    await client.ping();
    await witness.expectSilence();
  },
);

const RESERVED = ["$SYS", "$SYS/a", "$CONTROL", "$CONTROL/dynamic-security/v1", stateOf("other")];

specTest("clients publish neither to $SYS nor to $CONTROL: 0x87 in 5.0", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "$SYS/#": 0, "$CONTROL/#": 0 }, { level: 5 }));
  const client = await t.connect({ clientId: "client" });
  for (const topic of RESERVED) {
    await client.send(publish(topic, "x", { level: 5, qos: 1 }));
    assertEquals((await client.readAck()).reasonCodes, [0x87], topic);
    await client.send(publish(topic, "x", { level: 5, qos: 2, packetId: 2 }));
    assertEquals((await client.readAck()).reasonCodes, [0x87], topic);
    await client.send(publish(topic, "x", { level: 5, retain: true }));
    const will = { topic, payload: "x" };
    await (await t.dial({ will, clientId: "w" })).expectRefusal(0x87);
  }
  await client.ping();
  await witness.expectSilence();
  assertEquals(t.broker.stats.dropped["not-authorized"], 3 * RESERVED.length);
  await client.send(publish("$CONTROLS", "x", { level: 5, qos: 1 }));
  assertEquals((await client.readAck()).reasonCodes, [0x10], "No more than what is named so");
});

old.specTest("3.x: what is published to $CONTROL is acknowledged and dropped", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "$CONTROL/#": 0 }));
  const client = await t.connect({ clientId: "client" });
  await client.send(publish("$CONTROL/a", "x", { qos: 1 }));
  await client.expect("40 02 0001");
  await witness.expectSilence();
  await (await t.dial({ will: { topic: "$CONTROL/a", payload: "x" } })).expectRefusal(5);
});

const asked: string[] = [];
const authorizer: Authorizer = {
  mayPublish: (_client, { topic }) => asked.push(topic) > 0 && !topic.includes("shut"),
  maySubscribe: () => true,
};

specTest("the authorizer has its say on a client's state, and none on what is not for clients", {
  broker: { authorizer },
}, async (t) => {
  asked.length = 0;
  for (const [clientId, code] of [["open", 0x10], ["shut", 0x87]] as const) {
    const client = await t.connect({ clientId });
    await client.send(publish(stateOf(clientId), "1", { level: 5, qos: 1 }));
    assertEquals((await client.readAck()).reasonCodes, [code]);
    await client.send(publish("$CONTROL/a", "1", { level: 5, qos: 1 }));
    assertEquals((await client.readAck()).reasonCodes, [0x87]);
  }
  assertEquals(asked, [stateOf("open"), stateOf("shut")]);
});

Deno.test("the state of a bridge that is away outlives the broker, that of the broker does not", async () => {
  const store = new MemoryStore();
  const first = await Broker.open(store);
  for (const topic of ["$SYS/broker/connection/b/state", "$SYS/uptime"]) {
    await first.publish(topic, "0", { retain: true });
  }
  await first.close();
  await using second = await Broker.open(MemoryStore.from(store.snapshot()));
  assertEquals(second.stats.retainedMessages, 1);
});
