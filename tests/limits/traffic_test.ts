/**
 * The limits on what a client that was let in may send, at each of them and just past it.
 *
 * @module
 */
import { concat } from "@std/bytes";
import { assert, assertEquals } from "@std/assert";
import * as packets from "../harness/packets.ts";
import { toHex } from "../harness/hex.ts";
import { Stage, type Visitor } from "./_stage.ts";

const V5 = { level: 5 } as const;

/** How many messages have come to a client, with nothing between them. */
async function count(visitor: Visitor, message: Uint8Array): Promise<number> {
  return (await visitor.receive()).length / (2 * message.length);
}

/** Somebody who gets everything. */
async function witnessOf(stage: Stage): Promise<Visitor> {
  const witness = await stage.join();
  await witness.send(packets.subscribe({ "#": 0 }, V5));
  return witness;
}

/** The code of a DISCONNECT. */
function disconnectCode(answer: string): string {
  return answer.startsWith("e0") ? answer.slice(4, 6) : answer;
}

Deno.test("publishesPerSecondMax are taken at once, and the rest as time goes by", async () => {
  await using stage = new Stage({ publishesPerSecondMax: 10 });
  const witness = await witnessOf(stage);
  const message = packets.publish("a", "x", V5);
  const client = await stage.join({ clientId: "eager" });
  await client.send(concat(Array.from({ length: 10 }, () => message)));
  assertEquals(await count(witness, message), 10);
  stage.expectLimited("publish-rate", 1);
  await stage.clock.advance(10_000);
  // The burst, and one more: it is as good as read already.
  await client.send(concat(Array.from({ length: 25 }, () => message)));
  assertEquals(await count(witness, message), 10);
  await stage.clock.advance(499);
  assertEquals(await count(witness, message), 4);
  await stage.clock.advance(1001);
  assertEquals(await count(witness, message), 11);
  assertEquals(stage.broker.stats.messagesReceived, 35);
  assert(!client.isEnded);
  assertEquals(stage.told[0]!.clientId, "eager");
});

Deno.test("QoS 1 counts as QoS 0 does, and answers come when the message was taken", async () => {
  await using stage = new Stage({ publishesPerSecondMax: 1 });
  const client = await stage.join();
  const publish = (packetId: number) => packets.publish("a", "", { ...V5, qos: 1, packetId });
  const answer = await client.send(publish(1), publish(2), packets.pingreq());
  assertEquals(answer.slice(0, 8), "40030001");
  assertEquals(answer.length, 10);
  await stage.clock.advance(1000);
  assertEquals((await client.receive()).slice(0, 8), "40030002");
});

Deno.test("a client over its rate is not read, and loses nothing for it", async () => {
  await using stage = new Stage({ publishesPerSecondMax: 100 });
  const witness = await witnessOf(stage);
  const message = packets.publish("a", "x", V5);
  const client = await stage.join({ keepAliveSeconds: 5 });
  for (let i = 0; i < 10; i++) {
    await client.send(concat(Array.from({ length: 300 }, () => message)));
  }
  await stage.clock.advance(20_000);
  assertEquals(await count(witness, message), 2100);
  await stage.clock.advance(9000);
  assertEquals(await count(witness, message), 900);
});

Deno.test("publishBytesPerSecondMax bytes are taken a second, and a large packet is a debt", async () => {
  await using stage = new Stage({ publishBytesPerSecondMax: 1000 });
  const witness = await witnessOf(stage);
  const large = packets.publish("a", new Uint8Array(2994), V5);
  assertEquals(large.length, 3001);
  const client = await stage.join();
  await client.send(large, large);
  assertEquals(await count(witness, large), 1);
  await stage.clock.advance(1900);
  assertEquals(await count(witness, large), 0);
  await stage.clock.advance(102);
  assertEquals(await count(witness, large), 1);
});

Deno.test("however large a packet is, its client is held up for ten seconds and no longer", async () => {
  await using stage = new Stage({ publishBytesPerSecondMax: 1 });
  const client = await stage.join();
  await client.send(packets.publish("a", new Uint8Array(100_000), V5));
  await client.leave();
  await stage.clock.advance(11_001);
  assertEquals(stage.broker.stats.connections, 0);
});

Deno.test('publishRateExceeded "disconnect" ends who publishes too fast with 0x96', async () => {
  await using stage = new Stage({ publishesPerSecondMax: 2 }, {
    publishRateExceeded: "disconnect",
  });
  const client = await stage.join();
  const message = packets.publish("a", "", V5);
  assertEquals(await client.send(message), "");
  const answer = await client.send(message, message);
  assertEquals(disconnectCode(answer), "96");
  stage.expectLimited("publish-rate", 1);
});

Deno.test("packetBytesMax bytes are taken, and one more ends with 0x95", async () => {
  await using stage = new Stage({ packetBytesMax: 1000 });
  const client = await stage.join();
  const message = packets.publish("a", new Uint8Array(993), V5);
  assertEquals(message.length, 1000);
  assertEquals(await client.send(message), "");
  stage.expectLimited("packet-bytes", 0);
  const answer = await client.send(packets.publish("a", new Uint8Array(994), V5));
  assertEquals(disconnectCode(answer), "95");
  stage.expectLimited("packet-bytes", 1);
});

/** What each packet of a client looks like with user properties. */
const CARRIERS: Record<string, (properties: Uint8Array) => Uint8Array> = {
  PUBLISH: (properties) => packets.publish("a", "x", { ...V5, properties }),
  "PUBLISH with QoS 1": (properties) => packets.publish("a", "x", { ...V5, qos: 1, properties }),
  SUBSCRIBE: (properties) => packets.subscribe({ a: 0 }, { ...V5, properties }),
  UNSUBSCRIBE: (properties) => packets.unsubscribe(["a"], { ...V5, properties }),
  PUBREL: (properties) =>
    packets.frame(0x62, packets.uint16(9), Uint8Array.of(0), sized(properties)),
  DISCONNECT: (properties) => packets.disconnect(4, properties),
};

function sized(properties: Uint8Array): Uint8Array {
  return concat([packets.varint(properties.length), properties]);
}

function userProperties(count: number, name: string): Uint8Array {
  const one = concat([Uint8Array.of(0x26), packets.text(name), packets.text("")]);
  return concat(Array.from({ length: count }, () => one));
}

for (const [name, packetOf] of Object.entries(CARRIERS)) {
  Deno.test(`${name} may have userPropertiesMax, and one more ends with 0x97`, async () => {
    await using stage = new Stage({ userPropertiesMax: 10 });
    const client = await stage.join();
    const answer = await client.send(packetOf(userProperties(10, "n")));
    stage.expectLimited("user-properties", 0);
    assert(!answer.startsWith("e0"), answer);
    const other = await stage.join();
    assertEquals(disconnectCode(await other.send(packetOf(userProperties(11, "n")))), "97");
    stage.expectLimited("user-properties", 1);
  });
}

Deno.test("userPropertyBytesMax bytes of them are taken, and one more ends with 0x97", async () => {
  // Identifier, two lengths and a name of 15 make 20.
  await using stage = new Stage({ userPropertyBytesMax: 200 });
  const client = await stage.join();
  const name = "n".repeat(15);
  await client.send(packets.publish("a", "", { ...V5, properties: userProperties(10, name) }));
  stage.expectLimited("user-properties", 0);
  const properties = concat([userProperties(9, name), userProperties(1, `${name}n`)]);
  const answer = await client.send(packets.publish("a", "", { ...V5, properties }));
  assertEquals(disconnectCode(answer), "97");
});

Deno.test("CONNECT may have userPropertiesMax, and one more is refused; so may its will", async () => {
  await using stage = new Stage({ userPropertiesMax: 10 });
  await stage.join({ properties: userProperties(10, "n") });
  const many = userProperties(11, "n");
  assertEquals((await stage.visit().connect({ properties: many })).slice(6, 8), "97");
  const will = { topic: "a", payload: "", properties: many };
  assertEquals((await stage.visit().connect({ will })).slice(6, 8), "97");
  stage.expectLimited("user-properties", 2);
});

Deno.test("filtersPerPacketMax are taken, and one more ends with 0x97, undecoded", async () => {
  const filters = (count: number) => Array.from({ length: count }, (_, i) => `f${i}`);
  const subscribe = (count: number) =>
    packets.subscribe(Object.fromEntries(filters(count).map((filter) => [filter, 0])), V5);
  await using stage = new Stage({ filtersPerPacketMax: 5 });
  const client = await stage.join();
  assertEquals((await client.send(subscribe(5))).slice(0, 2), "90");
  assertEquals((await client.send(packets.unsubscribe(filters(5), V5))).slice(0, 2), "b0");
  stage.expectLimited("filters", 0);
  assertEquals(disconnectCode(await client.send(subscribe(6))), "97");
  const other = await stage.join();
  assertEquals(disconnectCode(await other.send(packets.unsubscribe(filters(6), V5))), "97");
  stage.expectLimited("filters", 2);
});

Deno.test("requestBytesMax bytes of a SUBSCRIBE are read, and one more ends with 0x97, unread", async () => {
  const subscribe = packets.subscribe({ ["x".repeat(60)]: 0 }, V5);
  await using stage = new Stage({ requestBytesMax: subscribe.length });
  const client = await stage.join();
  assertEquals((await client.send(subscribe)).slice(0, 2), "90");
  // A PUBLISH may be larger.
  assertEquals(
    await client.send(packets.publish("x".repeat(60), "y".repeat(200), V5)) !== "",
    true,
  );
  stage.expectLimited("packet-bytes", 0);
  const larger = packets.subscribe({ ["x".repeat(61)]: 0 }, V5);
  assertEquals(disconnectCode(await client.send(larger)), "97");
  const other = await stage.join();
  // The header is enough: nothing of the body is waited for.
  assertEquals(disconnectCode(await other.send(larger.subarray(0, 5))), "97");
  stage.expectLimited("packet-bytes", 2);
});

Deno.test("subscriptionsMax are kept, and one more is refused with 0x97", async () => {
  await using stage = new Stage({ subscriptionsMax: 2 });
  const client = await stage.join();
  const answer = await client.send(packets.subscribe({ a: 0, b: 1, c: 2 }, V5));
  assertEquals(answer, "90060001000001" + "97");
  stage.expectLimited("subscriptions", 1);
});

Deno.test("filters cost matchStepsMax at most, and one more is refused with 0x97 and the reason", async () => {
  await using stage = new Stage({ matchStepsMax: 6 });
  const client = await stage.join();
  const reason = toHex(new TextEncoder().encode("more than 3 steps")).replaceAll(" ", "");
  assertEquals(await client.send(packets.subscribe({ "+/a": 0 }, V5)), "900400010000");
  stage.broker.changeLimits({ matchStepsMax: 3 });
  // What costs nothing more is taken: no wildcard, a name beside another, the same again.
  const free = packets.subscribe({ "a/b": 0, "+/b": 0, "+/a": 1, "$share/g/+/b": 0 }, V5);
  assertEquals(await client.send(free), "9007000100" + "00000100");
  const answer = await client.send(packets.subscribe({ "a/+": 0, c: 0 }, V5));
  assertEquals([answer.slice(0, 2), answer.slice(-4)], ["90", "97" + "97"]);
  assert(answer.includes(reason), answer);
  // 3.1.1 has one code for every failure [MQTT-3.9.3-2].
  const old = await stage.join({ level: 4 });
  const shared = packets.subscribe({ "a/b": 0, "a/#": 0 }, { level: 4 });
  assertEquals(await old.send(shared), "90040001" + "0080");
  stage.expectLimited("match-steps", 3);
});

Deno.test("a client that wants no reasons, or has no room for one, gets the code alone [MQTT-3.1.2-29] [MQTT-3.9.2-1]", async () => {
  await using stage = new Stage({ matchStepsMax: 1 });
  for (const properties of ["17 00", "27 00 00 00 64"]) {
    const client = await stage.join({ properties });
    assertEquals(await client.send(packets.subscribe({ "a/+": 0 }, V5)), "900400010097");
  }
});

Deno.test("what makes the search costly makes room for others when it goes", async () => {
  await using stage = new Stage({ matchStepsMax: 6 });
  const client = await stage.join();
  await client.send(packets.subscribe({ "+/a": 0 }, V5));
  assertEquals((await client.send(packets.subscribe({ "a/+": 0 }, V5))).slice(-2), "97");
  await client.send(packets.unsubscribe(["+/a"], V5));
  assertEquals(await client.send(packets.subscribe({ "a/+": 0 }, V5)), "900400010000");
  stage.broker.changeLimits({ matchStepsMax: 0 });
  assertEquals(await client.send(packets.subscribe({ "+/+/+": 0 }, V5)), "900400010000");
});

Deno.test("matchStepsMax: one client takes half of what the others leave, and they get theirs", async () => {
  await using stage = new Stage({ matchStepsMax: 40 });
  const greedy = await stage.join();
  const granted = async (client: Visitor, name: string) => {
    for (let count = 0;; count++) {
      // Each goes one level deeper: a step more for `+`, which any topic may match.
      const filter = `${"+/".repeat(count)}${name}`;
      const answer = await client.send(packets.subscribe({ [filter]: 0 }, V5));
      if (answer.endsWith("97")) return { count, answer, cost: filter };
    }
  };
  const first = await granted(greedy, "+");
  const reason = toHex(new TextEncoder().encode("one client has a share of"));
  assert(first.answer.includes(reason.replaceAll(" ", "")), first.answer);
  // The root, and a step for each filter, are half of 40.
  assertEquals(first.count, 19);
  stage.expectLimited("match-steps", 1);
  const other = await stage.join();
  assertEquals(await other.send(packets.subscribe({ "home/+/state": 0 }, V5)), "900400010000");
  // What the greedy one has makes nothing costlier when it comes again.
  assertEquals(await greedy.send(packets.subscribe({ "+": 1 }, V5)), "900400010001");
});

Deno.test("matchStepsMax: what a client has unsubscribed from is its share again", async () => {
  await using stage = new Stage({ matchStepsMax: 8 });
  const client = await stage.join();
  const deep = packets.subscribe({ "+/+/+": 0 }, V5);
  assertEquals((await client.send(deep)).slice(-2), "00");
  assertEquals((await client.send(packets.subscribe({ "+/+/+/+": 0 }, V5))).slice(-2), "97");
  for (let again = 0; again < 5; again++) {
    await client.send(packets.unsubscribe(["+/+/+"], V5));
    assertEquals((await client.send(deep)).slice(-2), "00");
  }
});

Deno.test("topicBytesMax and topicLevelsMax are taken, and one more is invalid", async () => {
  await using stage = new Stage({ topicBytesMax: 10, topicLevelsMax: 3 });
  const good = ["0123456789", "a/b/c", "ööööö"];
  const bad = ["0123456789x", "a/b/c/d", "ööööö5"];
  for (const topic of good) {
    const client = await stage.join({ will: { topic, payload: "" } });
    assertEquals(await client.send(packets.publish(topic, "", V5), "c0 00"), "d000");
    assertEquals((await client.send(packets.subscribe({ [topic]: 0 }, V5))).slice(-2), "00");
  }
  for (const topic of bad) {
    const refused = stage.visit();
    assertEquals((await refused.connect({ will: { topic, payload: "" } })).slice(6, 8), "90");
    const client = await stage.join();
    assertEquals((await client.send(packets.subscribe({ [topic]: 0 }, V5))).slice(-2), "8f");
    assertEquals(disconnectCode(await client.send(packets.publish(topic, "", V5))), "90");
  }
});

Deno.test("receiveMaximum QoS 2 messages are unfinished, and one more ends with 0x93", async () => {
  await using stage = new Stage({ receiveMaximum: 3 });
  const client = await stage.join();
  const publish = (packetId: number) => packets.publish("a", "", { ...V5, qos: 2, packetId });
  await client.send(publish(1), publish(2), publish(3));
  assert(!client.isEnded);
  assertEquals(disconnectCode(await client.send(publish(4))), "93");
});

Deno.test("topicAliasMax aliases are taken, and one more ends with 0x94", async () => {
  await using stage = new Stage({ topicAliasMax: 2 });
  const client = await stage.join();
  assertEquals(await client.send(packets.publish("a", "", { ...V5, properties: "23 0002" })), "");
  const answer = await client.send(packets.publish("a", "", { ...V5, properties: "23 0003" }));
  assertEquals(disconnectCode(answer), "94");
});
