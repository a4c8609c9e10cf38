/**
 * What a bridge does beside passing messages: outages, retained messages, loops, and the limits of
 * the other broker; on virtual time, between two brokers in memory.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Bridges } from "../../bridge/mod.ts";
import { memoryPipe } from "../../bridge/memory_pipe.ts";
import type { Properties } from "../../codec/mod.ts";
import { Broker } from "../../mod.ts";
import { BridgeWorld, type Seen } from "./world.ts";

const OUT = { pattern: "out/#", direction: "out", qos: 1 } as const;

function textsOf(seen: Seen[]): string[] {
  return seen.splice(0).map(({ topic, payload, retain, qos }) =>
    `${topic} ${payload} ${qos}${retain ? " retained" : ""}`
  );
}

Deno.test("messages of QoS 1 that are published before the first connection wait for it", async () => {
  const world = await BridgeWorld.make({ topics: [OUT] }, { isFarAway: true });
  await world.clock.advance(60_000);
  world.publish("near", "out/a", "early", 1);
  await world.clock.settle();
  assertEquals(world.bridges.status("b")!.backlog, 1);
  assertEquals(world.bridges.status("b")!.lastError, "No route to host");
  const seen = world.watch("far");
  world.unreachable.clear();
  await world.quiet();
  assertEquals(textsOf(seen), ["out/a early 1"]);
  await world.close();
});

Deno.test("an unreachable broker is tried again after its waits, and is one line in the log", async () => {
  const world = await BridgeWorld.make({
    topics: [OUT],
    restart: { baseSeconds: 5, capSeconds: 30 },
  }, { isFarAway: true });
  await world.clock.advance(3_600_000);
  // 5 + 0.5 * (3 * last - 5) grows to 30 seconds.
  assert(world.dials.length > 115 && world.dials.length < 125, `${world.dials.length} dials`);
  assertEquals(world.logs, ["Bridge b: cannot connect to mqtt://far:1883: No route to host"]);
  await world.close();
});

Deno.test("the next address is tried after a failure, and the first one is preferred", async () => {
  const world = await BridgeWorld.make({
    topics: [OUT],
    addresses: ["first", "second"],
    restart: { baseSeconds: 1, capSeconds: 1 },
  });
  await world.connected();
  world.unreachable.add("first");
  await world.kill("line");
  await world.clock.advance(3000);
  assertEquals(world.bridges.status("b")!.address, "mqtt://second:1883");
  assertEquals(world.bridges.status("b")!.state, "connected");
  world.unreachable.clear();
  await world.clock.advance(10_000);
  assertEquals(world.bridges.status("b")!.address, "mqtt://first:1883");
  assertEquals(world.bridges.status("b")!.state, "connected");
  await world.close();
});

Deno.test("a preferred address that gives no answer is tried again", async () => {
  const world = await BridgeWorld.make({
    topics: [OUT],
    addresses: ["first", "second"],
    restart: { baseSeconds: 1, capSeconds: 1 },
  });
  await world.connected();
  world.silent.add("first");
  await world.kill("line");
  await world.clock.advance(60_000);
  assertEquals(world.bridges.status("b")!.address, "mqtt://second:1883");
  world.silent.clear();
  await world.clock.advance(60_000);
  assertEquals(world.bridges.status("b")!.address, "mqtt://first:1883");
  assertEquals(world.bridges.status("b")!.state, "connected");
  await world.close();
});

Deno.test("with round_robin a lost connection leads to the next address, which is kept", async () => {
  const world = await BridgeWorld.make({
    topics: [OUT],
    addresses: ["first", "second"],
    roundRobin: true,
    restart: { baseSeconds: 1, capSeconds: 1 },
  });
  await world.connected();
  await world.kill("line");
  await world.clock.advance(60_000);
  assertEquals(world.bridges.status("b")!.address, "mqtt://second:1883");
  assertEquals(world.dials, ["first", "second"]);
  await world.close();
});

Deno.test("a bridge that starts once does not connect again after a lost connection", async () => {
  const world = await BridgeWorld.make({ topics: [OUT], startType: "once" });
  await world.connected();
  await world.kill("line");
  await world.clock.advance(60_000);
  assertEquals([world.bridges.status("b")!.state, world.dials.length], ["stopped", 1]);
  world.bridges.add({
    name: "b",
    addresses: ["far"],
    remoteClientId: "b",
    topics: [OUT],
    notificationTopic: "bridges/b",
  });
  await world.connected();
  const { inspection } = world.broker("near");
  assertEquals(inspection.retainedCopy("$SYS/broker/connection/b/state"), null);
  assertEquals(inspection.retainedCopy("bridges/b")!.payload, new Uint8Array([0x31]));
  await world.close();
});

Deno.test("a bridge that starts once does not try again if the other broker cannot be reached", async () => {
  const world = await BridgeWorld.make({ topics: [OUT], startType: "once" }, { isFarAway: true });
  await world.clock.advance(60_000);
  assertEquals([world.bridges.status("b")!.state, world.dials.length], ["stopped", 1]);
  await world.close();
});

Deno.test("a refusal of the other broker is told in its words", async () => {
  const world = await BridgeWorld.make({ topics: [OUT] }, {
    far: { rules: { protocolVersions: [5] } },
  });
  await world.clock.advance(10_000);
  assertEquals(world.bridges.status("b")!.state, "waiting");
  assertEquals(
    world.bridges.status("b")!.lastError,
    "The other broker refused the connection: unacceptable protocol version (1)",
  );
  await world.close();
});

for (const [side, full, text] of [["near", "far", "The other"], ["far", "near", "This"]] as const) {
  Deno.test(`a full broker on either side makes the bridge try again later, and nothing is lost: ${full}`, async () => {
    const world = await BridgeWorld.make({
      protocolVersion: 5,
      topics: [{ pattern: "both/#", direction: "both", qos: 1 }],
    }, { [full]: { overflow: "refuse-publisher", limits: { backlogMessagesMax: 3 } } });
    await world.connected();
    for (let i = 0; i < 6; i++) world.publish(side, "both/a", `${i} of six`, 1);
    await world.clock.advance(20_000);
    assert(world.logs.some((line) => line.includes(`${text} broker is full`)), `${world.logs}`);
    const got = new Set<string>();
    for (let tries = 0; tries < 20 && got.size < 6; tries++) {
      for (const payload of await world.read(full)) got.add(payload);
      await world.clock.advance(5000);
    }
    assertEquals([...got].sort(), Array.from({ length: 6 }, (_, i) => `${i} of six`));
    await world.close();
  });
}

Deno.test("a lazy bridge connects when enough waits, of QoS 0 as well, and disconnects when idle", async () => {
  const world = await BridgeWorld.make({
    topics: [{ ...OUT, qos: 0 }],
    startType: "lazy",
    threshold: 3,
    idleTimeoutSeconds: 20,
  });
  const seen = world.watch("far");
  await world.clock.advance(60_000);
  world.publish("near", "out/a", "1", 0);
  world.publish("near", "out/a", "2", 0);
  await world.clock.advance(60_000);
  assertEquals([world.bridges.status("b")!.state, world.dials.length], ["idle", 0]);
  world.publish("near", "out/a", "3", 0);
  await world.clock.advance(5000);
  assertEquals(world.bridges.status("b")!.state, "connected");
  assertEquals(textsOf(seen), ["out/a 1 0", "out/a 2 0", "out/a 3 0"]);
  await world.clock.advance(30_000);
  assertEquals(world.bridges.status("b")!.state, "idle");
  await world.close();
});

Deno.test("a lazy bridge passes on more messages of QoS 0 than it may hold", async () => {
  const world = await BridgeWorld.make({
    topics: [{ ...OUT, qos: 0 }],
    startType: "lazy",
    threshold: 300,
  });
  const seen = world.watch("far");
  for (let i = 0; i < 300; i++) world.publish("near", "out/a", `${i} waits`, 0);
  await world.clock.advance(5000);
  assertEquals(seen.map(({ payload }) => payload), Array.from(seen, (_, i) => `${i} waits`));
  assertEquals(seen.length, 300);
  await world.close();
});

Deno.test("a session with more messages in flight than the bridge may hold goes on", async () => {
  const world = await BridgeWorld.make({ topics: [OUT], receiveMaximum: 200 });
  await world.connected();
  world.unreachable.add("far");
  await world.kill("line");
  for (let i = 0; i < 300; i++) world.publish("near", "out/a", `${i} waits`, 1);
  await world.clock.advance(10_000);
  const seen = world.watch("far");
  world.unreachable.clear();
  await world.quiet();
  assertEquals(new Set(seen.map(({ payload }) => payload)).size, 300);
  await world.close();
});

Deno.test("a message that its prefix makes too large for this broker is dropped, and later ones pass", async () => {
  const world = await BridgeWorld.make({
    protocolVersion: 5,
    topics: [{ pattern: "in/#", direction: "in", qos: 1, localPrefix: "a/long/prefix/" }],
  }, { near: { limits: { packetBytesMax: 1000 } } });
  const seen = world.watch("near");
  await world.connected();
  world.publish("far", "in/a", "x".repeat(970), 1);
  world.publish("far", "in/b", "fits", 1);
  await world.clock.advance(20_000);
  assertEquals(textsOf(seen), ["a/long/prefix/in/b fits 1"]);
  const { dropped, connects } = world.bridges.status("b")!.counters;
  assertEquals([dropped["too-large"], connects], [1, 1], world.logs.join("\n"));
  await world.close();
});

for (
  const [text, localCleanSession, qos] of [
    ["QoS 0", false, 0],
    ["QoS 1", false, 1],
    ["a session that ends with the connection", true, 1],
  ] as const
) {
  Deno.test(`only retained messages that changed are sent at a reconnect, deletions included: ${text}`, async () => {
    const world = await BridgeWorld.make({ topics: [{ ...OUT, qos }], localCleanSession }, {
      isFarAway: true,
    });
    const near = world.broker("near");
    const set = (topic: string, payload: string) =>
      void near.publish(topic, payload, { qos: qos, retain: true });
    for (const name of ["same", "changed", "deleted"]) set(`out/${name}`, "1");
    await world.clock.settle();
    const seen = world.watch("far");
    world.unreachable.clear();
    await world.quiet();
    // With QoS 1 they have waited as well.
    assertEquals([...new Set(textsOf(seen))].sort(), [
      `out/changed 1 ${qos} retained`,
      `out/deleted 1 ${qos} retained`,
      `out/same 1 ${qos} retained`,
    ]);
    world.unreachable.add("far");
    await world.kill("line");
    await world.clock.settle();
    set("out/changed", "2");
    set("out/deleted", "");
    set("out/new", "2");
    await world.clock.advance(10_000);
    world.unreachable.clear();
    await world.quiet();
    const sent = localCleanSession ? 0 : qos;
    assertEquals(textsOf(seen).sort(), [
      `out/changed 2 ${sent} retained`,
      // Whether a deletion waits is not known any more: it is sent twice rather than never.
      ...(sent === 0 ? [] : ["out/deleted  0 retained"]),
      `out/deleted  ${sent} retained`,
      `out/new 2 ${sent} retained`,
    ]);
    await world.kill("line");
    await world.quiet();
    assertEquals(textsOf(seen), []);
    assertEquals(world.broker("far").inspection.retainedCopy("out/deleted"), null);
    await world.close();
  });
}

for (const last of ["2", ""]) {
  Deno.test(`an older message that has waited does not undo a retained message: ${last || "deletion"}`, async () => {
    const world = await BridgeWorld.make({ topics: [OUT] });
    await world.connected();
    const near = world.broker("near");
    world.unreachable.add("far");
    await world.kill("line");
    await world.clock.settle();
    void near.publish("out/a", "0", { qos: 1, retain: true });
    void near.publish("out/a", "1", { qos: 1, retain: true });
    void near.publish("out/a", last, { qos: 0, retain: true });
    await world.clock.advance(5000);
    world.unreachable.clear();
    await world.quiet();
    const copy = world.broker("far").inspection.retainedCopy("out/a");
    assertEquals(new TextDecoder().decode(copy?.payload), last);
    // What follows passes once.
    const seen = world.watch("far");
    for (const payload of ["3", "4"]) {
      void near.publish("out/a", payload, { qos: 1, retain: true });
      await world.quiet();
    }
    assertEquals(textsOf(seen), ["out/a 3 1 retained", "out/a 4 1 retained"]);
    await world.close();
  });
}

for (const protocolVersion of [4, 5] as const) {
  Deno.test(`retained messages of the other broker come once, by MQTT ${protocolVersion}`, async () => {
    const world = await BridgeWorld.make({
      protocolVersion,
      topics: [{ pattern: "in/#", direction: "in", qos: 1 }],
    }, { isFarAway: true });
    void world.broker("far").publish("in/a", "1", { retain: true, qos: 1 });
    const seen = world.watch("near");
    world.unreachable.clear();
    await world.quiet();
    assertEquals(textsOf(seen), ["in/a 1 1 retained"]);
    await world.kill("line");
    await world.quiet();
    assertEquals(textsOf(seen), []);
    await world.close();
  });
}

Deno.test("a backlog leaves at the rate that is set", async () => {
  const world = await BridgeWorld.make({ topics: [OUT], messagesPerSecondMax: 10 }, {
    isFarAway: true,
  });
  for (let i = 0; i < 50; i++) world.publish("near", "out/a", `${i} waits`, 1);
  await world.clock.advance(1000);
  const seen = world.watch("far");
  world.unreachable.clear();
  await world.connected();
  await world.clock.advance(2000);
  const early = seen.length;
  assert(early >= 15 && early <= 25, `${early} in two seconds`);
  await world.quiet();
  assertEquals(seen.length, 50);
  await world.close();
});

Deno.test("what the other broker says in 5.0 is obeyed: QoS, RETAIN, and the size of packets", async () => {
  const world = await BridgeWorld.make({
    protocolVersion: 5,
    topics: [{ pattern: "out/#", direction: "out", qos: 2 }],
  }, {
    far: {
      retainAvailable: false,
      rules: { maximumQoS: 1, packetBytesMax: 200, receiveMaximum: 2 },
    },
  });
  const seen = world.watch("far");
  await world.connected();
  const near = world.broker("near");
  void near.publish("out/a", "fits", { qos: 2, retain: true });
  void near.publish("out/a", "x".repeat(300), { qos: 2 });
  for (let i = 0; i < 10; i++) void near.publish("out/a", `${i}`, { qos: 2 });
  await world.quiet();
  assertEquals(textsOf(seen), [
    "out/a fits 1",
    ...Array.from({ length: 10 }, (_, i) => `out/a ${i} 1`),
  ]);
  assertEquals(world.bridges.status("b")!.counters.dropped["too-large"], 1);
  assertEquals(world.bridges.status("b")!.counters.failures, 1, world.logs.join("\n"));
  await world.close();
});

Deno.test("a will that the other broker does not take is weakened, one refusal after the other", async () => {
  const world = await BridgeWorld.make({ protocolVersion: 5, topics: [OUT] }, {
    far: { retainAvailable: false, rules: { maximumQoS: 0 } },
  });
  await world.connected();
  const seen = world.watch("far");
  world.publish("near", "out/a", "passes", 1);
  await world.quiet();
  assertEquals(textsOf(seen), ["out/a passes 0"]);
  const { counters, lastError } = world.bridges.status("b")!;
  assertEquals([counters.failures, counters.connects], [2, 1], world.logs.join("\n"));
  assert(/refused the connection.*\((154|155)\)/.test(lastError!), lastError!);
  await world.close();
});

Deno.test("topic aliases of the other broker are used, no more than it takes [MQTT-3.3.2-9]", async () => {
  const steps: number[] = [];
  for (const topicAliasMax of [0, 2]) {
    const world = await BridgeWorld.make({ protocolVersion: 5, topics: [OUT] }, {
      far: { rules: { topicAliasMax } },
    });
    await world.connected();
    const [seen, before] = [world.watch("far"), world.steps];
    const topics = ["a", "b", "c"].map((name) => `out/${name.repeat(100)}`);
    for (let i = 0; i < 30; i++) world.publish("near", topics[Math.floor(i / 10)]!, `${i}`, 1);
    await world.quiet();
    steps.push(world.steps - before);
    assertEquals(
      textsOf(seen),
      Array.from({ length: 30 }, (_, i) => `${topics[Math.floor(i / 10)]} ${i} 1`),
    );
    await world.close();
  }
  assert(steps[1]! < steps[0]!, `${steps} steps`);
});

Deno.test("properties of 5.0 pass both ways, and the expiry is lowered by the time of the wait", async () => {
  const world = await BridgeWorld.make({
    protocolVersion: 5,
    topics: [{ pattern: "both/#", direction: "both", qos: 1 }],
  }, { isFarAway: true });
  const properties = {
    payloadFormatIndicator: 1,
    contentType: "text/plain",
    responseTopic: "answers",
    correlationData: new Uint8Array([1, 2]),
    messageExpiryInterval: 100,
    userProperties: [["k", "v"]] as [string, string][],
  } as const;
  await world.clock.settle();
  void world.broker("near").publish("both/a", "x", { qos: 1, properties: { ...properties } });
  await world.clock.advance(30_000);
  world.unreachable.clear();
  await world.quiet();
  const far = await propertiesAt(world, "far");
  const { messageExpiryInterval, subscriptionIdentifiers: __, ...rest } = far;
  assert(messageExpiryInterval! > 50 && messageExpiryInterval! <= 70, `${messageExpiryInterval}`);
  const { messageExpiryInterval: _, userProperties, ...given } = properties;
  assertEquals(rest, { ...given, userProperties: [...userProperties, ["fairway-bridge", "1 b"]] });
  await propertiesAt(world, "near");
  void world.broker("far").publish("both/b", "y", { qos: 1, properties: { ...properties } });
  await world.quiet();
  const near = await propertiesAt(world, "near");
  assertEquals(near.userProperties, [["k", "v"], ["fairway-bridge", "1 b"]]);
  assertEquals(near.correlationData, properties.correlationData);
  await world.close();
});

/** The properties of the message that the lasting reader of a side gets last. */
async function propertiesAt(world: BridgeWorld, side: "near" | "far"): Promise<Properties> {
  let last: Properties = {};
  await world.reader(side, async (messages) => {
    void (async () => {
      for await (const { topic, properties } of messages) {
        if (!topic.startsWith("$")) last = structuredClone(properties);
      }
    })();
    await world.clock.advance(2000);
  });
  return last;
}

Deno.test("two bridges of 5.0 between the same brokers do not make a loop: a message goes round once, and a warning names the line", async () => {
  const world = await BridgeWorld.make({
    protocolVersion: 5,
    topics: [{ pattern: "both/#", direction: "both", qos: 1, place: "near.conf:3: topic both/#" }],
  });
  await world.connected();
  const logs: string[] = [];
  const back = new Bridges(world.broker("far"), {
    random: () => 0.5,
    log: (_, text) => logs.push(text),
    dial: () => {
      const [one, other] = memoryPipe();
      world.broker("near").accept(other, { address: "back" });
      return Promise.resolve(one);
    },
  });
  back.add({
    name: "back",
    addresses: ["near"],
    remoteClientId: "back",
    protocolVersion: 5,
    topics: [{ pattern: "both/#", direction: "both", qos: 1 }],
  });
  await world.clock.advance(5000);
  const [near, far] = [world.watch("near"), world.watch("far")];
  for (const payload of ["1st", "2nd"]) world.publish("near", "both/a", payload, 1);
  await world.quiet();
  const count = (seen: Seen[], text: string) =>
    seen.filter(({ payload }) => payload === text).length;
  // It goes there by both, and comes back by the other one each time; there it ends.
  assertEquals([count(far, "1st"), count(far, "2nd")], [2, 2]);
  assertEquals([count(near, "1st"), count(near, "2nd")], [3, 3]);
  const drops = [world.bridges.status("b")!, back.status("back")!]
    .map(({ counters }) => counters.dropped.loop);
  assert(drops[0]! + drops[1]! > 0, `${drops}`);
  const warnings = [...world.logs, ...logs].filter((text) => text.includes("loop"));
  assert(warnings.length >= 1 && warnings.length <= 2, warnings.join("\n"));
  const closing = back.close();
  await world.clock.advance(5000);
  await closing;
  await world.close();
});

Deno.test("a broker that has lost its session uses no identifier for a QoS 2 message that the other one still remembers", async () => {
  let step = 1;
  for (let isInTime = true; isInTime; step++) {
    const world = await BridgeWorld.make({
      topics: [{ pattern: "out/#", direction: "out", qos: 2 }],
    }, { isNearForgetful: true });
    const seen = world.watch("far");
    await world.connected();
    world.killAt(world.steps + step, "near");
    for (let i = 0; i < 3; i++) world.publish("near", "out/a", `before ${i}`, 2);
    await world.clock.settle();
    await world.connected();
    await world.clock.advance(1000);
    isInTime = world.hasKilled;
    world.killAt(Infinity, "near");
    for (let i = 0; i < 3; i++) world.publish("near", "out/a", `after ${i}`, 2);
    await world.quiet();
    const after = textsOf(seen).filter((text) => text.includes("after"));
    assertEquals(after, [0, 1, 2].map((i) => `out/a after ${i} 2`), `step ${step}`);
    await world.close();
  }
  assert(step > 10, `${step} steps`);
});

Deno.test("a bridge is added, changed and removed while others go on", async () => {
  const world = await BridgeWorld.make({ topics: [OUT] });
  await world.connected();
  const dials = world.dials.length;
  const options = { name: "c", addresses: ["far"], remoteClientId: "c", topics: [OUT] };
  world.bridges.add(options);
  await world.clock.advance(1000);
  assertEquals(world.bridges.status("c")!.state, "connected");
  world.bridges.add({ ...options, topics: [{ ...OUT, qos: 2 }], reloadType: "immediate" });
  await world.clock.advance(1000);
  assertEquals(world.bridges.status("c")!.counters.connects, 2);
  assertEquals(world.bridges.names, ["b", "c"]);
  const removing = world.bridges.remove("c");
  await world.clock.advance(3000);
  assertEquals(await removing, true);
  assertEquals(world.bridges.status("c"), null);
  assertEquals(world.broker("near").inspection.session("local.c"), null);
  assertEquals(world.bridges.status("b")!.counters.connects, 1);
  assertEquals(world.dials.length, dials + 2);
  await world.close();
});

Deno.test("a changed bridge keeps what waits, and takes its other topics at the next connection", async () => {
  const world = await BridgeWorld.make({ topics: [OUT] });
  await world.connected();
  const options = {
    name: "b",
    addresses: ["far"],
    remoteClientId: "b",
    restart: { baseSeconds: 1, capSeconds: 2 },
  };
  world.bridges.add({ ...options, topics: [{ ...OUT, pattern: "other/#" }] });
  await world.clock.advance(1000);
  const seen = world.watch("far");
  world.publish("near", "out/a", "old", 1);
  await world.quiet();
  assertEquals(textsOf(seen), ["out/a old 1"]);
  await world.kill("line");
  await world.quiet();
  world.publish("near", "out/a", "gone", 1);
  world.publish("near", "other/a", "new", 1);
  await world.quiet();
  assertEquals(textsOf(seen), ["other/a new 1"]);
  await world.close();
});

Deno.test("a bridge that is changed while it connects takes its other topics", async () => {
  const broker = new Broker();
  const other = new Broker();
  const options = { name: "b", addresses: ["other"], remoteClientId: "b" };
  await using bridges = new Bridges(broker, {
    dial: () => {
      const [near, far] = memoryPipe();
      other.accept(far, { address: "near" });
      const reloadType = "immediate";
      bridges.add({ ...options, reloadType, topics: [{ pattern: "new", qos: 1 }] });
      return Promise.resolve(near);
    },
  });
  const messages = other.subscribe("new");
  bridges.add({ ...options, topics: [{ pattern: "old", qos: 1 }] });
  await broker.publish("new", "x", { qos: 1, retain: true });
  assertEquals(new TextDecoder().decode((await messages.next()).value!.payload), "x");
  await bridges.close();
  await broker.close();
  await other.close();
});

Deno.test("what is left of a bridge that was removed while the broker was stopped ends, and no other session", async () => {
  const options = { remoteClientId: "c", name: "c", addresses: ["away"], topics: [OUT] };
  const world = await BridgeWorld.make({ topics: [OUT] }, { isFarAway: true });
  world.bridges.add(options);
  world.unreachable.add("away");
  await world.clock.advance(1000);
  world.publish("near", "out/a", "waits", 1);
  await world.clock.advance(1000);
  // It begins again with the bridge "b" alone.
  const restarting = world.kill("near");
  await world.clock.advance(1000);
  await restarting;
  const { inspection } = world.broker("near");
  assertEquals(inspection.session("local.c")?.waiting.messages, 1);
  assertEquals(await world.bridges.endRemoved(), ["local.c"]);
  assertEquals(inspection.session("local.c"), null);
  assertEquals(inspection.session("local.b")?.waiting.messages, 1);
  assert(inspection.session("reader") !== null);
  await world.close();
});

Deno.test("two bridges with one local client identifier are refused, and so is a topic that is none", async () => {
  const world = await BridgeWorld.make({ topics: [OUT] });
  const options = { name: "c", addresses: ["far"], remoteClientId: "b", topics: [OUT] };
  for (
    const bad of [
      options,
      { ...options, remoteClientId: "c", addresses: [] },
      { ...options, remoteClientId: "c", addresses: ["http://far"] },
      { ...options, remoteClientId: "c", topics: [{ pattern: "a/#/b" }] },
      { ...options, remoteClientId: "c", receiveMaximum: 0 },
    ]
  ) {
    let error: unknown = null;
    try {
      world.bridges.add(bad);
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof RangeError || error instanceof TypeError, JSON.stringify(bad));
  }
  assertEquals(world.bridges.names, ["b"]);
  await world.close();
});

Deno.test("the state is told on both brokers, and taken away with the bridge", async () => {
  const world = await BridgeWorld.make({ topics: [OUT] });
  const stateAt = (side: "near" | "far") => {
    const copy = world.broker(side).inspection.retainedCopy("$SYS/broker/connection/b/state");
    return copy === null ? null : new TextDecoder().decode(copy.payload);
  };
  await world.connected();
  assertEquals([stateAt("near"), stateAt("far")], ["1", "1"]);
  world.unreachable.add("far");
  await world.kill("line");
  await world.clock.advance(1000);
  assertEquals([stateAt("near"), stateAt("far")], ["0", "0"]);
  const json = world.broker("near").inspection.retainedCopy("$SYS/broker/bridges/b")!;
  const { state, lastError } = JSON.parse(new TextDecoder().decode(json.payload));
  assertEquals([state, typeof lastError], ["waiting", "string"]);
  const removing = world.bridges.remove("b");
  await world.clock.advance(3000);
  await removing;
  assertEquals(stateAt("near"), null);
  await world.close();
});

Deno.test("a program that has no store passes messages as well", async () => {
  const broker = new Broker();
  const other = new Broker();
  await using bridges = new Bridges(broker, {
    dial: () => {
      const [near, far] = memoryPipe();
      other.accept(far, { address: "near" });
      return Promise.resolve(near);
    },
  });
  const messages = other.subscribe("a");
  bridges.add({
    name: "b",
    addresses: ["other"],
    remoteClientId: "b",
    topics: [{ pattern: "a", qos: 1 }],
  });
  await broker.publish("a", "x", { qos: 1, retain: true });
  assertEquals(new TextDecoder().decode((await messages.next()).value!.payload), "x");
  await bridges.close();
  await broker.close();
  await other.close();
});
