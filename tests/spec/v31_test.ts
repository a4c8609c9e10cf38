/**
 * What is different in MQTT 3.1, which has no numbered statements: names tell the section of its
 * own specification.
 */
import { assertEquals } from "@std/assert";
import { connect, frame, publish, pubrel, subscribe, text, uint16 } from "../harness/packets.ts";
import { hex, testsFor } from "./harness.ts";

const { specTest } = testsFor(3);

/** CONNECT of MQTT 3.1 with these flags, Keep Alive 0 and this payload. */
function connectOf(flags: number, ...payload: Uint8Array[]): Uint8Array {
  return frame(0x10, text("MQIsdp"), Uint8Array.of(3, flags, 0, 0), ...payload);
}

specTest("3.1: MQIsdp with level 3 is let in, with return code 0 [3.1 §3.1]", async (t) => {
  const client = await t.client();
  await client.send("10 12 0006 4d5149736470 03 02 003c 0004 74657374");
  await client.expect("20 02 00 00");
  await client.ping();
});

specTest("3.1: MQIsdp with another level is refused with 0x01 [3.1 §3.2]", async (t) => {
  for (const level of [0, 2, 4, 5, 6, 0x84, 0x85]) {
    const client = await t.client();
    await client.send(frame(0x10, text("MQIsdp"), Uint8Array.of(level, 2, 0, 0), text("id")));
    await client.expectRefusal(1);
  }
});

specTest("3.1: an empty client identifier is refused with 0x02 [3.1 §3.1]", async (t) => {
  for (const clean of [true, false]) {
    const client = await t.dial({ clientId: "", clean });
    await client.expectRefusal(2);
  }
});

specTest("3.1: a session is gone on with, and nothing is said of it [3.1 §3.2]", async (t) => {
  const fields = { clientId: "client", clean: false };
  const first = await t.connect(fields);
  await first.subscribe(subscribe({ a: 1 }));
  await t.drop(first);
  const publisher = await t.connect({ clientId: "publisher" });
  await publisher.send(publish("a", "x", { qos: 1 }));
  await publisher.expect("40 02 0001");
  const second = await t.dial(fields);
  // The byte of Session Present is reserved here.
  await second.expect("20 02 00 00");
  assertEquals((await second.expectPublish("a", "x")).qos, 1);
});

specTest(
  "3.1: the length of CONNECT overrides user name and password flags [3.1 §3.1]",
  async (t) => {
    const client = await t.client();
    await client.send(connectOf(0xc2, text("first")));
    await client.expectWelcome();
    const other = await t.client();
    await other.send(connectOf(0xc2, text("second"), text("user")));
    await other.expectWelcome();
  },
);

specTest("3.1: the lowest connect flag has no meaning yet [3.1 §3.1]", async (t) => {
  const client = await t.client();
  await client.send(connectOf(0x03, text("id")));
  await client.expectWelcome();
});

specTest("3.1: the flags in the first byte of CONNECT are not used [3.1 §3.1]", async (t) => {
  for (let flags = 0; flags < 16; flags++) {
    const client = await t.client();
    const rest = [text("MQIsdp"), Uint8Array.of(3, 2, 0, 0), text("id")];
    await client.send(frame(0x10 | flags, ...rest));
    await client.expectWelcome();
    await t.drop(client);
  }
  // The same level under the name of a later version is no 3.1.
  const other = await t.client(4);
  await other.send(frame(0x14, text("MQTT"), Uint8Array.of(4, 2, 0, 0), text("id")));
  await other.expectClose();
});

specTest("3.1: a will is published as in later versions [3.1 §3.1]", async (t) => {
  const witness = await t.connect({ clientId: "witness" });
  await witness.subscribe(subscribe({ "#": 2 }));
  const will = { topic: "will", payload: "gone", qos: 1, retain: true } as const;
  await t.drop(await t.connect({ clientId: "client", will }));
  assertEquals((await witness.expectPublish("will", "gone")).qos, 1);
  await t.leave(await t.connect({ clientId: "client", will }));
  await witness.expectSilence();
});

specTest("3.1: a retained message is told from a passing one [3.1 §2.1]", async (t) => {
  const client = await t.connect({ clientId: "client" });
  await client.subscribe(subscribe({ a: 1 }));
  await client.send(publish("a", "x", { retain: true }));
  assertEquals((await client.expectPublish("a", "x")).retain, false);
  await client.subscribe(subscribe({ a: 1 }));
  assertEquals((await client.expectPublish("a", "x")).retain, true);
});

specTest(
  "3.1: SUBSCRIBE, UNSUBSCRIBE and PUBREL may be marked as sent again [3.1 §2.1]",
  async (t) => {
    const client = await t.connect({ clientId: "client" });
    await client.send(frame(0x8a, uint16(1), text("a"), hex("00")));
    await client.expect("90 03 0001 00");
    await client.send(publish("b", "x", { qos: 2, packetId: 4 }));
    await client.expect("50 02 0004");
    await client.send(pubrel(4), frame(0x6a, uint16(4)));
    await client.expect("70 02 0004 70 02 0004");
    await client.send(frame(0xaa, uint16(2), text("a")));
    await client.expect("b0 02 0002");
  },
);

specTest("3.1: messages cross from version to version [3.1 §3.3]", async (t) => {
  const old = await t.connect({ clientId: "old" });
  const newer = await t.connect({ clientId: "newer", level: 4 });
  await old.subscribe(subscribe({ a: 2 }));
  await newer.subscribe(subscribe({ a: 2 }));
  await newer.send(publish("a", "down", { qos: 1 }));
  await newer.expect("40 02 0001");
  await old.expectPublish("a", "down");
  await newer.expectPublish("a", "down");
  await old.send(publish("a", "up"));
  await newer.expectPublish("a", "up");
  await old.expectPublish("a", "up");
});

specTest("3.1: one client takes the place of another of its name [3.1 §3.1]", async (t) => {
  const first = await t.connect({ clientId: "client" });
  await t.connect({ clientId: "client", level: 4 });
  await first.expectClose();
});

specTest("3.1: a second CONNECT ends the connection [3.1 §3.1]", async (t) => {
  const client = await t.connect({ clientId: "client" });
  await client.send(connect({ level: 3, clientId: "client" }));
  await client.expectClose();
});
