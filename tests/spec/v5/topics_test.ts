/** Topics and filters (MQTT 5 §4.7). */
import { assertEquals } from "@std/assert";
import { MATCHES } from "../filters.ts";
import { hex } from "../harness.ts";
import { all, properties, publish, subscribe, unsubscribe } from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

for (const [filter, matched, missed] of MATCHES) {
  const ids = (filter.includes("#") ? " [MQTT-4.7.1-1]" : "") +
    (filter.includes("+") ? " [MQTT-4.7.1-2]" : "") +
    (/^[+#]/.test(filter) ? " [MQTT-4.7.2-1]" : "") +
    (/[+#]/.test(filter) ? "" : " [MQTT-4.7.3-4]");
  specTest(`${filter} matches what it should and nothing else${ids}`, async (t) => {
    const client = await subscriber(t, filter, 1);
    const member = await subscriber(t, `$share/group/${filter}`, 1);
    const publisher = await t.connect();
    for (const topic of [...matched, ...missed]) await publisher.send(publish(topic, "x"));
    for (const topic of matched) await client.expectPublish(topic, "x");
    for (const topic of matched) await member.expectPublish(topic, "x");
    await publisher.ping();
    await client.expectSilence();
    await member.expectSilence();
  });
}

specTest("a wildcard is for filters only [MQTT-4.7.0-1]", async (t) => {
  const witness = await subscriber(t, "#", 2);
  for (const topic of ["#", "+", "a/#", "+/a", "a/+/b", "a#", "a+"]) {
    for (const qos of [0, 1, 2] as const) await thrownOut(t, publish(topic, "x", { qos }), 0x90);
    await thrownOut(t, publish(topic, "x", { properties: properties.topicAlias(1) }), 0x90);
  }
  await witness.expectSilence();
});

specTest("# stands at the end, alone in its level [MQTT-4.7.1-1]", async (t) => {
  const client = await t.connect();
  for (const filter of ["a#", "#a", "a/#/b", "#/", "a/b#", "##", "#/#", "a/#b", "/#/"]) {
    await client.send(subscribe({ [filter]: 0, good: 1 }), unsubscribe([filter]));
    await client.expect("90 05 0001 00 8f 01", "b0 04 0001 00 8f");
  }
});

specTest("+ stands alone in its level [MQTT-4.7.1-2]", async (t) => {
  const client = await t.connect();
  for (const filter of ["a+", "+a", "a/b+", "++", "a/+b/c", "+#", "a/#+"]) {
    await client.send(subscribe({ [filter]: 0, good: 1 }), unsubscribe([filter]));
    await client.expect("90 05 0001 00 8f 01", "b0 04 0001 00 8f");
  }
});

specTest(
  "$ topics are out of reach of filters that begin with a wildcard [MQTT-4.7.2-1]",
  async (t) => {
    const client = await t.connect();
    const filters = { "#": 0, "+/a": 0, "+/#": 0, "$share/group/#": 0 };
    await client.subscribe(subscribe(filters));
    const exact = await subscriber(t, "$mine/#");
    await client.send(publish("$mine/a", "x", { retain: true }), publish("$mine", "y"));
    await exact.expectPublish("$mine/a", "x");
    await exact.expectPublish("$mine", "y");
    await client.subscribe(subscribe(filters));
    await client.expectSilence();
    await (await subscriber(t, "$mine/+")).expectPublish("$mine/a", "x");
  },
);

specTest(
  "empty filters, and empty topics without an alias, are rejected [MQTT-4.7.3-1]",
  async (t) => {
    await thrownOut(t, publish("", "x"), 0x82);
    await thrownOut(t, publish("", "x", { qos: 1 }), 0x82);
    await thrownOut(t, subscribe({ "good": 1, "": 0 }), 0x81);
    await thrownOut(t, unsubscribe(["good", ""]), 0x81);
  },
);

specTest("an empty topic with an alias that is known is none [MQTT-4.7.3-1]", async (t) => {
  const client = await subscriber(t, "a/b");
  const alias = { properties: properties.topicAlias(1) };
  await client.send(publish("a/b", "1", alias), publish("", "2", alias));
  await client.expectPublish("a/b", "1");
  await client.expectPublish("a/b", "2");
});

specTest("topics and filters with U+0000 are malformed [MQTT-4.7.3-2]", async (t) => {
  for (const text of ["\0", "a\0", "a/\0/b"]) {
    await thrownOut(t, subscribe({ [text]: 0 }), 0x81);
    await thrownOut(t, unsubscribe([text]), 0x81);
    // Which of two reasons fits a topic best, the specification leaves open.
    for (const qos of [0, 1, 2] as const) {
      const client = await t.connect();
      await client.send(publish(text, "x", { qos }));
      const goodbye = await client.readFrame();
      assertEquals([goodbye[0], [0x81, 0x90].includes(goodbye[2]!)], [0xe0, true]);
      await client.expectClose();
    }
  }
});

specTest("the longest topic is as good as any [MQTT-4.7.3-4]", async (t) => {
  const topic = "a".repeat(65_535);
  const client = await subscriber(t, topic, 1);
  await client.send(publish(topic, "x"));
  await client.expectPublish(topic, "x");
});

specTest("nothing is normalised when topics are compared [MQTT-4.7.3-4]", async (t) => {
  // One letter, and a letter with a combining mark after it, look the same.
  const composed = "caf\u00e9";
  const others = [
    "cafe\u0301",
    "CAF\u00c9",
    "cafe",
    `${composed} `,
    `${composed}/`,
    "/" + composed,
  ];
  const client = await subscriber(t, composed);
  await client.send(all(...others.map((topic) => publish(topic, "no"))));
  await client.send(publish(composed, "yes"), hex("c0 00"));
  const frames = [await client.readFrame(), await client.readFrame()];
  assertEquals(frames.filter(([first]) => first === 0x30).length, 1);
  await client.expectSilence();
});
