/** Errors (MQTT 5 §4.13). */
import { assertEquals } from "@std/assert";
import { hex } from "../harness.ts";
import {
  auth,
  connect,
  disconnect,
  frame,
  pingreq,
  properties,
  publish,
  subscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { rejected, subscriber, thrownOut } from "./steps.ts";

const alias = { properties: properties.topicAlias(1) };

/** What must end a connection, with the reason the specification has for it. */
const FAULTS: [what: string, reasonCode: number, packets: Record<string, Uint8Array>][] = [
  ["malformed packets", 0x81, {
    "type 0": frame(0x00),
    "PINGREQ with a body": frame(0xc0, hex("00")),
    "PUBLISH of QoS 3": frame(0x36, hex("0001 61 0001 00")),
    "PUBLISH with DUP and QoS 0": frame(0x38, hex("0001 61 00")),
    "PUBLISH without properties": frame(0x30, hex("0001 61")),
    "PUBLISH whose topic is cut": frame(0x30, hex("0005 61")),
    "PUBLISH whose properties are cut": frame(0x30, hex("0001 61 05 01 01")),
    "an unknown property": publish("a", "", { properties: hex("7e 00") }),
    "a property of another packet": publish("a", "", { properties: hex("21 0001") }),
    "packet identifier 0": publish("a", "", { qos: 1, packetId: 0 }),
    "SUBSCRIBE with packet identifier 0": subscribe({ a: 0 }, { packetId: 0 }),
    "PUBACK without a packet identifier": frame(0x40, hex("00")),
    "a Remaining Length of five bytes": hex("c0 ff ff ff ff 01"),
    "a Remaining Length longer than needed": hex("c0 80 00"),
    "AUTH whose properties are cut": frame(0xf0, hex("18 05 15")),
  }],
  ["protocol errors", 0x82, {
    "a second CONNECT": connect(),
    "CONNACK from a client": frame(0x20, hex("00 00 00")),
    "SUBACK from a client": frame(0x90, hex("0001 00 00")),
    "UNSUBACK from a client": frame(0xb0, hex("0001 00 00")),
    "PINGRESP from a client": frame(0xd0),
    "AUTH without a method": auth(0x18),
    "SUBSCRIBE without a filter": frame(0x82, hex("0001 00")),
    "a subscription identifier of 0": subscribe({ a: 0 }, { properties: hex("0b 00") }),
    "a subscription identifier from a publisher": publish("a", "", { properties: hex("0b 01") }),
    "a property twice": publish("a", "", { properties: hex("01 01 01 01") }),
    "Payload Format Indicator 2": publish("a", "", { properties: hex("01 02") }),
    "neither topic nor alias": publish("", ""),
    "an alias that was never set": publish("", "", alias),
    "Response Topic with a wildcard": publish("a", "", {
      properties: properties.responseTopic("a/#"),
    }),
  }],
  ["a topic that is none", 0x90, { "a wildcard": publish("a/#", "") }],
  ["aliases out of range", 0x94, {
    "alias 0": publish("a", "", { properties: properties.topicAlias(0) }),
    "alias 65535": publish("a", "", { properties: properties.topicAlias(65_535) }),
  }],
];

for (const [what, reasonCode, packets] of FAULTS) {
  for (const [name, packet] of Object.entries(packets)) {
    specTest(`${what} end the connection: ${name} [MQTT-4.13.1-1] [MQTT-4.13.2-1]`, async (t) => {
      await thrownOut(t, packet, reasonCode);
    });
  }
}

specTest("a packet longer than the broker takes ends the connection [MQTT-4.13.1-1]", {
  broker: { limits: { packetBytesMax: 100 } },
}, async (t) => {
  await thrownOut(t, publish("a", "x".repeat(200)), 0x95);
  await thrownOut(t, hex("30 ff ff ff 7f"), 0x95);
});

specTest("more messages under way than the broker takes end the connection [MQTT-4.13.1-1]", {
  broker: { limits: { receiveMaximum: 2 } },
}, async (t) => {
  await subscriber(t, "a");
  const client = await t.connect();
  const send = (packetId: number) => client.send(publish("a", "", { qos: 2, packetId }));
  await send(1);
  await client.expect("50 02 0001");
  await send(2);
  await client.expect("50 02 0002");
  await send(3);
  await client.expectDisconnect(0x93);
});

specTest("a fault in CONNECT ends the connection [MQTT-4.13.1-1] [MQTT-4.13.2-1]", async (t) => {
  await rejected(t, connect({ properties: hex("11 00000001 11 00000001") }));
  await rejected(t, connect({ properties: hex("21 0000") }));
  await rejected(t, connect({ properties: hex("27 00000000") }));
  await rejected(t, connect({ properties: hex("17 02") }));
  await rejected(t, connect({ properties: hex("23 0001") }));
});

specTest("a fault ends the connection it came on and no other [MQTT-4.13.1-1]", async (t) => {
  const bystander = await subscriber(t, "a");
  await thrownOut(t, frame(0x36, hex("0001 61 0001 00")), 0x81);
  await bystander.send(publish("a", "x"));
  await bystander.expectPublish("a", "x");
});

specTest(
  "what came before a fault is served, what comes after is not [MQTT-4.13.1-1]",
  async (t) => {
    const witness = await subscriber(t, "#", 1);
    const client = await t.connect();
    await client.send(publish("a", "1", { qos: 1 }), frame(0x00), publish("a", "2"), pingreq());
    await client.expect("40 02 0001");
    await client.expectDisconnect(0x81);
    await witness.expectPublish("a", "1");
    await witness.expectSilence();
  },
);

specTest("acknowledgements of nothing are no fault [MQTT-4.13.1-1]", async (t) => {
  const client = await t.connect();
  await client.send("40 02 0001", "70 02 0001", "50 02 0001", "62 02 0001");
  await client.expect("62 03 0001 92", "70 03 0001 92");
  await client.ping();
});

specTest(
  "a failed client loses its connection, and its will is published [MQTT-4.13.2-1]",
  async (t) => {
    const witness = await subscriber(t, "will");
    const will = { topic: "will", payload: "gone" };
    await thrownOut(t, frame(0x00), 0x81, { will });
    await witness.expectPublish("will", "gone");
    const client = await t.connect({ will });
    await client.send(disconnect(0x82));
    await client.expectClose();
    await witness.expectPublish("will", "gone");
  },
);

specTest("the connection ends even where DISCONNECT cannot be sent [MQTT-4.13.2-1]", {
  broker: { limits: { receiveMaximum: 65_535, topicAliasMax: 0 } },
}, async (t) => {
  const fields = { clientId: "small", properties: properties.maximumPacketSize(10) };
  const client = await t.connect(fields);
  await client.send(frame(0x00));
  // Its Reason String does not fit.
  await client.expect("e0 01 81");
  await client.expectClose();
  const tiny = await t.dial({ clientId: "tiny", properties: properties.maximumPacketSize(2) });
  assertEquals(await tiny.expectRejection(), null);
});
