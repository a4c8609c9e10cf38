/** Strings in packets (MQTT 3.1.1 §1.5.3). */
import { concat } from "@std/bytes";
import { connect, frame, publish, subscribe, text, uint16 } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { BAD_UTF8 } from "../v5/steps.ts";
import { specTest } from "./spec.ts";
import { connectOf, expectFault, expectStrangerFault } from "./steps.ts";

/** Every string field that a client can send, with the packet around it. */
const FIELDS: Record<string, (value: Uint8Array) => Uint8Array> = {
  "the topic of PUBLISH": (value) => frame(0x30, text(value)),
  "the filter of SUBSCRIBE": (value) => frame(0x82, uint16(1), text(value), Uint8Array.of(0)),
  "the filter of UNSUBSCRIBE": (value) => frame(0xa2, uint16(1), text(value)),
};

/** The same for those in CONNECT. */
const CONNECT_FIELDS: Record<string, (value: Uint8Array) => Uint8Array> = {
  "the client identifier": (value) => connectOf(0x02, text(value)),
  "the will topic": (value) => connectOf(0x06, text("id"), text(value), text("gone")),
  "the user name": (value) => connectOf(0x82, text("id"), text(value)),
};

for (const [name, packetWith] of Object.entries(FIELDS)) {
  specTest(`ill-formed UTF-8 in ${name} ends the connection [MQTT-1.5.3-1]`, async (t) => {
    for (const [, value] of BAD_UTF8) await expectFault(t, packetWith(value));
  });

  specTest(`U+0000 in ${name} ends the connection [MQTT-1.5.3-2]`, async (t) => {
    for (const value of ["00", "61 00", "00 61", "61 2f 00 2f 62"]) {
      await expectFault(t, packetWith(hex(value)));
    }
  });
}

for (const [name, packetWith] of Object.entries(CONNECT_FIELDS)) {
  specTest(`ill-formed UTF-8 in ${name} has CONNECT refused [MQTT-1.5.3-1]`, async (t) => {
    for (const [, value] of BAD_UTF8) await expectStrangerFault(t, packetWith(value));
  });

  specTest(`U+0000 in ${name} has CONNECT refused [MQTT-1.5.3-2]`, async (t) => {
    for (const value of ["00", "61 00 62"]) await expectStrangerFault(t, packetWith(hex(value)));
  });
}

specTest("the same packets with a good string are accepted [MQTT-1.5.3-1]", async (t) => {
  const client = await t.connect();
  for (const packetWith of Object.values(FIELDS)) await client.send(packetWith(hex("61 2f c3 bc")));
  await client.expect("90 03 00 01 00", "b0 02 00 01");
  for (const packetWith of Object.values(CONNECT_FIELDS)) {
    const other = await t.client();
    await other.send(packetWith(hex("61 2f c3 bc")));
    await other.expectWelcome();
  }
});

specTest("strings of any other characters are taken as they are [MQTT-1.5.3-1]", async (t) => {
  const topic = "grüße/\u0001/\u{10ffff}/\uffff/𝄞";
  const client = await t.connect({ clientId: topic, username: topic });
  await client.subscribe(subscribe({ [topic]: 0 }));
  await client.send(publish(topic, "hello"));
  await client.expectPublish(topic, "hello");
});

specTest("U+FEFF is a character like any other, wherever it is [MQTT-1.5.3-3]", async (t) => {
  const topic = concat([hex("ef bb bf"), hex("61 ef bb bf")]);
  const client = await t.connect();
  const plain = frame(0x82, uint16(1), text("aa"), Uint8Array.of(0));
  await client.subscribe(frame(0x82, uint16(1), text(topic), Uint8Array.of(0)));
  await client.subscribe(plain);
  const message = frame(0x30, text(topic), hex("ef bb bf"));
  await client.send(message);
  await client.expect(message);
  await client.expectSilence();
});

specTest(
  "a client identifier keeps its U+FEFF: with and without are two [MQTT-1.5.3-3]",
  async (t) => {
    const first = await t.connect({ clientId: "\ufeffid" });
    const second = await t.connect({ clientId: "id" });
    await first.ping();
    await second.ping();
    await (await t.client()).send(connect({ clientId: "\ufeffid" }));
    await first.expectClose();
    await second.ping();
  },
);
