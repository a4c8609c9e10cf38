/** PINGREQ and DISCONNECT (MQTT 5 §3.12 and §3.14). */
import { assert, assertEquals } from "@std/assert";
import { toHex } from "../../harness/hex.ts";
import { hex } from "../harness.ts";
import { connect, disconnect, frame, pingreq, properties, publish, subscribe } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { rawConnect, subscriber, thrownOut } from "./steps.ts";

const REASON_STRING = 0x1f;
const SESSION_EXPIRY = 0x11;
const will = { topic: "will", payload: "gone" };

specTest("each PINGREQ is answered [MQTT-3.12.4-1]", async (t) => {
  const client = await t.connect();
  await client.send(pingreq(), pingreq());
  await client.expect("d0 00 d0 00");
  await client.send(pingreq());
  await client.expect("d0 00");
});

specTest("before it was let in no client gets a DISCONNECT [MQTT-3.14.0-1]", async (t) => {
  const beginnings = [
    frame(0xc0),
    publish("a", "x"),
    frame(0xf0),
    frame(0x11, hex("0004 4d515454 05 02 0000 00 0000")),
    rawConnect({ flags: 0x03 }),
    rawConnect({ level: 6 }),
    rawConnect({ name: hex("0003 4d5154") }),
    rawConnect({ payload: hex("00") }),
    rawConnect({ properties: hex("02 01 01") }),
    connect({ will: { topic: "#", payload: "" } }),
    hex("10 ff ff ff ff 01"),
  ];
  for (const packet of beginnings) {
    const client = await t.client();
    await client.send(packet);
    const answer = await client.readFrameOrEnd();
    if (answer === null) continue;
    assertEquals(answer[0], 0x20, `${toHex(answer)} in answer to ${toHex(packet)}`);
    // In the form of 3.1.1 where the version is not known.
    assert(answer[3]! >= 0x80 || toHex(answer) === "20 02 00 01");
    await client.expectClose();
  }
});

specTest("DISCONNECT with other flags is answered with 0x81 [MQTT-3.14.1-1]", async (t) => {
  for (let flags = 1; flags < 16; flags++) await thrownOut(t, frame(0xe0 | flags), 0x81);
});

specTest("a reason that DISCONNECT cannot have is a fault [MQTT-3.14.2-1]", async (t) => {
  for (const code of [0x01, 0x02, 0x10, 0x11, 0x18, 0x84, 0x85, 0x86, 0x91, 0x92, 0xff]) {
    await thrownOut(t, disconnect(code), 0x81);
  }
});

specTest("a client may leave for any reason it has [MQTT-3.14.2-1] [MQTT-4.13.2-1]", async (t) => {
  for (const code of [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97]) {
    const client = await t.connect();
    await client.send(disconnect(code));
    await client.expectClose();
  }
});

specTest("properties that DISCONNECT cannot have are a fault [MQTT-3.14.2-1]", async (t) => {
  await thrownOut(t, disconnect(0, properties.topicAlias(1)), 0x81);
  const { sessionExpiry } = properties;
  await thrownOut(t, disconnect(0, hex("11 00000000 11 00000000")), 0x82);
  // The session was to end with the connection, and cannot be given a life after all.
  await thrownOut(t, disconnect(0, sessionExpiry(10)), 0x82);
});

specTest(
  "a DISCONNECT from the broker has no Session Expiry Interval [MQTT-3.14.2-2]",
  async (t) => {
    const fields = { clientId: "client", properties: properties.sessionExpiry(100) };
    const first = await t.connect(fields);
    const second = await t.connect(fields);
    const takenOver = await first.expectDisconnect(0x8e);
    await second.send(frame(0x00));
    const faulty = await second.expectDisconnect(0x81);
    for (const packet of [takenOver, faulty]) {
      assert(packet!.properties.every(([id]) => id !== SESSION_EXPIRY));
    }
  },
);

specTest(
  "DISCONNECT leaves its Reason String out where it does not fit [MQTT-3.14.2-3] [MQTT-3.14.2-4]",
  async (t) => {
    const whyOf = async (bytes: number) => {
      const client = await t.connect({
        clientId: "client",
        properties: properties.maximumPacketSize(bytes),
      });
      await client.send(frame(0x36, hex("0001 61 0001 00")));
      const frameBytes = await client.readFrame();
      assert(frameBytes.length <= bytes, `${toHex(frameBytes)} is longer than ${bytes}`);
      assertEquals([frameBytes[0], frameBytes[2]], [0xe0, 0x81]);
      await client.expectClose();
      return frameBytes;
    };
    const roomy = await whyOf(1_000);
    assertEquals(roomy[4], REASON_STRING);
    assertEquals(await whyOf(roomy.length), roomy);
    assertEquals((await whyOf(roomy.length - 1)).length, 3);
    assertEquals((await whyOf(20)).length, 3);
  },
);

specTest(
  "after its DISCONNECT the broker closes and says no more [MQTT-3.14.4-1] [MQTT-3.14.4-2]",
  async (t) => {
    const client = await subscriber(t, "a");
    await client.send(frame(0x00), publish("a", "x"), publish("a", "y", { qos: 1 }), pingreq());
    await client.expectDisconnect(0x81);
  },
);

specTest("a goodbye with 0x00 deletes the will [MQTT-3.14.4-3]", async (t) => {
  const witness = await subscriber(t, "#");
  const fields = { clientId: "client", properties: properties.sessionExpiry(100), will };
  await t.leave(await t.connect(fields));
  await t.leave(await t.connect(fields), 0x00);
  await t.leave(await t.connect({ will }), 0x00);
  await witness.expectSilence();
});

specTest("a goodbye with another reason leaves the will [MQTT-3.14.4-3]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const code of [0x04, 0x80, 0x93]) {
    await t.leave(await t.connect({ will }), code);
    await witness.expectPublish("will", "gone");
  }
});

timeTest("a goodbye with 0x00 deletes a will that was to wait [MQTT-3.14.4-3]", async (t) => {
  const witness = await subscriber(t, "#");
  const delayed = { ...will, properties: properties.willDelay(10) };
  const fields = { properties: properties.sessionExpiry(100), will: delayed };
  await t.leave(await t.connect({ ...fields, clientId: "leaves" }), 0x00);
  await t.pass(200_000);
  await witness.expectSilence();
});

specTest("a goodbye may shorten the life of the session [MQTT-3.14.2-2]", async (t) => {
  const fields = { clientId: "client", clean: false, properties: properties.sessionExpiry(100) };
  const first = await t.connect(fields);
  await first.subscribe(subscribe({ a: 1 }));
  await t.leave(first, 0x00, properties.sessionExpiry(0));
  assertEquals((await t.connect(fields)).connack!.flags, 0);
});
