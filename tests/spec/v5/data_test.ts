import { assertEquals } from "@std/assert";
import {
  all,
  connect,
  frame,
  properties,
  publish,
  subscribe,
  text,
  unsubscribe,
  varint,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { BAD_UTF8, publishBytes, rejected, subscriber, thrownOut, WITH_NUL } from "./steps.ts";

const ID = Uint8Array.of(0, 1);
const NONE = Uint8Array.of(0);

/** Packets with a string in every place that a client can put one, but CONNECT. */
function packetsWith(words: Uint8Array): [what: string, packet: Uint8Array][] {
  const publishWith = (property: Uint8Array) => publish("a", "", { properties: property });
  const asReason = (first: number, reasonCode: number) => {
    const property = properties.reasonString(words);
    const body = [Uint8Array.of(reasonCode), varint(property.length), property];
    return first === 0xe0 ? frame(first, ...body) : frame(first, ID, ...body);
  };
  return [
    ["topic", publishBytes(words, "")],
    ["content type", publishWith(properties.contentType(words))],
    ["response topic", publishWith(properties.responseTopic(words))],
    ["user property of PUBLISH", publishWith(properties.user("a", words))],
    ["filter in SUBSCRIBE", frame(0x82, ID, NONE, text(words), NONE)],
    ["user property of SUBSCRIBE", subscribe({ a: 0 }, { properties: properties.user(words, "") })],
    ["filter in UNSUBSCRIBE", frame(0xa2, ID, NONE, text(words))],
    [
      "user property of UNSUBSCRIBE",
      unsubscribe(["a"], { properties: properties.user("", words) }),
    ],
    ["reason string of PUBACK", asReason(0x40, 0x00)],
    ["reason string of PUBREC", asReason(0x50, 0x00)],
    ["reason string of PUBREL", asReason(0x62, 0x00)],
    ["reason string of PUBCOMP", asReason(0x70, 0x00)],
    ["reason string of DISCONNECT", asReason(0xe0, 0x00)],
  ];
}

/** CONNECTs with a string in every place. */
function connectsWith(words: Uint8Array): [what: string, packet: Uint8Array][] {
  const head = (flags: number) => all(text("MQTT"), Uint8Array.of(5, flags, 0, 0), NONE);
  const willBy = (property: Uint8Array) =>
    connect({ will: { topic: "a", payload: "", properties: property } });
  return [
    ["client identifier", frame(0x10, head(0x02), text(words))],
    ["user name", frame(0x10, head(0x82), text("a"), text(words))],
    ["will topic", frame(0x10, head(0x06), text("a"), NONE, text(words), text(""))],
    ["content type of the will", willBy(properties.contentType(words))],
    ["response topic of the will", willBy(properties.responseTopic(words))],
    ["user property of the will", willBy(properties.user(words, "a"))],
    ["user property of CONNECT", connect({ properties: properties.user("a", words) })],
    ["authentication method", connect({ properties: properties.authenticationMethod(words) })],
  ];
}

for (const [fault, bytes] of BAD_UTF8) {
  specTest(`a string with ${fault} is malformed [MQTT-1.5.4-1]`, async (t) => {
    for (const [, packet] of packetsWith(bytes)) await thrownOut(t, packet, 0x81);
    for (const [, packet] of connectsWith(bytes)) await rejected(t, packet);
  });
}

specTest("strings of every well-formed kind are taken and forwarded [MQTT-1.5.4-1]", async (t) => {
  const client = await subscriber(t, "#");
  for (
    const words of [
      "\u{1}\u{7f}",
      "\u{80}\u{7ff}",
      "\u{800}\u{d7ff}\u{e000}\u{ffff}",
      "\u{10000}\u{10ffff}",
    ]
  ) {
    const packet = publish(words, "x", { properties: properties.user(words, words) });
    await client.send(packet);
    await client.expect(packet);
  }
});

specTest("U+0000 is accepted in no string [MQTT-1.5.4-2]", async (t) => {
  for (const [, packet] of packetsWith(WITH_NUL)) await thrownOut(t, packet, 0x81);
  for (const [, packet] of connectsWith(WITH_NUL)) await rejected(t, packet);
});

specTest("the same packets without U+0000 are accepted [MQTT-1.5.4-2]", async (t) => {
  const good = new TextEncoder().encode("aba");
  for (const [what, packet] of packetsWith(good)) {
    if (what === "reason string of DISCONNECT") continue;
    const client = await t.connect();
    await client.send(packet);
    // Some are answered, none with a DISCONNECT; a PINGRESP comes all the same.
    await client.send("c0 00");
    for (let first = 0; first !== 0xd0;) {
      first = (await client.readFrame())[0]!;
      assertEquals(first === 0xe0, false, what);
    }
  }
  for (const [what, packet] of connectsWith(good)) {
    if (what === "authentication method") continue;
    const client = await t.client();
    await client.send(packet);
    await client.expectWelcome();
  }
});

specTest("U+FEFF is a character like any other, and kept [MQTT-1.5.4-3]", async (t) => {
  const marked = await subscriber(t, "\ufeffa");
  const plain = await subscriber(t, "a");
  const all = await subscriber(t, "#");
  const publisher = await t.connect();
  await publisher.send(publish("\ufeffa", "x"), "c0 00");
  await publisher.expect("d0 00");
  const delivery = "30 08 0004 efbbbf 61 00 78";
  await marked.expect(delivery);
  await all.expect(delivery);
  await plain.expectSilence();
});

specTest("lengths are written in as few bytes as they need [MQTT-1.5.5-1]", async (t) => {
  const client = await subscriber(t, "a");
  // The body is the payload and four bytes more: lengths on both sides of each boundary.
  for (
    const [body, length] of [[127, "7f"], [128, "8001"], [16_383, "ff7f"], [
      16_384,
      "808001",
    ]] as const
  ) {
    const payload = "x".repeat(body - 4);
    await client.send(publish("a", payload));
    await client.expect(`30 ${length} 0001 61 00`, new TextEncoder().encode(payload));
  }
});

specTest(
  "Subscription Identifiers are written in as few bytes as they need [MQTT-1.5.5-1]",
  async (t) => {
    for (
      const [identifier, bytes] of [
        [127, "7f"],
        [128, "8001"],
        [16_383, "ff7f"],
        [16_384, "808001"],
        [2_097_152, "80808001"],
        [268_435_455, "ffffff7f"],
      ] as const
    ) {
      const client = await t.connect();
      const property = properties.subscriptionIdentifier(identifier);
      await client.subscribe(subscribe({ a: 0 }, { properties: property }));
      await client.send(publish("a", ""));
      const size = bytes.length / 2;
      await client.expect(
        Uint8Array.of(0x30, 5 + size),
        "0001 61",
        Uint8Array.of(1 + size, 0x0b),
        bytes,
      );
      await client.expectSilence();
    }
  },
);

specTest("a length of more bytes than it needs is malformed [MQTT-1.5.5-1]", async (t) => {
  await thrownOut(t, "c0 8000", 0x81);
  await thrownOut(t, "30 8400 0001 61 00", 0x81);
  await thrownOut(t, "30 05 0001 61 8000", 0x81);
  await thrownOut(t, "82 08 0001 8000 0001 61 00", 0x81);
  await thrownOut(t, "82 0a 0001 03 0b8100 0001 61 00", 0x81);
  await rejected(t, frame(0x10, text("MQTT"), Uint8Array.of(5, 2, 0, 0, 0x80, 0), text("a")));
});

specTest("a length of more than four bytes is malformed [MQTT-1.5.5-1]", async (t) => {
  await thrownOut(t, "30 8080808001", 0x81);
  await thrownOut(t, "30 ffffffff7f", 0x81);
});

specTest(
  "either half of a User Property that is ill-formed spoils the packet [MQTT-1.5.7-1]",
  async (t) => {
    for (const bad of [Uint8Array.of(0xff), WITH_NUL]) {
      for (const property of [properties.user(bad, "a"), properties.user("a", bad)]) {
        const good = properties.user("b", "b");
        const packets = [
          publish("a", "", { properties: all(good, property) }),
          subscribe({ a: 0 }, { properties: all(property, good) }),
          unsubscribe(["a"], { properties: property }),
        ];
        for (const packet of packets) await thrownOut(t, packet, 0x81);
        await rejected(t, connect({ properties: property }));
      }
    }
  },
);

specTest(
  "a User Property whose halves are well-formed is taken, even if empty [MQTT-1.5.7-1]",
  async (t) => {
    const client = await subscriber(t, "a", 0, { properties: properties.user("é", "") });
    const packet = publish("a", "", {
      properties: all(properties.user("", ""), properties.user("é", "ü")),
    });
    await client.send(packet);
    await client.expect(packet);
  },
);
