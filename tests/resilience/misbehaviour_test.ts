/**
 * Clients that break the protocol: they hear why, in 5.0, and are closed, and
 * nobody else notices.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { type Bytes, hex } from "../harness/hex.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Bystanders, expectDisconnect, join, withHost } from "./_clients.ts";

const LIMITS = { receiveMaximum: 3, topicAliasMax: 4, packetBytesMax: 1000 };

/** What a client of 5.0 sends once it was let in, and the reason code that this is worth. */
interface Fault {
  readonly sends: Bytes;
  readonly code: number;
}

const alias = (number: number, topic: string) =>
  packets.publish(topic, "", { level: 5, properties: concat([hex("23"), packets.uint16(number)]) });
const qos2 = (level: 4 | 5, packetId: number) =>
  packets.publish("a", "", { level, qos: 2, packetId });

const FAULTS: Record<string, Fault> = {
  "a second CONNECT": { sends: packets.connect({ level: 5, clientId: "again" }), code: 0x82 },
  "CONNACK": { sends: "20 03 00 00 00", code: 0x82 },
  "SUBACK": { sends: "90 04 0001 00 00", code: 0x82 },
  "UNSUBACK": { sends: "b0 04 0001 00 00", code: 0x82 },
  "PINGRESP": { sends: "d0 00", code: 0x82 },
  "packet type 0": { sends: "00 00", code: 0x81 },
  "QoS 3": { sends: "36 06 0001 61 0001 00", code: 0x81 },
  "QoS 0 with DUP": { sends: "38 04 0001 61 00", code: 0x81 },
  "PINGREQ with a flag": { sends: "c1 00", code: 0x81 },
  "PINGREQ with a body": { sends: "c0 01 00", code: 0x81 },
  "SUBSCRIBE without its flag": { sends: "80 07 0001 00 0001 61 00", code: 0x81 },
  "SUBSCRIBE without filters": { sends: "82 03 0001 00", code: 0x82 },
  "SUBSCRIBE with packet identifier 0": { sends: "82 07 0000 00 0001 61 00", code: 0x81 },
  "SUBSCRIBE with QoS 3": { sends: "82 07 0001 00 0001 61 03", code: 0x81 },
  "UNSUBSCRIBE without its flag": { sends: "a0 06 0001 00 0001 61", code: 0x81 },
  "PUBREL without its flag": { sends: "60 02 0001", code: 0x81 },
  "QoS 1 with packet identifier 0": { sends: "32 06 0001 61 0000 00", code: 0x81 },
  "PUBACK with packet identifier 0": { sends: "40 02 0000", code: 0x81 },
  "a wildcard in a topic name": { sends: packets.publish("a/#", "", { level: 5 }), code: 0x90 },
  "an endless Remaining Length": { sends: "c0 ffffffff 7f", code: 0x81 },
  "a topic that is not UTF-8": { sends: "30 04 0001 ff 00", code: 0x81 },
  "a topic longer than its packet": { sends: "30 04 0009 61 00", code: 0x81 },
  "a packet that is too large": {
    sends: packets.publish("a", new Uint8Array(1000), { level: 5 }),
    code: 0x95,
  },
  "the header of one": { sends: "30 ffffff7f", code: 0x95 },
  "more than Receive Maximum": {
    sends: concat([1, 2, 3, 4].map((id) => qos2(5, id))),
    code: 0x93,
  },
  "alias 0": { sends: alias(0, "a"), code: 0x94 },
  "an alias past the maximum": { sends: alias(5, "a"), code: 0x94 },
  "an alias that is not set": { sends: alias(4, ""), code: 0x82 },
  "no topic and no alias": { sends: "30 03 0000 00", code: 0x82 },
  "a property twice": { sends: "30 08 0001 61 04 01010101", code: 0x82 },
  "a property of another packet": { sends: "30 06 0001 61 02 2501", code: 0x81 },
  "AUTH out of the blue": { sends: "f0 00", code: 0x82 },
  "a reason code that PUBACK has not": { sends: "40 03 0001 42", code: 0x81 },
  "DISCONNECT that makes an expiry": {
    sends: packets.disconnect(0, "11 00000001"),
    code: 0x82,
  },
};

/** Reads acknowledgements of what was right, up to the first other packet. */
async function expectReason(client: RawClient, code: number): Promise<void> {
  let frame = await client.readFrame();
  while (frame[0] === 0x50) frame = await client.readFrame();
  assertEquals([frame[0], frame[2]], [0xe0, code], `DISCONNECT: ${frame}`);
  await client.expectClose();
}

for (const [name, { sends, code }] of Object.entries(FAULTS)) {
  Deno.test(`5.0 closes with 0x${code.toString(16)} for ${name}`, async () => {
    await withHost({ limits: LIMITS }, async (port, broker) => {
      await using bystanders = await Bystanders.join(port);
      await using client = await join(port, { level: 5 });
      await client.send(sends);
      await expectReason(client, code);
      await bystanders.check();
      assertEquals(broker.stats.protocolErrors, 1);
    });
  });
}

/** The faults of 3.x, whose packets have no properties. */
const OLD_FAULTS: Record<string, Bytes> = {
  "a second CONNECT": packets.connect({ clientId: "again" }),
  "CONNACK": "20 02 00 00",
  "SUBACK": "90 03 0001 00",
  "PINGRESP": "d0 00",
  "packet type 0": "00 00",
  "packet type 15": "f0 00",
  "QoS 3": "36 05 0001 61 0001",
  "PINGREQ with a flag": "c1 00",
  "SUBSCRIBE without its flag": "80 06 0001 0001 61 00",
  "SUBSCRIBE without filters": "82 02 0001",
  "SUBSCRIBE with QoS 3": "82 06 0001 0001 61 03",
  "SUBSCRIBE to a filter that is none": packets.subscribe({ "a/#/b": 0 }),
  "UNSUBSCRIBE without filters": "a2 02 0001",
  "QoS 1 with packet identifier 0": "32 05 0001 61 0000",
  "a wildcard in a topic name": packets.publish("a/+", ""),
  "an empty topic name": packets.publish("", ""),
  "an endless Remaining Length": "c0 ffffffff 7f",
  "the header of a packet that is too large": "30 ffffff7f",
  "DISCONNECT with a body": "e0 01 00",
};
for (const level of [3, 4] as const) {
  for (const [name, sends] of Object.entries(OLD_FAULTS)) {
    Deno.test(`level ${level} closes for ${name}`, async () => {
      await withHost({ limits: LIMITS }, async (port, broker) => {
        await using bystanders = await Bystanders.join(port);
        await using client = await join(port, { level, clientId: "faulty" });
        await client.send(sends);
        await client.expectClose();
        await bystanders.check();
        assertEquals(broker.stats.protocolErrors, 1);
      });
    });
  }
}

const FIRST_PACKETS: Record<string, Bytes> = {
  PUBLISH: packets.publish("a", ""),
  SUBSCRIBE: packets.subscribe({ "a": 0 }),
  PINGREQ: packets.pingreq(),
  DISCONNECT: packets.disconnect(),
  AUTH: "f0 00",
  "packet type 0": "00 00",
  "a TLS greeting": "16 03010200010001fc0303",
  "an HTTP request": new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  "CONNECT with a flag": "11 0d 0004 4d515454 04 02 003c 0001 61",
  "CONNECT with the reserved flag": "10 0d 0004 4d515454 04 03 003c 0001 61",
};
for (const [name, sends] of Object.entries(FIRST_PACKETS)) {
  Deno.test(`a connection that begins with ${name} is closed without a word`, async () => {
    await withHost({ limits: LIMITS }, async (port) => {
      await using bystanders = await Bystanders.join(port);
      await using client = await RawClient.dial(port);
      await client.send(sends);
      await client.expectClose();
      await bystanders.check();
    });
  });
}

for (const level of [4, 5] as const) {
  Deno.test(`level ${level}: packet identifiers that nobody knows do no harm`, async () => {
    await withHost({}, async (port, broker) => {
      await using client = await join(port, { level });
      for (const packetId of [1, 4711, 65_535]) {
        await client.send(packets.puback(packetId), packets.pubcomp(packetId));
        await client.expectSilence();
        await client.send(packets.pubrel(packetId));
        const notFound = hex(`70 ${level === 5 ? "03" : "02"}`);
        const reason = level === 5 ? "92" : "";
        await client.expect(notFound, packets.uint16(packetId), reason);
        await client.send(packets.pubrec(packetId));
        const pubrel = hex(`62 ${level === 5 ? "03" : "02"}`);
        await client.expect(pubrel, packets.uint16(packetId), reason);
        await client.expectSilence();
      }
      assertEquals(broker.stats.protocolErrors, 0);
    });
  });
}

Deno.test("a client that is closed for a fault hears nothing but why", async () => {
  await withHost({ limits: LIMITS }, async (port) => {
    await using client = await join(port, { level: 5 });
    await client.send(packets.subscribe({ "a": 0 }, { level: 5 }));
    await client.readFrame();
    // What comes after the fault, in the same read or later, is not handled.
    await client.send("d0 00", packets.publish("a", "late", { level: 5 }), packets.pingreq());
    await expectDisconnect(client, 0x82);
  });
});
