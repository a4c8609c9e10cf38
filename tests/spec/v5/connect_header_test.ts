import { assertEquals } from "@std/assert";
import {
  all,
  connect,
  disconnect,
  frame,
  pingreq,
  properties,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  subscribe,
  text,
  unsubscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { rawConnect, rejected, subscriber, thrownOut } from "./steps.ts";

const NONE = Uint8Array.of(0);

specTest("whoever begins with anything but CONNECT is dropped [MQTT-3.1.0-1]", async (t) => {
  const witness = await subscriber(t, "#", 2);
  const packets = [
    publish("a", "x"),
    publish("a", "x", { qos: 1 }),
    puback(1),
    pubrec(1),
    pubrel(1),
    pubcomp(1),
    subscribe({ a: 0 }),
    unsubscribe(["a"]),
    pingreq(),
    disconnect(),
    frame(0xf0),
    frame(0x20, NONE, NONE, NONE),
    frame(0x00),
  ];
  for (const packet of packets) {
    const client = await t.client();
    await client.send(packet, connect());
    await client.expectClose();
  }
  await witness.expectSilence();
});

specTest("whoever begins with CONNECT is answered [MQTT-3.1.0-1]", async (t) => {
  const client = await t.dial();
  await client.expectWelcome();
});

specTest("a second CONNECT is a Protocol Error [MQTT-3.1.0-2]", async (t) => {
  await thrownOut(t, connect({ clientId: "a" }), 0x82, { clientId: "a" });
  await thrownOut(t, connect({ clientId: "b" }), 0x82, { clientId: "a" });
});

specTest("a protocol name that is not MQTT closes the connection [MQTT-3.1.2-1]", async (t) => {
  for (const name of ["", "M", "mqtt", "MQTTX", "MQT", "HTTP"]) {
    const client = await t.client();
    await client.send(rawConnect({ name: text(name) }));
    await client.expectRefusal(0x84);
  }
  // That name had no version with a reason code.
  const client = await t.client(4);
  await client.send(rawConnect({ name: text("MQIsdp") }));
  await client.expectRefusal(1);
});

specTest("a version that is not known closes the connection [MQTT-3.1.2-2]", async (t) => {
  // Unacceptable protocol version, as 3.1.1 says it: whoever speaks none of ours can read that.
  for (const level of [0, 1, 2, 3, 6, 7, 127, 128, 0x83, 0x85, 255]) {
    const client = await t.client(4);
    await client.send(rawConnect({ level }));
    await client.expectRefusal(1);
  }
});

specTest("the reserved CONNECT flag is malformed [MQTT-3.1.2-3]", async (t) => {
  await rejected(t, rawConnect({ flags: 0x01 }));
  await rejected(t, rawConnect({ flags: 0x03 }));
  const client = await t.client();
  await client.send(rawConnect({ flags: 0x00 }));
  await client.expectWelcome();
});

specTest("Clean Start 1 wipes the session [MQTT-3.1.2-4]", async (t) => {
  const session = { clientId: "a", properties: properties.sessionExpiry(100) };
  const before = await subscriber(t, "kept", 1, session);
  await before.send(publish("other", "", { qos: 2, packetId: 7 }));
  await before.expect("50 03 0007 10");
  await t.drop(before);
  const publisher = await t.connect();
  await publisher.send(publish("kept", "queued", { qos: 1 }));
  await publisher.expect("40 02 0001");
  const after = await t.dial({ ...session, clean: true });
  assertEquals((await after.expectWelcome()).flags, 0);
  await publisher.send(publish("kept", "live", { qos: 1 }));
  await publisher.expect("40 03 0001 10");
  await after.expectSilence();
  // The QoS 2 exchange is forgotten too: there is nothing to release.
  await after.send(pubrel(7));
  await after.expect("70 03 0007 92");
  await t.drop(after);
  // What was wiped does not come back either.
  const again = await t.dial({ ...session, clean: false });
  assertEquals((await again.expectWelcome()).flags, 1);
  await again.expectSilence();
});

specTest("Clean Start 0 goes on with the session [MQTT-3.1.2-5]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const before = await subscriber(t, "kept", 2, session);
  const publisher = await t.connect();
  await publisher.send(publish("kept", "under way", { qos: 2 }));
  const { packetId } = await before.expectPublish("kept", "under way");
  const id = Uint8Array.of(packetId >> 8, packetId);
  await before.send(publish("other", "", { qos: 2, packetId: 7 }), pubrec(packetId));
  await before.expect("50 03 0007 10", "62 02", id);
  await t.drop(before);
  await publisher.send(publish("kept", "queued", { qos: 1, packetId: 2 }));
  await publisher.expect("50 02 0001", "40 02 0002");
  const after = await t.dial(session);
  assertEquals((await after.expectWelcome()).flags, 1);
  await after.expect("62 02", id);
  await after.expectPublish("kept", "queued");
  await publisher.send(publish("kept", "live"));
  await after.expectPublish("kept", "live");
  await after.send(pubrel(7));
  await after.expect("70 02 0007");
});

specTest("Clean Start 0 without a session begins one [MQTT-3.1.2-6]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const client = await t.dial(session);
  assertEquals((await client.expectWelcome()).flags, 0);
  await client.expectSilence();
  await client.subscribe(subscribe({ a: 0 }));
  await t.drop(client);
  const again = await t.dial(session);
  assertEquals((await again.expectWelcome()).flags, 1);
});

specTest(
  "flags and fields of user name and password go together [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18] [MQTT-3.1.2-19]",
  async (t) => {
    const [USER, PASSWORD] = [0x80, 0x40];
    const fields = [text("id"), text("user"), text("secret")];
    for (
      const [flags, count] of [[0, 1], [USER, 2], [PASSWORD, 2], [USER | PASSWORD, 3]] as const
    ) {
      for (let given = 1; given <= 3; given++) {
        const client = await t.client();
        await client.send(
          rawConnect({ flags: flags | 2, payload: all(...fields.slice(0, given)) }),
        );
        if (given === count) await client.expectWelcome();
        else await client.expectRejection();
      }
    }
  },
);
