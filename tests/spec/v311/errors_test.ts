/** DISCONNECT, errors and transport (MQTT 3.1.1 §3.14, §4.8 and §7.1.1). */
import { assertEquals } from "@std/assert";
import { Broker } from "../../../mod.ts";
import { frame, pingreq, publish, subscribe, text } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { expectFault } from "./steps.ts";
import { specTest } from "./spec.ts";

specTest(
  "DISCONNECT ends the connection, and what follows is not served [MQTT-3.14.4-3]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ "#": 0 }));
    const client = await t.connect({ will: { topic: "will", payload: "gone" } });
    // The broker may be gone before the last byte was sent.
    await client.send(frame(0xe0), publish("a", "x")).catch(() => {});
    await t.until(() => t.broker.stats.connections === 1);
    await witness.expectSilence();
  },
);

specTest("a DISCONNECT that is no goodbye leaves the will [MQTT-3.14.1-1]", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "#": 0 }));
  const client = await t.connect({ will: { topic: "will", payload: "gone" } });
  await client.send(frame(0xe1));
  await client.expectClose();
  await witness.expectPublish("will", "gone");
});

specTest("packets that are not for a broker end the connection [MQTT-4.8.0-1]", async (t) => {
  await expectFault(t, frame(0x00));
  await expectFault(t, frame(0x20, hex("00 00")));
  await expectFault(t, frame(0x90, hex("0001 00")));
  await expectFault(t, frame(0xb0, hex("0001")));
  await expectFault(t, frame(0xd0));
  await expectFault(t, frame(0xf0));
  await expectFault(t, frame(0xf0, hex("18 00")));
});

specTest("packets of a wrong length end the connection [MQTT-4.8.0-1]", async (t) => {
  for (const first of [0x40, 0x50, 0x62, 0x70]) {
    for (const body of ["", "00", "0001 00", "0001 00 00"]) {
      await expectFault(t, frame(first, hex(body)));
    }
  }
  await expectFault(t, frame(0xc0, hex("00")));
  await expectFault(t, frame(0xe0, hex("00")));
});

specTest("a Remaining Length of five bytes ends the connection [MQTT-4.8.0-1]", async (t) => {
  await expectFault(t, hex("30 ff ff ff ff 01"));
  await expectFault(t, hex("c0 80 80 80 80 00"));
});

specTest("packets longer than the broker takes end the connection [MQTT-4.8.0-1]", {
  broker: { limits: { packetBytesMax: 100 } },
}, async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 0 }));
  const payload = (bytes: number) => "x".repeat(bytes - 2 - 3);
  await client.send(publish("a", payload(100)));
  await client.expectPublish("a", payload(100));
  await client.send(publish("a", payload(101)));
  await client.expectClose();
});

specTest("a violation ends the connection it came on and no other [MQTT-4.8.0-1]", async (t) => {
  const bystander = await t.connect();
  await bystander.subscribe(subscribe({ a: 0 }));
  await expectFault(t, publish("a", "before"), frame(0x36, text("a")));
  await bystander.expectPublish("a", "before");
  await bystander.send(publish("a", "after"));
  await bystander.expectPublish("a", "after");
});

specTest(
  "what came before a violation is served, what comes after is not [MQTT-4.8.0-1]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ "#": 2 }));
    const client = await t.connect();
    await client.send(publish("a", "1", { qos: 1 }), frame(0x00), publish("a", "2"));
    await client.expect("40 02 0001");
    await client.expectClose();
    await witness.expectPublish("a", "1");
    await witness.expectSilence();
  },
);

Deno.test("the broker serves TCP, an ordered stream of bytes both ways [MQTT-7.1.1-1]", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  // Byte by byte: nothing hinges on how the stream is cut.
  for (const byte of hex("10 0e 0004 4d515454 04 02 0000 0002 6964 c0 00")) {
    await conn.write(Uint8Array.of(byte));
  }
  const answer = new Uint8Array(6);
  for (let filled = 0; filled < answer.length;) {
    const count = await conn.read(answer.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  assertEquals(answer, hex("20 02 0000 d0 00"));
});

specTest("packets may be cut and joined in any way [MQTT-7.1.1-1]", async (t) => {
  const client = await t.connect();
  const packets = [pingreq(), subscribe({ a: 0 }), publish("a", "x")];
  for (const byte of packets.flatMap((packet) => [...packet])) {
    await client.send(Uint8Array.of(byte));
  }
  await client.expect("d0 00", "90 03 0001 00", "30 04 0001 61 78");
});
