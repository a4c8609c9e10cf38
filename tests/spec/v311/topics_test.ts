/** Topics and filters (MQTT 3.1.1 §4.7). */
import { publish, subscribe, unsubscribe } from "../../harness/packets.ts";
import { MATCHES } from "../filters.ts";
import { expectFault } from "./steps.ts";
import { specTest } from "./spec.ts";

const WHOLE = " [MQTT-4.7.1-3]";
const LITERAL = " [MQTT-4.7.3-4]";

for (const [filter, matched, missed] of MATCHES) {
  const ids = (filter.includes("#") ? " [MQTT-4.7.1-2]" : "") +
    (filter.includes("+") ? WHOLE : "") +
    (/^[+#]/.test(filter) ? " [MQTT-4.7.2-1]" : "") +
    (/[+#]/.test(filter) ? "" : LITERAL);
  specTest(`${filter} matches what it should and nothing else${ids}`, async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ [filter]: 1 }));
    const publisher = await t.connect();
    for (const topic of [...matched, ...missed]) await publisher.send(publish(topic, "x"));
    for (const topic of matched) await client.expectPublish(topic, "x");
    await publisher.ping();
    await client.expectSilence();
  });
}

specTest("a wildcard is for filters only [MQTT-4.7.1-1]", async (t) => {
  for (const topic of ["#", "+", "a/#", "+/a", "a/+/b", "a#", "a+"]) {
    await expectFault(t, publish(topic, "x"));
    await expectFault(t, publish(topic, "x", { qos: 1 }));
    await expectFault(t, publish(topic, "x", { qos: 2 }));
  }
});

specTest("# stands at the end, alone in its level [MQTT-4.7.1-2]", async (t) => {
  for (const filter of ["a#", "#a", "a/#/b", "#/", "a/b#", "##", "#/#", "a/#b", "/#/"]) {
    await expectFault(t, subscribe({ [filter]: 0 }));
    await expectFault(t, subscribe({ good: 0, [filter]: 0 }));
    await expectFault(t, unsubscribe([filter]));
  }
});

specTest("+ stands alone in its level [MQTT-4.7.1-3]", async (t) => {
  for (const filter of ["a+", "+a", "a/b+", "++", "a/+b/c", "+#", "a/#+"]) {
    await expectFault(t, subscribe({ [filter]: 0 }));
    await expectFault(t, unsubscribe([filter]));
  }
});

specTest(
  "$ topics are out of reach of filters that begin with a wildcard [MQTT-4.7.2-1]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ "#": 0, "+/a": 0, "+/#": 0, "/#": 0 }));
    const exact = await t.connect();
    await exact.subscribe(subscribe({ "$mine/#": 0 }));
    await client.send(publish("$mine/a", "x", { retain: true }), publish("$mine", "y"));
    await exact.expectPublish("$mine/a", "x");
    await exact.expectPublish("$mine", "y");
    await client.expectSilence();
    // What is retained is no more in their reach.
    await client.subscribe(subscribe({ "#": 0, "+/a": 0 }));
    await client.expectSilence();
    await exact.subscribe(subscribe({ "$mine/+": 0 }));
    await exact.expectPublish("$mine/a", "x");
  },
);

specTest("empty topics and filters end the connection [MQTT-4.7.3-1]", async (t) => {
  await expectFault(t, publish("", "x"));
  await expectFault(t, publish("", "x", { qos: 1 }));
  await expectFault(t, subscribe({ "": 0 }));
  await expectFault(t, unsubscribe([""]));
});

specTest("topics and filters with U+0000 end the connection [MQTT-4.7.3-2]", async (t) => {
  for (const text of ["\0", "a\0", "a/\0/b"]) {
    await expectFault(t, publish(text, "x"));
    await expectFault(t, subscribe({ [text]: 0 }));
    await expectFault(t, unsubscribe([text]));
  }
});

specTest("the longest topic is as good as any [MQTT-4.7.3-4]", async (t) => {
  const topic = "a".repeat(65_535);
  const client = await t.connect();
  await client.subscribe(subscribe({ [topic]: 1 }));
  await client.send(publish(topic, "x"));
  await client.expectPublish(topic, "x");
});

specTest("nothing is normalised when topics are compared [MQTT-4.7.3-4]", async (t) => {
  const client = await t.connect();
  // One letter, and a letter with a combining mark after it, look the same.
  const composed = "caf\u00e9";
  const decomposed = "cafe\u0301";
  await client.subscribe(subscribe({ [composed]: 0, "a b": 0 }));
  const others = [decomposed, "CAF\u00c9", "cafe", `${composed} `, "a  b", "a%20b", "a\u00a0b"];
  for (const topic of others) await client.send(publish(topic, "no"));
  await client.send(publish(composed, "yes"));
  await client.expectPublish(composed, "yes");
  await client.send(publish("a b", "yes"));
  await client.expectPublish("a b", "yes");
  await client.expectSilence();
});
