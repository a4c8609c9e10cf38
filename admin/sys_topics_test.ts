import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Broker } from "../broker/broker.ts";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import { addCounts, noCounts } from "./sys_counts.ts";
import { SysTopics } from "./sys_topics.ts";

/** What is retained, all of which is below `$SYS/broker/`. */
async function retained(broker: Broker): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  let left = broker.stats.retainedMessages;
  for await (const { topic, payload } of broker.subscribe("$SYS/broker/#")) {
    found[topic.replace("$SYS/broker/", "")] = new TextDecoder().decode(payload);
    if (--left === 0) break;
  }
  return found;
}

Deno.test("SysTopics tells at once what mosquitto tells", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const state = new SysTopics(broker, { version: "test 1" });
  const topics = await retained(broker);
  assertEquals(topics["version"], "test 1");
  assertEquals(topics["uptime"], "0 seconds");
  for (
    const name of [
      ...["clients/total", "clients/connected", "clients/disconnected", "clients/maximum"],
      ...["clients/expired", "clients/active", "clients/inactive", "subscriptions/count"],
      ...["shared_subscriptions/count", "retained messages/count", "messages/stored"],
      ...["messages/received", "messages/sent", "store/messages/count", "store/messages/bytes"],
      ...["publish/messages/dropped", "publish/messages/received", "publish/messages/sent"],
      ...["bytes/received", "bytes/sent", "heap/current", "heap/maximum"],
      ...["publish/bytes/received", "publish/bytes/sent", "connections/socket/count"],
      ...["packet/out/count", "packet/out/bytes"],
    ]
  ) {
    assert(/^\d+$/.test(topics[name] ?? ""), `${name}: ${topics[name]}`);
  }
  state.stop();
});

Deno.test("SysTopics tells averages at once, and from then on", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const state = new SysTopics(broker, { version: "test", intervalSeconds: 5 });
  assertEquals((await retained(broker))["load/messages/received/1min"], "0.00");
  await clock.advance(5000);
  const topics = await retained(broker);
  assertEquals(topics["uptime"], "5 seconds");
  for (
    const name of [
      ...["messages/received", "messages/sent", "publish/dropped", "publish/received"],
      ...["publish/sent", "bytes/received", "bytes/sent", "connections", "sockets"],
    ]
  ) {
    for (const minutes of [1, 5, 15]) {
      assertEquals(topics[`load/${name}/${minutes}min`], "0.00", name);
    }
  }
  state.stop();
});

Deno.test("SysTopics publishes only what has changed", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const state = new SysTopics(broker, { version: "test" });
  await clock.advance(10_000);
  const news = broker.subscribe("$SYS/broker/#", { retained: false });
  await clock.advance(10_000);
  broker.publish("$SYS/broker/end", "");
  const changed: string[] = [];
  for await (const { topic } of news) {
    if (topic === "$SYS/broker/end") break;
    changed.push(topic.replace("$SYS/broker/", ""));
  }
  assert(changed.includes("uptime"));
  for (const name of ["version", "clients/total", "bytes/received"]) {
    assert(!changed.includes(name), name);
  }
  state.stop();
});

Deno.test("SysTopics tells nothing more once it is stopped", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const state = new SysTopics(broker, { version: "test" });
  state.stop();
  state.stop();
  await clock.advance(60_000);
  assertEquals((await retained(broker))["uptime"], "0 seconds");
});

for (const intervalSeconds of [0, -1, NaN, Infinity]) {
  Deno.test(`SysTopics refuses an interval of ${intervalSeconds} seconds`, async () => {
    await using broker = new Broker();
    assertThrows(() => new SysTopics(broker, { version: "", intervalSeconds }), RangeError);
  });
}

Deno.test("SysTopics reports a topic that is longer than the broker allows, and tells the others", async () => {
  const errors: unknown[] = [];
  const hooks = { failed: (error: unknown) => void errors.push(error) };
  await using broker = new Broker({
    clock: new VirtualClock(),
    limits: { topicLevelsMax: 3 },
    hooks,
  });
  const state = new SysTopics(broker, { version: "test" });
  assertEquals((await retained(broker))["version"], "test");
  assert(errors.length > 0);
  for (const error of errors) assertMatch(`${error}`, /TypeError.*topicLevelsMax \(3\)/);
  state.stop();
});

Deno.test("SysTopics tells the sum of brokers that are one; retained messages are replicas", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const alone = new SysTopics(broker, { version: "test" });
  const none = noCounts(alone.own);
  alone.stop();
  const other = { ...none, clients: 3, sessions: 5, messagesReceived: 70, retainedMessages: 900 };
  const state = new SysTopics(broker, { version: "test", others: () => addCounts(none, other) });
  const topics = await retained(broker);
  assertEquals(topics["clients/connected"], "3");
  assertEquals(topics["clients/total"], "5");
  assertEquals(topics["clients/disconnected"], "2");
  assertEquals(topics["publish/messages/received"], "70");
  assert(Number(topics["retained messages/count"]) <= broker.stats.retainedMessages);
  state.stop();
});
