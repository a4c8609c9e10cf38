/** PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5 §3.4 to §3.7). */
import { assertEquals } from "@std/assert";
import type { BrokerOptions } from "../../../mod.ts";
import type { Authorizer } from "../../../auth/mod.ts";
import { hex } from "../harness.ts";
import {
  all,
  frame,
  properties,
  puback,
  publish,
  pubrec,
  pubrel,
  subscribe,
  uint16,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

const authorizer: Authorizer = {
  mayPublish: (_client, { topic }) => topic !== "secret",
  maySubscribe: () => true,
};

/** A broker with as short a CONNACK as there can be, so that a client need not take more. */
const terse: BrokerOptions = { limits: { receiveMaximum: 65_535, topicAliasMax: 0 }, authorizer };

/** The client takes nothing longer than this CONNACK, and no acknowledgement is longer than 5. */
const smallClient = { clientId: "small", properties: properties.maximumPacketSize(10) };

specTest("PUBACK says what became of the message [MQTT-3.4.2-1]", { broker: terse }, async (t) => {
  await subscriber(t, "wanted");
  const client = await t.connect();
  const send = (topic: string) => client.send(publish(topic, "x", { qos: 1, packetId: 3 }));
  await send("wanted");
  await client.expect("40 02 0003");
  await send("unwanted");
  await client.expect("40 03 0003 10");
  await send("secret");
  await client.expect("40 03 0003 87");
});

specTest("PUBREC says what became of the message [MQTT-3.5.2-1]", { broker: terse }, async (t) => {
  await subscriber(t, "wanted");
  const client = await t.connect();
  const send = (topic: string, packetId: number) =>
    client.send(publish(topic, "x", { qos: 2, packetId }));
  await send("wanted", 3);
  await client.expect("50 02 0003");
  await send("unwanted", 4);
  await client.expect("50 03 0004 10");
  await send("secret", 5);
  await client.expect("50 03 0005 87");
});

specTest("a message that nobody has room for is refused [MQTT-3.4.2-1] [MQTT-3.5.2-1]", {
  broker: { overflow: "refuse-publisher", limits: { backlogMessagesMax: 1 } },
}, async (t) => {
  const fields = { clientId: "away", properties: properties.sessionExpiry(100) };
  await t.drop(await subscriber(t, "a", 2, fields));
  const client = await t.connect();
  await client.send(publish("a", "x", { qos: 1, packetId: 3 }));
  await client.expect("40 02 0003");
  await client.send(publish("a", "y", { qos: 1, packetId: 4 }));
  await client.expect("40 03 0004 97");
  await client.send(publish("a", "z", { qos: 2, packetId: 5 }));
  await client.expect("50 03 0005 97");
});

specTest(
  "PUBREL and PUBCOMP say whether the exchange is known [MQTT-3.6.2-1] [MQTT-3.7.2-1]",
  async (t) => {
    const client = await subscriber(t, "a", 2);
    const publisher = await t.connect();
    await publisher.send(publish("a", "x", { qos: 2, packetId: 3 }));
    await publisher.expect("50 02 0003");
    const { packetId } = await client.expectPublish("a", "x");
    await client.send(pubrec(packetId), pubrec(9_000));
    await client.expect(frame(0x62, uint16(packetId)), "62 03 2328 92");
    await publisher.send(pubrel(3), pubrel(3), pubrel(9_000));
    await publisher.expect("70 02 0003", "70 03 0003 92", "70 03 2328 92");
  },
);

/** For each acknowledgement of a client a reason that only others have, and the clause. */
const FOREIGN_REASONS: [name: string, first: number, codes: number[], clause: string][] = [
  ["PUBACK", 0x40, [0x01, 0x11, 0x81, 0x92, 0x94, 0xff], "MQTT-3.4.2-1"],
  ["PUBREC", 0x50, [0x01, 0x11, 0x81, 0x92, 0x94, 0xff], "MQTT-3.5.2-1"],
  ["PUBREL", 0x62, [0x01, 0x10, 0x80, 0x91, 0x97, 0xff], "MQTT-3.6.2-1"],
  ["PUBCOMP", 0x70, [0x01, 0x10, 0x80, 0x91, 0x97, 0xff], "MQTT-3.7.2-1"],
];

for (const [name, first, codes, clause] of FOREIGN_REASONS) {
  specTest(`${name} with a reason that is not its own is malformed [${clause}]`, async (t) => {
    for (const code of codes) {
      await thrownOut(t, frame(first, hex("0001"), Uint8Array.of(code)), 0x81);
      await thrownOut(t, frame(first, hex("0001"), Uint8Array.of(code), hex("00")), 0x81);
    }
  });
}

specTest("PUBREL with other flags is malformed [MQTT-3.6.1-1]", async (t) => {
  for (let flags = 0; flags < 16; flags++) {
    if (flags !== 0b0010) await thrownOut(t, frame(0x60 | flags, hex("0001")), 0x81);
  }
});

specTest("the PUBREL of the broker has flags 0010 [MQTT-3.6.1-1]", async (t) => {
  const client = await subscriber(t, "a", 2);
  await client.send(publish("a", "x", { qos: 2, packetId: 7 }));
  await client.expect("50 02 0007");
  const { packetId } = await client.expectPublish("a", "x");
  await client.send(pubrec(packetId));
  assertEquals((await client.readFrame())[0], 0x62);
});

specTest("acknowledgements of a client may give their reasons at length", async (t) => {
  const client = await subscriber(t, "a", 2);
  const words = all(properties.reasonString("because"), properties.user("k", "v"));
  const long = (first: number, packetId: number) =>
    frame(first, uint16(packetId), Uint8Array.of(0, words.length), words);
  await client.send(publish("a", "1", { qos: 1, packetId: 1 }));
  await client.expect("40 02 0001");
  await client.send(long(0x40, (await client.expectPublish("a", "1")).packetId));
  await client.send(publish("a", "2", { qos: 2, packetId: 2 }));
  await client.expect("50 02 0002");
  const { packetId } = await client.expectPublish("a", "2");
  await client.send(long(0x50, packetId));
  await client.expect(frame(0x62, uint16(packetId)));
  await client.send(long(0x70, packetId), long(0x62, 2));
  await client.expect("70 02 0002");
});

specTest(
  "PUBACK fits a client that takes little [MQTT-3.4.2-2] [MQTT-3.4.2-3]",
  { broker: terse },
  async (t) => {
    const client = await t.connect(smallClient);
    await client.send(
      publish("unwanted", "x", { qos: 1, packetId: 1 }),
      publish("secret", "x", { qos: 1, packetId: 2 }),
    );
    await client.expect("40 03 0001 10", "40 03 0002 87");
  },
);

specTest(
  "PUBREC and PUBCOMP fit a client that takes little [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3]",
  { broker: terse },
  async (t) => {
    const client = await t.connect(smallClient);
    await client.send(
      publish("unwanted", "x", { qos: 2, packetId: 1 }),
      publish("secret", "x", { qos: 2, packetId: 2 }),
      pubrel(1),
      pubrel(2),
    );
    await client.expect("50 03 0001 10", "50 03 0002 87", "70 02 0001", "70 03 0002 92");
  },
);

specTest(
  "PUBREL fits a client that takes little [MQTT-3.6.2-2] [MQTT-3.6.2-3]",
  { broker: terse },
  async (t) => {
    const client = await t.connect(smallClient);
    await client.subscribe(subscribe({ a: 2 }));
    const publisher = await t.connect();
    await publisher.send(publish("a", "xy", { qos: 2 }));
    const { packetId } = await client.expectPublish("a", "xy");
    await client.send(pubrec(packetId), pubrec(packetId + 1), puback(packetId + 2));
    await client.expect(
      frame(0x62, uint16(packetId)),
      frame(0x62, uint16(packetId + 1), hex("92")),
    );
  },
);
