import { assert, assertEquals } from "@std/assert";
import { toHex } from "../../harness/hex.ts";
import type { SpecClient } from "../harness.ts";
import {
  auth,
  connect,
  frame,
  pingreq,
  properties,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  subscribe,
  unsubscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { rejected, subscriber, thrownOut } from "./steps.ts";

/** Puts other flags into the first byte of a packet. */
function withFlags(packet: Uint8Array, flags: number): Uint8Array {
  const changed = packet.slice();
  changed[0] = packet[0]! & 0xf0 | flags;
  return changed;
}

specTest("flags that are reserved close the connection [MQTT-2.1.3-1]", async (t) => {
  const packets = [
    puback(1),
    pubrec(1),
    pubrel(1),
    pubcomp(1),
    subscribe({ a: 0 }),
    unsubscribe(["a"]),
    pingreq(),
    frame(0xe0),
    auth(0x19),
  ];
  for (const packet of packets) {
    const right = packet[0]! & 0x0f;
    for (let flags = 0; flags < 16; flags++) {
      if (flags !== right) await thrownOut(t, withFlags(packet, flags), 0x81);
    }
  }
});

specTest("a CONNECT with flags in its first byte is not let in [MQTT-2.1.3-1]", async (t) => {
  for (let flags = 1; flags < 16; flags++) await rejected(t, withFlags(connect(), flags));
});

specTest("every packet from the broker has the flags prescribed [MQTT-2.1.3-1]", {
  broker: {
    authenticator: {
      authenticate: () => ({ reasonCode: 0 }),
      begin: () => {
        let step = 0;
        return { next: () => step++ === 0 ? { kind: "continue" } : { kind: "success" } };
      },
    },
  },
}, async (t) => {
  const client = await t.client();
  const seen: string[] = [];
  const note = async () => {
    const packet = await client.readFrame();
    seen.push(toHex(packet.subarray(0, 1)));
    return packet;
  };
  const method = properties.authenticationMethod("m");
  await client.send(connect({ properties: method }));
  await note();
  await client.send(auth(0x18, method));
  await note();
  await client.send(subscribe({ a: 2 }));
  await note();
  await client.send(publish("a", "x", { qos: 2 }));
  await note();
  // The delivery of it to the same client, acknowledged at once.
  const delivery = await note();
  await client.send(pubrec(delivery[5]! << 8 | delivery[6]!));
  await note();
  await client.send(pubcomp(delivery[5]! << 8 | delivery[6]!), pubrel(1));
  await note();
  await client.send(unsubscribe(["a"]), publish("b", "", { qos: 1 }), pingreq());
  for (let count = 0; count < 3; count++) await note();
  await client.send("00 00");
  await note();
  const wanted = "f0 20 90 50 34 62 70 b0 40 d0 e0".split(" ");
  assertEquals(seen.toSorted(), wanted.toSorted());
});

specTest("a QoS 0 delivery has no packet identifier [MQTT-2.2.1-2]", async (t) => {
  const client = await subscriber(t, "a/b", 2);
  await client.send(publish("a/b", "xy"));
  await client.expect("30 08 0003 612f62 00 7879");
});

specTest("a message lowered to QoS 0 loses its packet identifier [MQTT-2.2.1-2]", async (t) => {
  const client = await subscriber(t, "a/b", 0);
  const publisher = await t.connect();
  await publisher.send(publish("a/b", "xy", { qos: 1, packetId: 0x7879 }));
  await client.expect("30 08 0003 612f62 00 7879");
});

specTest("a packet identifier of 0 closes the connection [MQTT-2.2.1-3]", async (t) => {
  await thrownOut(t, publish("a", "", { qos: 1, packetId: 0 }), 0x81);
  await thrownOut(t, publish("a", "", { qos: 2, packetId: 0 }), 0x81);
  await thrownOut(t, subscribe({ a: 0 }, { packetId: 0 }), 0x81);
  await thrownOut(t, unsubscribe(["a"], { packetId: 0 }), 0x81);
});

specTest("packet identifiers from 1 to 65535 are taken [MQTT-2.2.1-3]", async (t) => {
  const client = await t.connect();
  for (const packetId of [1, 255, 256, 32_768, 65_535]) {
    const id = Uint8Array.of(packetId >> 8, packetId);
    await client.send(subscribe({ a: 0 }, { packetId }), unsubscribe(["a"], { packetId }));
    await client.expect("90 04", id, "00 00", "b0 04", id, "00 00");
    await client.send(publish("b", "", { qos: 1, packetId }));
    await client.expect("40 03", id, "10");
    await client.send(publish("b", "", { qos: 2, packetId }), pubrel(packetId));
    await client.expect("50 03", id, "10", "70 02", id);
  }
});

/** Takes deliveries; tells their packet identifiers, which must be good ones. */
async function identifiers(client: SpecClient, count: number): Promise<number[]> {
  const ids: number[] = [];
  for (let index = 0; index < count; index++) ids.push((await client.readPublish()).packetId);
  assert(ids.every((id) => id > 0));
  return ids;
}

specTest("deliveries in flight have identifiers of their own [MQTT-2.2.1-4]", async (t) => {
  const client = await subscriber(t, "#", 2);
  const publisher = await t.connect();
  for (let index = 0; index < 100; index++) {
    await publisher.send(publish("a", "", { qos: index % 2 === 0 ? 1 : 2, packetId: index + 1 }));
    await publisher.readFrame();
  }
  const ids = await identifiers(client, 100);
  assertEquals(new Set(ids).size, 100);
});

specTest(
  "identifiers start over without 0 and without those in flight [MQTT-2.2.1-4]",
  async (t) => {
    const client = await subscriber(t, "#", 2);
    t.broker.publish("a", "", { qos: 2 });
    t.broker.publish("a", "", { qos: 1 });
    const held = await identifiers(client, 2);
    for (let sent = 0; sent < 70_000; sent += 500) {
      for (let index = 0; index < 500; index++) t.broker.publish("a", "", { qos: 1 });
      const ids = await identifiers(client, 500);
      assertEquals(new Set([...held, ...ids]).size, 502);
      await client.send(...ids.map(puback));
    }
  },
);

specTest("acknowledgements name the packet they are for [MQTT-2.2.1-5]", async (t) => {
  const client = await t.connect();
  await client.send(publish("a", "", { qos: 1, packetId: 0x1234 }));
  await client.expect("40 03 1234 10");
  await client.send(publish("a", "", { qos: 2, packetId: 0x5678 }));
  await client.expect("50 03 5678 10");
  await client.send(pubrel(0x5678));
  await client.expect("70 02 5678");
});

specTest("PUBREL names the delivery it releases [MQTT-2.2.1-5]", async (t) => {
  const client = await subscriber(t, "#", 2);
  for (let index = 0; index < 3; index++) t.broker.publish("a", "", { qos: 2 });
  const ids = await identifiers(client, 3);
  for (const id of ids.toReversed()) {
    await client.send(pubrec(id));
    await client.expect("62 02", Uint8Array.of(id >> 8, id));
  }
});

specTest("SUBACK and UNSUBACK name the request they answer [MQTT-2.2.1-6]", async (t) => {
  const client = await t.connect();
  await client.send(subscribe({ a: 0 }, { packetId: 0xfedc }));
  await client.expect("90 04 fedc 00 00");
  await client.send(unsubscribe(["a"], { packetId: 0x0bad }), unsubscribe(["a"], { packetId: 3 }));
  await client.expect("b0 04 0bad 00 00", "b0 04 0003 00 11");
});

specTest("no properties are a length of 0 [MQTT-2.2.2-1]", async (t) => {
  const client = await t.connect();
  await client.send(subscribe({ "a/b": 1 }, { packetId: 1 }));
  await client.expect("90 04 0001 00 01");
  await client.send(publish("a/b", "x", { qos: 1, packetId: 2 }));
  await client.expect("40 02 0002");
  const delivery = await client.readFrame();
  // Only the packet identifier is the broker's choice.
  assertEquals(toHex(delivery.subarray(0, 7)), "32 09 00 03 61 2f 62");
  assertEquals(toHex(delivery.subarray(9)), "00 78");
  await client.send(unsubscribe(["a/b"], { packetId: 3 }));
  await client.expect("b0 04 0003 00 00");
});
