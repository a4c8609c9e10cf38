/** Fixed headers and packet identifiers (MQTT 3.1.1 §2.2 and §2.3). */
import { assert, assertEquals } from "@std/assert";
import {
  connect,
  frame,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  subscribe,
  unsubscribe,
} from "../../harness/packets.ts";
import { expectFault, expectStrangerFault } from "./steps.ts";
import { specTest } from "./spec.ts";

/** Every packet of a client whose flags are prescribed. */
const PACKETS: Record<string, Uint8Array> = {
  PUBACK: puback(1),
  PUBREC: pubrec(1),
  PUBREL: pubrel(1),
  PUBCOMP: pubcomp(1),
  SUBSCRIBE: subscribe({ a: 0 }),
  UNSUBSCRIBE: unsubscribe(["a"]),
  PINGREQ: frame(0xc0),
  DISCONNECT: frame(0xe0),
};

/** The clauses that say so once more for one packet. */
const CLAUSES: Record<string, string> = {
  PUBREL: " [MQTT-3.6.1-1]",
  SUBSCRIBE: " [MQTT-3.8.1-1]",
  UNSUBSCRIBE: " [MQTT-3.10.1-1]",
  DISCONNECT: " [MQTT-3.14.1-1]",
};

/** The packet with each of the 15 other values of its flags. */
function withOtherFlags(packet: Uint8Array): Uint8Array[] {
  const others = Array.from({ length: 16 }, (_, flags) => packet[0]! & 0xf0 | flags);
  return others.filter((first) => first !== packet[0]).map((first) => {
    const other = packet.slice();
    other[0] = first;
    return other;
  });
}

for (const [name, packet] of Object.entries(PACKETS)) {
  specTest(
    `${name} with other flags ends the connection [MQTT-2.2.2-1] [MQTT-2.2.2-2]${
      CLAUSES[name] ?? ""
    }`,
    async (t) => {
      for (const other of withOtherFlags(packet)) await expectFault(t, other);
    },
  );
}

specTest("CONNECT with other flags is not let in [MQTT-2.2.2-1] [MQTT-2.2.2-2]", async (t) => {
  for (const other of withOtherFlags(connect())) await expectStrangerFault(t, other);
});

specTest("the same packets with their own flags are no fault [MQTT-2.2.2-1]", async (t) => {
  const client = await t.connect();
  const { DISCONNECT, PUBREL, PUBREC, SUBSCRIBE, UNSUBSCRIBE } = PACKETS;
  await client.send(PACKETS["PUBACK"]!, PACKETS["PUBCOMP"]!, SUBSCRIBE!, UNSUBSCRIBE!);
  await client.expect("90 03 00 01 00", "b0 02 00 01");
  await client.send(PUBREL!);
  await client.expect("70 02 00 01");
  // Nothing is known of this exchange; a PUBREL in answer has the flags that it must have.
  await client.send(PUBREC!);
  await client.expect("62 02 00 01");
  await client.ping();
  await client.send(DISCONNECT!);
  await client.expectClose();
});

specTest("packet identifier 0 is never taken [MQTT-2.3.1-1]", async (t) => {
  const packetId = 0;
  await expectFault(t, subscribe({ a: 0 }, { packetId }));
  await expectFault(t, unsubscribe(["a"], { packetId }));
  await expectFault(t, publish("a", "", { qos: 1, packetId }));
  await expectFault(t, publish("a", "", { qos: 2, packetId }));
});

specTest(
  "any other packet identifier is taken, and echoed [MQTT-2.3.1-1] [MQTT-2.3.1-6] [MQTT-2.3.1-7]",
  async (t) => {
    const client = await t.connect();
    for (const packetId of [1, 2, 255, 256, 0x1234, 65_535]) {
      const id = packetId.toString(16).padStart(4, "0");
      await client.send(publish("a", "", { qos: 1, packetId }));
      await client.expect(`40 02 ${id}`);
      await client.send(publish("a", "", { qos: 2, packetId }));
      await client.expect(`50 02 ${id}`);
      await client.send(pubrel(packetId));
      await client.expect(`70 02 ${id}`);
      await client.send(subscribe({ b: 1 }, { packetId }));
      await client.expect(`90 03 ${id} 01`);
      await client.send(unsubscribe(["b"], { packetId }));
      await client.expect(`b0 02 ${id}`);
    }
  },
);

specTest("PUBREL names the exchange that PUBREC belongs to [MQTT-2.3.1-6]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 2 }));
  await client.send(publish("a", "1", { qos: 2, packetId: 500 }));
  await client.expect("50 02 01f4");
  const { packetId } = await client.expectPublish("a", "1");
  await client.send(pubrec(packetId));
  assertEquals((await client.readAck()).packetId, packetId);
});

specTest(
  "deliveries in flight have identifiers of their own, above 0 [MQTT-2.3.1-1] [MQTT-2.3.1-4]",
  async (t) => {
    const subscriber = await t.connect();
    await subscriber.subscribe(subscribe({ "#": 2 }));
    const publisher = await t.connect();
    const ids = new Set<number>();
    for (let n = 0; n < 100; n++) {
      const qos = n % 2 === 0 ? 1 : 2;
      await publisher.send(publish("a", `${n}`, { qos, packetId: n + 1 }));
      ids.add((await subscriber.expectPublish("a", `${n}`)).packetId);
    }
    assertEquals(ids.size, 100);
    assert(!ids.has(0));
  },
);

specTest("a delivery that is sent again keeps its identifier [MQTT-2.3.1-4]", async (t) => {
  const fields = { clientId: "sub", clean: false };
  const subscriber = await t.connect(fields);
  await subscriber.subscribe(subscribe({ "#": 2 }));
  const publisher = await t.connect();
  const ids: number[] = [];
  for (const qos of [1, 2, 1] as const) {
    await publisher.send(publish("a", "x", { qos, packetId: ids.length + 1 }));
    ids.push((await subscriber.expectPublish("a", "x")).packetId);
  }
  await t.drop(subscriber);
  const again = await t.connect(fields);
  for (const id of ids) assertEquals((await again.expectPublish("a", "x")).packetId, id);
});

specTest("a QoS 0 delivery has no packet identifier [MQTT-2.3.1-5]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ "a/b": 0, "c": 2 }));
  await client.send(publish("a/b", "hi", { qos: 1, packetId: 7 }));
  await client.expect("40 02 0007", "30 07 0003 612f62 6869");
  await client.send(publish("c", "hi"));
  await client.expect("30 05 0001 63 6869");
});
