import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Authorizer } from "../../auth/mod.ts";
import type { UserProperty } from "../../codec/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { DAY, type Received, Scene, type SceneClient, START, texts } from "./_scene.ts";

const HOUR = 3_600_000;

function user(offset: string, ...more: UserProperty[]): UserProperty[] {
  return [["stream-offset", offset], ...more];
}

function marksOf({ properties }: Received): Record<string, string> {
  return Object.fromEntries(properties.userProperties ?? []);
}

Deno.test("stream-offset: every position begins where it says, and goes on with what comes", async () => {
  const cases: [string, string[]][] = [
    ["earliest", texts(1, 1000)],
    ["latest", []],
    ["after=998", ["999", "1000"]],
    ["from=998", ["998", "999", "1000"]],
    ["since=10s", texts(991, 1000)],
    ["since=2026-11-28T13:16:30Z", texts(991, 1000)],
    [`since=${START / 1000 + 3600 + 995}`, texts(996, 1000)],
    ["last=2", ["999", "1000"]],
    ["last-per-topic", ["997", "998", "999", "1000"]],
    ["last-per-topic=2", texts(993, 1000)],
    ["resume", []],
    ["resume,last=1", ["1000"]],
  ];
  for (const [offset, expected] of cases) {
    await using scene = await Scene.open();
    await scene.clock.advance(HOUR);
    for (let i = 1; i <= 1000; i++) {
      scene.broker.publish(`t/${i % 4}`, `${i}`);
      await scene.clock.advance(1000);
    }
    const client = await scene.join();
    assertEquals((await client.subscribe("t/#", { user: user(offset) })).reasonCodes, [0], offset);
    assertEquals(await client.payloads(), expected, offset);
    scene.broker.publish("t/1", "live");
    assertEquals(await client.payloads(), ["live"], offset);
  }
});

Deno.test("since= tells what of that time is gone, also after a restart and for whole chunks", async () => {
  const store = new MemoryStore();
  const clock = new VirtualClock();
  const day = { ...DAY, maxMessages: 1000 };
  /** The gap that SUBACK tells for the messages from one on; message n arrived n s after the start. */
  const gapSince = async (scene: Scene, n: number) => {
    const client = await scene.join();
    const since = `since=${START / 1000 + n}`;
    const { properties } = await client.subscribe("t/#", { user: user(since) });
    const told = new Map(properties.userProperties);
    const [first] = await client.take("publish");
    const marked = first === undefined ? undefined : marksOf(first)["stream-gap"];
    assertEquals(marked, told.get("stream-gap"));
    return told.get("stream-gap") ?? null;
  };
  {
    await using scene = await Scene.open({ clock, store }, [day]);
    // About 300 of them are a chunk.
    for (let n = 1; n <= 3000; n++) {
      await scene.clock.advance(1000);
      scene.broker.publish("t/1", "x".repeat(190));
    }
    assertEquals([scene.broker.stream("day")!.first, await gapSince(scene, 2001)], [2001, null]);
    assertEquals(await gapSince(scene, 2000), "2000..2000");
    assertEquals(await gapSince(scene, 1990), "1990..2000");
    await scene.broker.stream("day")!.append("t/1", "");
  }
  const left = MemoryStore.from(store.snapshot());
  await using scene = await Scene.open({ clock, store: left }, [day]);
  assertEquals([await gapSince(scene, 2002), await gapSince(scene, 1991)], [null, "1991..2001"]);
  const gap = await gapSince(scene, 1000);
  const [from, to] = gap!.split("..").map(Number);
  // The older it is, the longer is what it is known by.
  assert(from! > 1 && from! <= 1000 && to === 2001, gap!);
  assertEquals(await gapSince(scene, 1), "1..2001");
});

for (const version of [3, 4, 5] as const) {
  Deno.test(`$replay/… in version ${version}: messages arrive below what was subscribed to`, async () => {
    await using scene = await Scene.open();
    await scene.fill(3);
    await scene.fill(2, 4, "t/2");
    const client = await scene.join("ann", version);
    const suback = await client.subscribe("$replay/day/after=1/t/+", { qos: 1 });
    assertEquals(suback.reasonCodes, [1]);
    await scene.fill(1, 6);
    const got = (await client.take("publish")).map(({ topic, payload, retain, qos }) =>
      `${topic} ${new TextDecoder().decode(payload)} ${retain} ${qos}`
    );
    assertEquals(got, [
      "$replay/day/after=1/t/1 2 false 1",
      "$replay/day/after=1/t/1 3 false 1",
      "$replay/day/after=1/t/2 4 false 1",
      "$replay/day/after=1/t/2 5 false 1",
      "$replay/day/after=1/t/1 6 false 1",
    ]);
    assertEquals((await client.unsubscribe("$replay/day/after=1/t/+")).type, "unsuback");
    await scene.fill(1, 7);
    assertEquals(await client.payloads(), []);
  });
}

Deno.test("marks follow the publisher's own properties, whose order and repeats are kept", async () => {
  await using scene = await Scene.open();
  const own: UserProperty[] = [["a", "1"], ["b", "2"], ["a", "3"]];
  await scene.clock.advance(1234);
  scene.broker.publish("t/1", "1", { properties: { userProperties: own, contentType: "text" } });
  const client = await scene.join();
  await client.subscribe("t/#", { user: user("earliest"), identifier: 7 });
  scene.broker.publish("t/1", "2");
  const [old, live] = await client.take("publish");
  assertEquals(old!.properties, {
    subscriptionIdentifiers: [7],
    userProperties: [...own, ["stream-seq", "1"], ["stream-time", "2026-11-28T12:00:01.234Z"]],
    contentType: "text",
  });
  assertEquals(old!.topic, "t/1");
  assertEquals(marksOf(live!)["stream-seq"], "2");
});

Deno.test("Message Expiry goes on running, and expired messages are not sent [MQTT-3.3.2-6]", async () => {
  await using scene = await Scene.open();
  scene.broker.publish("t/1", "1", { properties: { messageExpiryInterval: 10 } });
  scene.broker.publish("t/1", "2", { properties: { messageExpiryInterval: 100 } });
  await scene.clock.advance(30_000);
  const client = await scene.join();
  await client.subscribe("t/#", { user: user("earliest") });
  const [only, ...more] = await client.take("publish");
  assertEquals(only!.properties.messageExpiryInterval, 70);
  assertEquals(more.length, 0);
});

Deno.test("SUBACK says first, last, start, and what is gone", async () => {
  await using scene = await Scene.open({}, [{ ...DAY, maxMessages: 100 }]);
  await scene.fill(150);
  const client = await scene.join();
  const { properties } = await client.subscribe("t/#", { user: user("after=20") });
  assertEquals(properties.userProperties, [
    ["stream-first", "51"],
    ["stream-last", "150"],
    ["stream-start", "51"],
    ["stream-gap", "21..50"],
  ]);
  const messages = await client.take("publish");
  assertEquals(messages.length, 100);
  assertEquals(marksOf(messages[0]!)["stream-gap"], "21..50");
  assertEquals(marksOf(messages[1]!)["stream-gap"], undefined);
  assertEquals(scene.broker.stats.dropped["stream-gap"], 30);
});

Deno.test("what cannot be granted is refused, with what would be right", async () => {
  await using scene = await Scene.open({}, [
    { ...DAY, exclude: ["t/secret/#"] },
    { ...DAY, name: "two", filters: ["both/#"] },
    { ...DAY, name: "three", filters: ["both/#"] },
  ]);
  await scene.fill(1);
  const byProperty: [string, UserProperty[], string][] = [
    ["other", user("earliest"), 'No stream has all topics of "other"'],
    ["#", user("earliest"), 'No stream has all topics of "#"'],
    ["t/+/x", user("earliest"), "use $replay/day/earliest/t/+/x for those that it has"],
    [
      "t/1",
      user("earliest", ["stream-name", "no"]),
      'There is no stream "no"; there are: day, two, three',
    ],
    ["t/1", user("earliest", ["stream-name", "two"]), 'No stream "two" has all topics of "t/1"'],
    ["both/1", user("earliest"), "choose one with stream-name: two, three"],
    ["t/1", user("first"), '"first" is no position; use earliest, latest, after=N'],
    ["t/1", user("after=2"), 'Stream "day" has no message 3 yet: the last one is 1'],
    ["t/1", user("since=2027-01-01T00:00:00Z"), "lies in the future"],
  ];
  const client = await scene.join();
  for (const [filter, properties, text] of byProperty) {
    const suback = await client.subscribe(filter, { user: properties });
    assertEquals(suback.reasonCodes, [0x83], text);
    assertStringIncludes(suback.properties.reasonString ?? "", text);
  }
  const byTopic: [string, string][] = [
    ["$replay/no/earliest/#", 'There is no stream "no"'],
    ["$replay/day", "use $replay/STREAM/POSITION/FILTER"],
    ["$replay/day/earliest", "use $replay/STREAM/POSITION/FILTER"],
    ["$replay/#", "use $replay/STREAM/POSITION/FILTER"],
    ["$replay/day/last=x/#", '"last=x" is no position'],
    ["$replay/day/from=9/#", "has no message 9 yet"],
  ];
  const old = await scene.join("old", 4);
  for (const [filter, text] of byTopic) {
    const suback = await client.subscribe(filter);
    assertEquals(suback.reasonCodes, [0x8f], filter);
    assertStringIncludes(suback.properties.reasonString ?? "", text);
    assertEquals((await old.subscribe(filter)).reasonCodes, [0x80], filter);
  }
  const mixed = await client.subscribe(["$replay/day/earliest/#", "$replay/no/earliest/#", "x"]);
  assertEquals(mixed.reasonCodes, [0, 0x8f, 0]);
});

Deno.test("stream-name chooses when several streams cover the filter", async () => {
  await using scene = await Scene.open({}, [DAY, { ...DAY, name: "few", maxMessages: 1 }]);
  await scene.fill(5);
  const client = await scene.join();
  await client.subscribe("t/1", { user: user("earliest", ["stream-name", "few"]) });
  assertEquals(await client.payloads(), ["5"]);
});

Deno.test("clients cannot publish below $replay/", async () => {
  await using scene = await Scene.open();
  const client = await scene.join();
  await client.publish("$replay/day/earliest/t/1", "x", 1);
  assertEquals((await client.take("puback")).map(({ reasonCode }) => reasonCode), [0x87]);
});

Deno.test("Receive Maximum is kept, and what is acknowledged makes room [MQTT-3.3.4-9]", async () => {
  await using scene = await Scene.open();
  await scene.fill(20);
  const client = await scene.join("ann", 5, { receiveMaximum: 3 });
  client.acknowledges = false;
  await client.subscribe("t/#", { qos: 1, user: user("earliest") });
  const first = await client.take("publish");
  assertEquals(first.map(({ packetId }) => packetId).length, 3);
  client.acknowledges = true;
  for (const { packetId } of first) {
    client.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
  }
  assertEquals(await client.payloads(), texts(4, 20));
});

Deno.test("messages are sent with the granted QoS, so QoS 0 messages are acknowledged", async () => {
  await using scene = await Scene.open();
  await scene.fill(1);
  for (const qos of [0, 1, 2] as const) {
    const client = await scene.join();
    const suback = await client.subscribe("t/#", { qos, user: user("earliest") });
    assertEquals(suback.reasonCodes, [qos]);
    assertEquals((await client.take("publish")).map(({ qos }) => qos), [qos]);
  }
});

Deno.test("No Local leaves out what the client has published [MQTT-3.8.3-3]", async () => {
  await using scene = await Scene.open();
  const client = await scene.join("ann");
  await client.publish("t/1", "mine");
  await scene.fill(1);
  await client.subscribe("t/#", { user: user("earliest"), noLocal: true });
  assertEquals(await client.payloads(), ["1"]);
});

Deno.test("Retain Handling says when it begins anew; retained messages are not sent", async () => {
  await using scene = await Scene.open();
  scene.broker.publish("t/1", "1", { retain: true });
  await scene.clock.settle();
  const client = await scene.join();
  const again = async (retainHandling: 0 | 1 | 2) => {
    await client.subscribe("t/#", { user: user("earliest"), retainHandling });
    return await client.payloads();
  };
  assertEquals(await again(1), ["1"]);
  assertEquals(await again(1), []);
  assertEquals(await again(0), ["1"]);
  assertEquals(await again(2), []);
  await client.unsubscribe("t/#");
  assertEquals(await again(2), []);
  await scene.fill(1, 2);
  assertEquals(await client.payloads(), ["2"]);
});

Deno.test("an identical SUBSCRIBE begins anew, never twice at once; an ordinary one ends it", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const client = await scene.join();
  for (let i = 0; i < 2; i++) await client.subscribe("t/#", { user: user("earliest") });
  assertEquals(await client.payloads(), [...texts(1, 3), ...texts(1, 3)]);
  await scene.fill(1, 4);
  assertEquals(await client.payloads(), ["4"]);
  await client.subscribe("t/#");
  await scene.fill(1, 5);
  const [live, ...more] = await client.take("publish");
  assertEquals([marksOf(live!), more.length], [{}, 0]);
  await client.subscribe("t/#", { user: user("latest") });
  await scene.fill(1, 6);
  assertEquals(await client.payloads(), ["6"]);
});

for (const kind of ["reconnect", "restart"]) {
  Deno.test(`in a session that lasts, a ${kind} goes on from what was acknowledged`, async () => {
    const store = new MemoryStore();
    const scene = await Scene.open({ store });
    await scene.fill(10);
    const client = await scene.join("ann", 5, { expiry: 3600, receiveMaximum: 4 });
    client.acknowledges = false;
    await client.subscribe("t/#", { qos: 1, user: user("earliest") });
    const sent = await client.take("publish");
    assertEquals(sent.length, 4);
    for (const { packetId } of sent.slice(0, 2)) {
      client.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
    }
    await scene.clock.settle();
    await client.leave();
    const next = kind === "reconnect"
      ? scene
      : await Scene.open({ store: MemoryStore.from(store.snapshot()) });
    const again = await next.join("ann", 5, { clean: false, expiry: 3600 });
    const got = await again.take("publish");
    const payloads = got.map(({ payload }) => new TextDecoder().decode(payload));
    assertEquals([...new Set(payloads)].toSorted((a, b) => Number(a) - Number(b)), texts(3, 10));
    assertEquals(payloads.slice(0, 2), ["3", "4"]);
    if (kind === "reconnect") assertEquals(got.slice(0, 2).map(({ dup }) => dup), [true, true]);
    await next.fill(1, 11);
    assertEquals(await again.payloads(), ["11"]);
    await scene[Symbol.asyncDispose]();
    if (next !== scene) await next[Symbol.asyncDispose]();
  });
}

Deno.test("a session finds its stream again when that is declared after a restart", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    const client = await scene.join("ann", 4, { clean: false });
    await client.subscribe("$replay/day/resume/t/#", { qos: 1 });
    await scene.fill(2);
    assertEquals(await client.payloads(), ["1", "2"]);
    await client.leave();
    await scene.fill(2, 3);
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) }, []);
  const client = await scene.join("ann", 4, { clean: false });
  assertEquals(await client.payloads(), []);
  await scene.broker.declareStream(DAY);
  assertEquals(await client.payloads(), ["3", "4"]);
  // As clients do that subscribe whenever they have connected.
  await client.subscribe("$replay/day/resume/t/#", { qos: 1 });
  await scene.fill(1, 5);
  assertEquals(await client.payloads(), ["5"]);
});

Deno.test("the right to read a stream is one of its own, and the topics are checked as well", async () => {
  const allowed = new Set<string>();
  const authorizer: Authorizer = {
    mayPublish: () => true,
    maySubscribe: (_client, { filter }) => filter.startsWith("$") ? allowed.has(filter) : true,
    mayReceive: (_client, topic) => topic !== "t/secret",
  };
  await using scene = await Scene.open({ authorizer });
  await scene.fill(1);
  await scene.fill(1, 2, "t/secret");
  await scene.fill(1, 3);
  const client = await scene.join("ann");
  assertEquals((await client.subscribe("t/#", { user: user("earliest") })).reasonCodes, [0x87]);
  assertEquals((await client.subscribe("$replay/day/earliest/t/#")).reasonCodes, [0x87]);
  allowed.add("$replay/day/t/#");
  assertEquals((await client.subscribe("t/#", { user: user("earliest") })).reasonCodes, [0]);
  assertEquals(await client.payloads(), ["1", "3"]);
  assertEquals((await client.subscribe("$replay/day/earliest/t/#")).reasonCodes, [0]);
  assertEquals(await client.payloads(), ["1", "3"]);
  assertEquals(scene.broker.stats.dropped["read-denied"], 2);
  allowed.clear();
  assertEquals(await scene.broker.reauthorize(), 2);
  await scene.fill(1, 4);
  assertEquals(await client.payloads(), []);
});

Deno.test("replaysMax: one more subscription is refused with 0x97 and the reason", async () => {
  await using scene = await Scene.open({ limits: { replaysMax: 2 } });
  const client = await scene.join();
  const codes: number[] = [];
  for (const filter of ["t/1", "t/2", "t/3", "t/1"]) {
    codes.push(...(await client.subscribe(`$replay/day/latest/${filter}`)).reasonCodes);
  }
  assertEquals(codes, [0, 0, 0x97, 0]);
  assertEquals(scene.broker.stats.limited.replays, 1);
});

Deno.test("replayTopicsMax: last-per-topic that finds more is refused with 0x97", async () => {
  await using scene = await Scene.open({ limits: { replayTopicsMax: 2 } });
  for (let i = 1; i <= 3; i++) await scene.fill(1, i, `t/${i}`);
  const client = await scene.join();
  const suback = await client.subscribe("$replay/day/last-per-topic/#");
  assertEquals(suback.reasonCodes, [0x97]);
  assertEquals(scene.broker.stats.limited["replay-topics"], 1);
  assertEquals((await client.subscribe("$replay/day/last-per-topic/t/1")).reasonCodes, [0]);
  assertEquals(await client.payloads(), ["1"]);
});

Deno.test("a slow reader is told of the messages that were gone before it got there", async () => {
  await using scene = await Scene.open({ limits: { streamCacheBytesMax: 0 } }, [
    { ...DAY, maxMessages: 100 },
  ]);
  await scene.fill(100);
  const client = await scene.join("ann", 5, { receiveMaximum: 1 });
  client.acknowledges = false;
  await client.subscribe("t/#", { qos: 1, user: user("earliest") });
  const [first] = await client.take("publish");
  await scene.fill(150, 101);
  client.acknowledges = true;
  client.send({ type: "puback", packetId: first!.packetId, reasonCode: 0, properties: {} });
  const rest = await client.take("publish");
  assertEquals(marksOf(rest[0]!), {
    "stream-seq": "151",
    "stream-time": "2026-11-28T12:00:00.000Z",
    "stream-gap": "2..150",
  });
  assertEquals(rest.length, 100);
  assertEquals(scene.broker.stats.dropped["stream-gap"], 149);
});

Deno.test("a thousand readers at a thousand positions share the chunks in memory", async () => {
  await using scene = await Scene.open({ limits: { streamCacheBytesMax: 300_000 } });
  const payload = "x".repeat(1000);
  for (let i = 0; i < 2000; i++) scene.broker.publish("t/1", payload);
  await scene.clock.settle();
  const readers: SceneClient[] = [];
  for (const id of texts(1, 1000)) {
    const client = await scene.join(id, 5, { receiveMaximum: 1 });
    client.acknowledges = false;
    await client.subscribe("t/#", { qos: 1, user: user(`from=${id}`) });
    readers.push(client);
  }
  for (const [i, client] of readers.entries()) {
    assertEquals((await client.take("publish")).map((one) => marksOf(one)["stream-seq"]), [
      `${i + 1}`,
    ]);
  }
  assert(scene.broker.stats.memory.pages < 700_000, `${scene.broker.stats.memory.pages} bytes`);
});
