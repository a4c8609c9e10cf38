/** What a lenient listener overlooks, and what it does not. */
import { assertEquals } from "@std/assert";
import { Broker } from "../../../mod.ts";
import type { ConnectFields, Level } from "../../harness/packets.ts";
import { type Conversation, SpecClient } from "../harness.ts";
import {
  all,
  connect,
  disconnect,
  frame,
  properties,
  publish,
  pubrel,
  subscribe,
  text,
  uint16,
  unsubscribe,
} from "../v5/packets.ts";
import { specTest } from "./spec.ts";

const lenient = { lenient: true };
const narrow = { broker: { limits: { receiveMaximum: 2 } } };
const unnamed: ConnectFields = { level: 4, clientId: "", clean: false };

/** Properties that none of these packets can have, and that nobody relies on. */
const STRAY = all(
  properties.requestProblemInformation(1),
  Uint8Array.of(0x13, 0, 9),
  Uint8Array.of(0x1a, ...text("info")),
);

/** Packets with such properties, each with its answer; in this order. */
const STRAYED: [name: string, packet: Uint8Array, answer: string][] = [
  ["SUBSCRIBE", subscribe({ a: 1 }, { properties: STRAY }), "90 04 0001 00 01"],
  ["UNSUBSCRIBE", unsubscribe(["a"], { properties: STRAY }), "b0 04 0001 00 00"],
  ["PUBLISH", publish("b", "x", { qos: 2, packetId: 7, properties: STRAY }), "50 03 0007 10"],
  ["PUBREL", frame(0x62, uint16(7), Uint8Array.of(0, STRAY.length), STRAY), "70 02 0007"],
];

/** Publishes `count` QoS 2 messages that are never released. */
async function flood(client: SpecClient, count: number): Promise<void> {
  for (let id = 1; id <= count; id++) {
    await client.send(publish("a", "x", { qos: 2, packetId: id }));
  }
}

async function expectTolerated(t: Conversation, kind: string, count: number): Promise<void> {
  const counts = t.broker.stats.tolerated as Record<string, number>;
  await t.until(() => counts[kind] === count);
  assertEquals(Object.values(counts).reduce((sum, each) => sum + each), count);
}

specTest(
  "lenient: a client that exceeds the Receive Maximum goes on",
  { ...narrow, ...lenient },
  async (t) => {
    const client = await t.connect();
    await flood(client, 5);
    for (let id = 1; id <= 5; id++) await client.expect(frame(0x50, uint16(id), Uint8Array.of(16)));
    await expectTolerated(t, "receive-maximum", 3);
    for (let id = 1; id <= 5; id++) await client.send(pubrel(id));
    for (let id = 1; id <= 5; id++) await client.expect(frame(0x70, uint16(id)));
    await flood(client, 2);
    await client.readAck();
    await client.readAck();
    await expectTolerated(t, "receive-maximum", 3);
  },
);

specTest("strict: a client that exceeds the Receive Maximum is sent away", narrow, async (t) => {
  const client = await t.connect();
  await flood(client, 3);
  for (let id = 1; id <= 2; id++) await client.expect(frame(0x50, uint16(id), Uint8Array.of(16)));
  await client.expectDisconnect(0x93);
  await expectTolerated(t, "receive-maximum", 0);
});

specTest("lenient: misplaced properties are left out", lenient, async (t) => {
  const client = await t.connect({ properties: Uint8Array.of(0x13, 0, 9) });
  for (const [, packet, answer] of STRAYED) {
    await client.send(packet);
    await client.expect(answer);
  }
  await client.send(disconnect(0, STRAY));
  await client.expectClose();
  await expectTolerated(t, "misplaced-property", 1 + 3 * STRAYED.length + 3);
});

specTest("strict: misplaced properties are malformed", async (t) => {
  const stranger = await t.dial({ properties: Uint8Array.of(0x13, 0, 9) });
  await stranger.expectRejection();
  for (const [, packet] of [...STRAYED, ["DISCONNECT", disconnect(0, STRAY)] as const]) {
    const client = await t.connect();
    await client.send(packet);
    await client.expectDisconnect(0x81);
  }
  await expectTolerated(t, "misplaced-property", 0);
});

specTest("lenient: a message loses what is misplaced and nothing else", lenient, async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 0 }));
  const given = all(
    properties.user("a", "1"),
    properties.subscriptionIdentifier(300),
    properties.contentType("text"),
    properties.subscriptionIdentifier(7),
    properties.reasonString("because"),
    properties.messageExpiry(60),
    properties.willDelay(5),
    properties.user("b", "2"),
  );
  await client.send(publish("a", "x", { properties: given }));
  const { properties: got } = await client.expectPublish("a", "x");
  assertEquals(got, [[0x02, 60], [0x26, "a=1"], [0x03, "text"], [0x26, "b=2"]]);
  await expectTolerated(t, "misplaced-property", 4);
});

specTest("strict: a message with a misplaced property goes nowhere", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "#": 0 }));
  const cases = [[properties.subscriptionIdentifier(7), 0x82], [properties.willDelay(5), 0x81]];
  for (const [given, reasonCode] of cases as [Uint8Array, number][]) {
    const client = await t.connect();
    await client.send(publish("a", "x", { properties: given }));
    await client.expectDisconnect(reasonCode);
  }
  await witness.expectSilence();
});

specTest("lenient: a will loses what is misplaced and nothing else", lenient, async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "#": 0 }));
  const given = all(properties.topicAlias(3), properties.user("a", "1"));
  const will = { topic: "will", payload: "gone", properties: given };
  await t.drop(await t.connect({ clientId: "c", will }));
  const { properties: got } = await witness.expectPublish("will", "gone");
  assertEquals(got, [[0x26, "a=1"]]);
});

specTest("lenient: properties that a client relies on are not left out", lenient, async (t) => {
  const relied = [
    properties.sessionExpiry(60),
    properties.receiveMaximum(1),
    properties.maximumPacketSize(100),
    properties.authenticationMethod("m"),
  ];
  for (const given of relied) {
    const client = await t.connect();
    await client.send(subscribe({ a: 0 }, { properties: given }));
    await client.expectDisconnect(0x81);
  }
  await expectTolerated(t, "misplaced-property", 0);
});

specTest("lenient: whatever is ill-formed stays a fault", lenient, async (t) => {
  for (const bad of ["7f", "01", "1f 0001 ff", "13 00", "26 0001 61"]) {
    const client = await t.connect();
    const bytes = Uint8Array.fromHex(bad.replaceAll(" ", ""));
    await client.send(subscribe({ a: 0 }, { properties: bytes }));
    await client.expectDisconnect(0x81);
  }
  const client = await t.connect();
  const twice = all(properties.messageExpiry(1), properties.messageExpiry(1));
  await client.send(publish("a", "x", { properties: twice }));
  await client.expectDisconnect(0x82);
});

specTest("lenient: a lasting session without a name is a clean one", lenient, async (t) => {
  const client = await t.dial(unnamed);
  await client.expect("20 02 00 00");
  await client.subscribe(subscribe({ a: 1 }, { level: 4 }));
  await client.send(publish("a", "x", { level: 4 }));
  await client.expectPublish("a", "x");
  assertEquals(t.broker.stats.sessions, 1);
  await t.drop(client);
  await t.until(() => t.broker.stats.sessions === 0);
  await expectTolerated(t, "empty-client-id", 1);
  // In MQTT 3.1 no session can be without a name, a clean one neither.
  await (await t.dial({ ...unnamed, level: 3 })).expectRefusal(2);
});

specTest("strict: a lasting session without a name is refused", async (t) => {
  await (await t.dial(unnamed)).expectRefusal(2);
  await expectTolerated(t, "empty-client-id", 0);
});

Deno.test("lenient: it is the listener that is, not the broker", async () => {
  await using broker = new Broker();
  const listeners = [
    await broker.listen({ port: 0, lenient: true }),
    await broker.listen({ port: 0 }),
  ];
  const [open, closed] = await Promise.all(listeners.map(async ({ port }) => {
    const pipe = await Deno.connect({ hostname: "127.0.0.1", port });
    const client = new SpecClient(pipe, 4 satisfies Level);
    await client.send(connect(unnamed));
    return client;
  }));
  await open!.expectWelcome();
  await closed!.expectRefusal(2);
  open!.close();
});
