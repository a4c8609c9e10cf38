import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Authorizer } from "../../auth/mod.ts";
import type { UserProperty } from "../../codec/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { ManualStore } from "../harness/manual_store.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { DAY, type Received, Scene, type SceneClient, texts } from "./_scene.ts";

const DOOR = "$share/g/$replay/day/earliest/t/#";
const BY_PROPERTY: UserProperty[] = [["stream-offset", "earliest"]];

function textsOf(messages: readonly Received[]): string[] {
  return messages.map(({ payload }) => new TextDecoder().decode(payload));
}

function marksOf({ properties }: Received): Record<string, string> {
  return Object.fromEntries(properties.userProperties ?? []);
}

/** A client that holds back its acknowledgements. */
async function slow(scene: Scene, id: string, how: Parameters<Scene["join"]>[2] = {}) {
  return await scene.join(id, 5, { ...how, acknowledges: false });
}

async function snapshotOf(scene: Scene, store: MemoryStore): Promise<MemoryStore> {
  await scene.clock.settle();
  return MemoryStore.from(store.snapshot());
}

for (const version of [3, 4, 5] as const) {
  Deno.test(`$share/GROUP/$replay/… in version ${version}: each message goes to one member`, async () => {
    await using scene = await Scene.open();
    await scene.fill(5);
    const [ann, bob] = [await scene.join("ann", version), await scene.join("bob", version)];
    for (const client of [ann, bob]) {
      assertEquals((await client.subscribe(DOOR, { qos: 1 })).reasonCodes, [1]);
    }
    await scene.fill(5, 6);
    const [a, b] = [await ann.take("publish"), await bob.take("publish")];
    const all = [...textsOf(a), ...textsOf(b)].toSorted((x, y) => Number(x) - Number(y));
    assertEquals(all, texts(1, 10));
    // The first one was alone with the first five.
    assertEquals([a.length, b.length].toSorted(), [2, 8]);
    assertEquals(new Set(a.map(({ topic }) => topic)), new Set(["$replay/day/earliest/t/1"]));
  });
}

Deno.test("$share/GROUP/FILTER with stream-offset: original topics, marks, and what SUBACK says", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const client = await scene.join("ann");
  const { reasonCodes, properties } = await client.subscribe("$share/g/t/#", {
    qos: 1,
    user: BY_PROPERTY,
    identifier: 3,
  });
  assertEquals(reasonCodes, [1]);
  assertEquals(properties.userProperties, [
    ["stream-first", "1"],
    ["stream-last", "3"],
    ["stream-start", "1"],
  ]);
  const messages = await client.take("publish");
  assertEquals(messages.map(({ topic }) => topic), ["t/1", "t/1", "t/1"]);
  assertEquals(marksOf(messages[1]!)["stream-seq"], "2");
  assertEquals(messages[0]!.properties.subscriptionIdentifiers, [3]);
});

for (const kind of ["reconnect", "restart", "kill"] as const) {
  for (const expiry of [0, 3600]) {
    Deno.test(`a group of one goes on from what it has acknowledged: ${kind}, session of ${expiry} s`, async () => {
      const store = new MemoryStore();
      const scene = await Scene.open({ store });
      await scene.fill(10);
      const client = await slow(scene, "ann", { expiry, receiveMaximum: 4 });
      await client.subscribe(DOOR, { qos: 1 });
      const sent = await client.take("publish");
      assertEquals(textsOf(sent), texts(1, 4));
      // Out of order: 3 is not sent again.
      await client.acknowledge([sent[0]!, sent[2]!]);
      let next = scene;
      if (kind === "kill") {
        next = await Scene.open({ store: await snapshotOf(scene, store) });
      } else await client.leave();
      if (kind === "restart") {
        next = await Scene.open({ store: await snapshotOf(scene, store) });
      }
      const again = await next.join("ann", 5, { clean: expiry === 0, expiry });
      if (expiry === 0) await again.subscribe(DOOR, { qos: 1 });
      const got = textsOf(await again.take("publish"));
      assertEquals(got.toSorted((a, b) => Number(a) - Number(b)), ["2", ...texts(4, 10)]);
      await next.fill(1, 11);
      assertEquals(textsOf(await again.take("publish")), ["11"]);
      await scene[Symbol.asyncDispose]();
      if (next !== scene) await next[Symbol.asyncDispose]();
    });
  }
}

Deno.test("the position counts for a new group; later its progress does", async () => {
  await using scene = await Scene.open();
  await scene.fill(5);
  const ann = await scene.join("ann");
  await ann.subscribe("$share/g/$replay/day/last=2/t/#", { qos: 1 });
  assertEquals(await ann.payloads(), ["4", "5"]);
  await ann.leave();
  await scene.fill(2, 6);
  const bob = await scene.join("bob");
  const { properties } = await bob.subscribe("$share/g/$replay/day/earliest/t/#", { qos: 1 });
  assertEquals(properties.userProperties?.[2], ["stream-start", "6"]);
  assertEquals(await bob.payloads(), ["6", "7"]);
  const other = await scene.join("eve");
  await other.subscribe("$share/h/$replay/day/latest/t/#", { qos: 1 });
  assertEquals(await other.payloads(), []);
});

Deno.test("a new group begins with the last message of each topic, and goes on with what comes", async () => {
  await using scene = await Scene.open();
  for (let i = 1; i <= 6; i++) await scene.fill(1, i, `t/${i % 3}`);
  const client = await scene.join("ann");
  await client.subscribe("$share/g/$replay/day/last-per-topic/t/#", { qos: 1 });
  await scene.fill(1, 7);
  assertEquals(await client.payloads(), texts(4, 7));
});

Deno.test("what a member has not acknowledged goes to another when it goes [MQTT-4.8.2-4]", async () => {
  await using scene = await Scene.open();
  await scene.fill(4);
  const ann = await slow(scene, "ann");
  await ann.subscribe(DOOR, { qos: 1 });
  const sent = await ann.take("publish");
  assertEquals(textsOf(sent), texts(1, 4));
  await ann.acknowledge([sent[0]!]);
  const bob = await scene.join("bob");
  await bob.subscribe(DOOR, { qos: 1 });
  assertEquals(await bob.payloads(), []);
  await ann.leave();
  const got = await bob.take("publish");
  assertEquals(textsOf(got), texts(2, 4));
  assertEquals(got.map((one) => [one.dup, marksOf(one)["stream-delivery"]]), [
    [false, "2"],
    [false, "2"],
    [false, "2"],
  ]);
});

Deno.test("a session that lasts is sent again what nobody else was given, with DUP [MQTT-4.4.0-1]", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const ann = await slow(scene, "ann", { expiry: 3600 });
  await ann.subscribe(DOOR, { qos: 1 });
  const sent = await ann.take("publish");
  await ann.leave();
  const again = await scene.join("ann", 5, { clean: false, expiry: 3600 });
  const got = await again.take("publish");
  assertEquals(got.map(({ packetId, dup }) => [packetId, dup]), [
    ...sent.map(({ packetId }) => [packetId, true]),
  ]);
  await scene.fill(1, 4);
  assertEquals(await again.payloads(), ["4"]);
});

Deno.test("a session that comes back is not sent what another member was given", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const ann = await slow(scene, "ann", { expiry: 3600 });
  await ann.subscribe(DOOR, { qos: 1 });
  await ann.leave();
  const bob = await scene.join("bob");
  await bob.subscribe(DOOR, { qos: 1 });
  assertEquals(await bob.payloads(), texts(1, 3));
  const again = await scene.join("ann", 5, { clean: false, expiry: 3600 });
  assertEquals(await again.payloads(), []);
  await scene.fill(2, 4);
  assertEquals([...await again.payloads(), ...await bob.payloads()].toSorted(), ["4", "5"]);
});

Deno.test("UNSUBSCRIBE: what is in flight may still be acknowledged [MQTT-3.10.4-3]", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const ann = await slow(scene, "ann");
  await ann.subscribe(DOOR, { qos: 1 });
  const sent = await ann.take("publish");
  assertEquals((await ann.unsubscribe(DOOR)).reasonCodes, [0]);
  const bob = await scene.join("bob");
  await bob.subscribe(DOOR, { qos: 1 });
  await ann.acknowledge(sent.slice(0, 2));
  assertEquals(await bob.payloads(), []);
  await ann.leave();
  assertEquals(await bob.payloads(), ["3"]);
});

Deno.test("QoS 0 members: what is sent is acknowledged when it is written", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const ann = await scene.join("ann");
  assertEquals((await ann.subscribe(DOOR)).reasonCodes, [0]);
  assertEquals((await ann.take("publish")).map(({ qos }) => qos), [0, 0, 0]);
  await ann.leave();
  await scene.fill(1, 4);
  const bob = await scene.join("bob");
  await bob.subscribe(DOOR);
  assertEquals(await bob.payloads(), ["4"]);
});

Deno.test("Receive Maximum is kept: a member that is full leaves messages to others [MQTT-3.3.4-9]", async () => {
  await using scene = await Scene.open();
  const ann = await slow(scene, "ann", { receiveMaximum: 2 });
  const bob = await scene.join("bob");
  for (const client of [ann, bob]) await client.subscribe(DOOR, { qos: 1 });
  await scene.fill(20);
  assertEquals((await ann.take("publish")).length, 2);
  assertEquals((await bob.take("publish")).length, 18);
});

for (const how of ["property", "declaration"] as const) {
  Deno.test(`exclusive by ${how}: one member at a time, in order, and the next one when it goes`, async () => {
    const exclusiveGroups = how === "declaration" ? ["g"] : [];
    await using scene = await Scene.open({}, [{ ...DAY, exclusiveGroups }]);
    const user: UserProperty[] = how === "property" ? [["group-exclusive", "true"]] : [];
    await scene.fill(3);
    const ann = await slow(scene, "ann");
    const bob = await scene.join("bob");
    for (const client of [ann, bob]) {
      assertEquals((await client.subscribe(DOOR, { qos: 1, user })).reasonCodes, [1]);
    }
    await scene.fill(3, 4);
    assertEquals(await ann.payloads(), texts(1, 6));
    assertEquals(await bob.payloads(), []);
    await ann.leave();
    assertEquals(await bob.payloads(), texts(1, 6));
  });
}

Deno.test("exclusive: one that returns is sent nothing again that another one has taken over", async () => {
  await using scene = await Scene.open({}, [{ ...DAY, exclusiveGroups: ["g"] }]);
  const ann = await slow(scene, "ann", { expiry: 1000 });
  await ann.subscribe(DOOR, { qos: 1 });
  const bob = await slow(scene, "bob", { receiveMaximum: 1 });
  await bob.subscribe(DOOR, { qos: 1 });
  await scene.fill(3);
  assertEquals(await ann.payloads(), texts(1, 3));
  await ann.leave();
  assertEquals(await bob.payloads(), ["1"]);
  const again = await slow(scene, "ann", { expiry: 1000, clean: false });
  await scene.fill(1, 4);
  assertEquals(await again.payloads(), [], "bob is the active one");
  await bob.leave();
  // It was sent twice, so it is sent alone.
  const first = await again.take("publish");
  assertEquals(first.map(({ payload, dup }) => [new TextDecoder().decode(payload), dup]), [
    ["1", false],
  ]);
  await again.acknowledge(first);
  assertEquals(await again.payloads(), texts(2, 4));
});

Deno.test("exclusive: one that has unsubscribed keeps what it has until it has acknowledged it", async () => {
  await using scene = await Scene.open({}, [{ ...DAY, exclusiveGroups: ["g"] }]);
  await scene.fill(2);
  const ann = await slow(scene, "ann");
  const bob = await scene.join("bob");
  for (const client of [ann, bob]) await client.subscribe(DOOR, { qos: 1 });
  const sent = await ann.take("publish");
  await ann.unsubscribe(DOOR);
  await scene.fill(1, 3);
  assertEquals(await bob.payloads(), []);
  await ann.acknowledge(sent);
  assertEquals(await bob.payloads(), ["3"]);
});

Deno.test("what a group cannot be is refused, with what would be right", async () => {
  await using scene = await Scene.open();
  const client = await scene.join("ann");
  await client.subscribe("$share/g/$replay/day/earliest/t/#");
  const refused = async (filter: string, user: UserProperty[], code: number, text: string) => {
    const suback = await client.subscribe(filter, user.length === 0 ? {} : { user });
    assertEquals(suback.reasonCodes, [code], text);
    assertStringIncludes(suback.properties.reasonString ?? "", text);
    const old = await scene.join("old", 4);
    if (user.length === 0) assertEquals((await old.subscribe(filter)).reasonCodes, [0x80]);
  };
  await refused("$share/g/$replay/day/earliest/t/1", [], 0x8f, 'reads "t/#": use that filter');
  await refused("$share/g/t/1", BY_PROPERTY, 0x83, 'reads "t/#": use that filter');
  await refused("$share/h/$replay/no/earliest/#", [], 0x8f, 'There is no stream "no"');
  await refused("$share/h/$replay/day/first/#", [], 0x8f, '"first" is no position');
  await refused("$share/h/$replay/day/from=9/#", [], 0x8f, "has no message 9 yet");
  await refused("$share/h/$replay/day", [], 0x8f, "use $replay/STREAM/POSITION/FILTER");
  const exclusive: UserProperty[] = [...BY_PROPERTY, ["group-exclusive", "true"]];
  await refused("$share/g/t/#", exclusive, 0x83, "is not exclusive");
  const odd: UserProperty[] = [...BY_PROPERTY, ["group-exclusive", "yes"]];
  await refused("$share/h/t/#", odd, 0x83, "group-exclusive is true or false");
});

Deno.test("groupsMax: one more group is refused with 0x97 and the reason", async () => {
  await using scene = await Scene.open({ limits: { groupsMax: 1 } });
  const client = await scene.join("ann");
  assertEquals((await client.subscribe("$share/g/$replay/day/latest/#")).reasonCodes, [0]);
  const suback = await client.subscribe("$share/h/$replay/day/latest/#");
  assertEquals(suback.reasonCodes, [0x97]);
  assertStringIncludes(suback.properties.reasonString!, "has 1 groups already");
  assertEquals(scene.broker.stats.limited.groups, 1);
});

Deno.test("groupMembersMax: one more member is refused with 0x97; one that subscribes again is not", async () => {
  await using scene = await Scene.open({ limits: { groupMembersMax: 1 } });
  const [ann, bob] = [await scene.join("ann"), await scene.join("bob")];
  for (let i = 0; i < 2; i++) assertEquals((await ann.subscribe(DOOR)).reasonCodes, [0]);
  const suback = await bob.subscribe(DOOR);
  assertEquals(suback.reasonCodes, [0x97]);
  assertStringIncludes(suback.properties.reasonString!, "has 1 members already");
  assertEquals(scene.broker.stats.limited["group-members"], 1);
});

Deno.test("groupPendingMax: nothing new is given until more is acknowledged", async () => {
  await using scene = await Scene.open({ limits: { groupPendingMax: 3 } });
  await scene.fill(5);
  const client = await slow(scene, "ann");
  await client.subscribe(DOOR, { qos: 1 });
  const sent = await client.take("publish");
  assertEquals(sent.length, 3);
  assertEquals(scene.broker.stats.limited["group-pending"], 1);
  await client.acknowledge(sent.slice(0, 1));
  assertEquals(await client.payloads(), ["4"]);
});

Deno.test("groupMemberPendingMax: others are given the next messages", async () => {
  await using scene = await Scene.open({ limits: { groupMemberPendingMax: 2 } });
  const [ann, bob] = [await slow(scene, "ann"), await scene.join("bob")];
  for (const client of [ann, bob]) await client.subscribe(DOOR, { qos: 1 });
  await scene.fill(9);
  assertEquals((await ann.take("publish")).length, 2);
  assertEquals((await bob.take("publish")).length, 7);
});

Deno.test("groupAckSecondsMax: a member that does not acknowledge is disconnected, and others get it", async () => {
  await using scene = await Scene.open({ limits: { groupAckSecondsMax: 10 } });
  const [ann, bob] = [await slow(scene, "ann"), await scene.join("bob")];
  for (const client of [ann, bob]) await client.subscribe(DOOR, { qos: 1 });
  await scene.fill(2);
  assertEquals((await ann.take("publish")).length, 1);
  assertEquals((await bob.take("publish")).length, 1);
  await scene.clock.advance(9_000);
  assertEquals(await bob.payloads(), []);
  await scene.clock.advance(1_000);
  assertEquals((await ann.take("disconnect")).map(({ reasonCode }) => reasonCode), [0x83]);
  assertEquals(await bob.payloads(), ["1"]);
  assertEquals(scene.broker.stats.limited["group-ack"], 1);
});

Deno.test("groupAckSecondsMax: who acknowledges in time stays, and nothing is waited for then", async () => {
  await using scene = await Scene.open({ limits: { groupAckSecondsMax: 10 } });
  const ann = await slow(scene, "ann");
  await ann.subscribe(DOOR, { qos: 1 });
  for (let i = 0; i < 5; i++) {
    await scene.fill(1, i + 1);
    const sent = await ann.take("publish");
    await scene.clock.advance(9_000);
    await ann.acknowledge(sent);
  }
  await scene.clock.advance(60_000);
  assertEquals([scene.broker.stats.connections, scene.broker.stats.limited["group-ack"]], [1, 0]);
});

Deno.test("groupIdleSecondsMax: a group without members is removed, also after a restart", async () => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const limits = { groupIdleSecondsMax: 100 };
  const namesOf = (scene: Scene) => scene.broker.stream("day")!.groups().map(({ name }) => name);
  {
    await using scene = await Scene.open({ clock, store, limits });
    const [ann, bob] = [await scene.join("ann"), await scene.join("bob")];
    await ann.subscribe(DOOR, { qos: 1 });
    await bob.subscribe(DOOR.replace("/g/", "/h/"), { qos: 1 });
    await clock.advance(1_000_000);
    await ann.leave();
    await clock.advance(60_000);
    assertEquals(namesOf(scene), ["g", "h"]);
  }
  await using scene = await Scene.open({
    ...{ clock, limits },
    store: MemoryStore.from(store.snapshot()),
  });
  const bob = await scene.join("bob");
  await bob.subscribe(DOOR.replace("/g/", "/h/"), { qos: 1 });
  await clock.advance(20_000);
  assertEquals(namesOf(scene), ["g", "h"]);
  await clock.advance(20_001);
  assertEquals(namesOf(scene), ["h"]);
  await clock.advance(1_000_000);
  assertEquals([namesOf(scene), scene.broker.stats.limited["group-idle"]], [["h"], 1]);
});

Deno.test("rights: the topics are checked at delivery, and another member may have the right", async () => {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    mayPublish: () => true,
    maySubscribe: (_client, { filter, group }) => {
      asked.push(`${group} ${filter}`);
      return true;
    },
    mayReceive: ({ clientId }, topic) => topic !== "t/secret" || clientId === "boss",
  };
  await using scene = await Scene.open({ authorizer });
  const client = await scene.join("ann");
  await client.subscribe(DOOR, { qos: 1 });
  assertEquals(asked, ["g t/#", "g $replay/day/t/#"]);
  await scene.fill(1, 1, "t/secret");
  assertEquals(await client.payloads(), []);
  assertEquals(scene.broker.stats.dropped["read-denied"], 1);
  const boss = await scene.join("boss");
  await boss.subscribe(DOOR, { qos: 1 });
  for (let i = 2; i <= 4; i++) await scene.fill(1, i, "t/secret");
  assertEquals(await boss.payloads(), texts(2, 4));
  assertEquals(await client.payloads(), []);
});

Deno.test("a group passes what has expired, and is told of what was gone", async () => {
  await using scene = await Scene.open({}, [{ ...DAY, maxMessages: 5 }]);
  await scene.fill(8);
  scene.broker.publish("t/1", "9", { properties: { messageExpiryInterval: 10 } });
  await scene.clock.advance(20_000);
  const client = await scene.join("ann");
  await client.subscribe("$share/g/$replay/day/after=0/t/#", { qos: 1 });
  const messages = await client.take("publish");
  assertEquals(textsOf(messages), texts(5, 8));
  assertEquals(marksOf(messages[0]!)["stream-gap"], "1..4");
  assertEquals(scene.broker.stats.dropped["stream-gap"], 4);
  assertEquals(scene.broker.stats.dropped.expired, 1);
});

Deno.test("two subscriptions of one client are two members; UNSUBSCRIBE ends one of them", async () => {
  await using scene = await Scene.open();
  const client = await scene.join("ann");
  await client.subscribe(DOOR, { qos: 1 });
  await client.subscribe("$share/g/t/#", { qos: 1, user: BY_PROPERTY });
  await scene.fill(4);
  const topics = (await client.take("publish")).map(({ topic }) => topic).toSorted();
  assertEquals(topics, [
    ...["$replay/day/earliest/t/1", "$replay/day/earliest/t/1"],
    ...["t/1", "t/1"],
  ]);
  assertEquals((await client.unsubscribe("$share/g/t/#")).reasonCodes, [0]);
  await scene.fill(2, 5);
  assertEquals(new Set((await client.take("publish")).map(({ topic }) => topic)).size, 1);
});

Deno.test("an ordinary shared subscription with the same filter takes the place of a member", async () => {
  await using scene = await Scene.open();
  const client = await scene.join("ann");
  await client.subscribe("$share/g/t/#", { qos: 1, user: BY_PROPERTY });
  await client.subscribe("$share/g/t/#", { qos: 1 });
  await scene.fill(1);
  const [live, ...more] = await client.take("publish");
  assertEquals([marksOf(live!), more.length], [{}, 0]);
});

Deno.test("a stream that was removed and declared anew is read from its first message", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const client = await slow(scene, "ann");
  await client.subscribe(DOOR, { qos: 1 });
  const old = await client.take("publish");
  await scene.broker.removeStream("day");
  await scene.clock.settle();
  await scene.broker.declareStream(DAY);
  await scene.fill(2, 4);
  await client.acknowledge(old);
  assertEquals(await client.payloads(), ["4", "5"]);
});

Deno.test("acknowledgements of one commit are one row, and a commit without new messages writes no chunk", async () => {
  const store = new MemoryStore();
  const commits: string[][] = [];
  const commit = store.commit.bind(store);
  store.commit = (batch) => {
    commits.push([...batch].map(({ table }) => table));
    return commit(batch);
  };
  await using scene = await Scene.open({ store });
  await scene.fill(50);
  const client: SceneClient = await slow(scene, "ann");
  await client.subscribe(DOOR, { qos: 1 });
  const sent = await client.take("publish");
  commits.length = 0;
  await client.acknowledge(sent);
  assert(commits.length < sent.length, `${commits.length} commits for ${sent.length}`);
  assertEquals(new Set(commits.map((tables) => tables.join())), new Set(["stream_groups"]));
});

Deno.test("clients of different mount points have groups of their own, and see their own topics", async () => {
  await using scene = await Scene.open({}, [{ ...DAY, filters: ["#"] }]);
  const tenant = async (mountPoint: string) => {
    const client = await scene.join(mountPoint.slice(0, 1), 5, { rules: { mountPoint } });
    assertEquals((await client.subscribe(DOOR, { qos: 1 })).reasonCodes, [1]);
    return client;
  };
  const [a, b] = [await tenant("a/"), await tenant("b/")];
  for (const topic of ["a/t/1", "b/t/1", "b/t/2", "t/1"]) await scene.fill(1, 1, topic);
  const topicsOf = async (client: SceneClient) =>
    (await client.take("publish")).map((p) => p.topic);
  assertEquals(await topicsOf(a), ["$replay/day/earliest/t/1"]);
  assertEquals(await topicsOf(b), ["$replay/day/earliest/t/1", "$replay/day/earliest/t/2"]);
  const names = scene.broker.stream("day")!.groups().map(({ name }) => name);
  assertEquals(names, ["a/g", "b/g"]);
});

Deno.test("reauthorize() ends what a member may not read any more; others get its messages", async () => {
  let isAllowed = true;
  const asked: string[] = [];
  const authorizer: Authorizer = {
    mayPublish: () => true,
    maySubscribe: ({ clientId }, { filter, group }) => {
      asked.push(`${group} ${filter}`);
      return isAllowed || clientId !== "ann";
    },
  };
  await using scene = await Scene.open({ authorizer });
  const [ann, bob] = [await scene.join("ann"), await scene.join("bob")];
  for (const client of [ann, bob]) await client.subscribe(DOOR, { qos: 1 });
  isAllowed = false;
  asked.length = 0;
  assertEquals(await scene.broker.reauthorize(), 1);
  assertEquals(new Set(asked), new Set(["g t/#", "g $replay/day/t/#"]));
  await scene.fill(3);
  assertEquals(await ann.payloads(), []);
  assertEquals(await bob.payloads(), texts(1, 3));
});

Deno.test("a stream that takes nothing any more is still read together", async () => {
  await using scene = await Scene.open();
  await scene.fill(3);
  const ann = await slow(scene, "ann", { receiveMaximum: 1 });
  await ann.subscribe(DOOR, { qos: 1 });
  const sent = await ann.take("publish");
  await scene.broker.retireStream("day");
  ann.acknowledges = true;
  await ann.acknowledge(sent);
  assertEquals(await ann.payloads(), ["2", "3"]);
});

Deno.test("a stream without topics of its own is read by its name", async () => {
  await using scene = await Scene.open({}, [{ name: "own", filters: [], maxMessages: 10 }]);
  await scene.broker.stream("own")!.append("t/1", "1");
  const client = await scene.join("ann");
  const user: UserProperty[] = [...BY_PROPERTY, ["stream-name", "own"]];
  assertEquals((await client.subscribe("$share/g/t/#", { qos: 1, user })).reasonCodes, [1]);
  assertEquals(await client.payloads(), ["1"]);
  assertEquals((await client.subscribe("t/#", { user: BY_PROPERTY })).reasonCodes, [0x83]);
});

Deno.test("QoS 0 members lose nothing to lagBytesMax: they are given what there is room for", async () => {
  await using scene = await Scene.open({ limits: { lagBytesMax: 200 } });
  await scene.fill(3000);
  const [ann, bob] = [await scene.join("ann", 4), await scene.join("bob", 5)];
  for (const client of [ann, bob]) await client.subscribe(DOOR, { qos: 0 });
  const all = [...await ann.payloads(), ...await bob.payloads()].map(Number);
  assertEquals(all.toSorted((a, b) => a - b).map(String), texts(1, 3000));
  assertEquals(scene.broker.stats.dropped.lag, 0);
});

Deno.test("disk full: acknowledgements count at once, and are stored when there is room", async () => {
  const store = new ManualStore();
  await using scene = await Scene.open({ store });
  await scene.fill(4);
  const client = await slow(scene, "ann", { receiveMaximum: 2 });
  await client.subscribe(DOOR, { qos: 1 });
  store.mode = "fail";
  await client.acknowledge(await client.take("publish"));
  assertEquals(await client.payloads(), ["3", "4"]);
  await using killed = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  const early = await killed.join("bob");
  await early.subscribe(DOOR, { qos: 1 });
  assertEquals(await early.payloads(), texts(1, 4));
  store.mode = "succeed";
  await scene.clock.advance(2000);
  await using later = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  const next = await later.join("bob");
  await next.subscribe(DOOR, { qos: 1 });
  assertEquals(await next.payloads(), ["3", "4"]);
});

for (const where of ["a broker with no store", "a stream in memory"]) {
  Deno.test(`${where}: the progress of a group lasts as long as the broker`, async () => {
    const isBare = where === "a broker with no store";
    const options = isBare ? { store: null } : {};
    await using scene = await Scene.open(options, [{ ...DAY, store: "memory", maxDeliver: 2 }]);
    await scene.fill(4);
    const ann = await slow(scene, "ann", { expiry: 3600, receiveMaximum: 3 });
    await ann.subscribe(DOOR, { qos: 1 });
    const sent = await ann.take("publish");
    await ann.acknowledge(sent.slice(1, 2));
    await ann.leave();
    const again = await slow(scene, "ann", { clean: false, expiry: 3600 });
    assertEquals(textsOf(await again.take("publish")), ["1", "3", "4"]);
    await again.leave();
    const bob = await scene.join("bob");
    await bob.subscribe(DOOR, { qos: 1 });
    assertEquals(await bob.payloads(), []);
    assertEquals(scene.broker.stats.dropped.undeliverable, 3);
    await scene.fill(1, 5);
    assertEquals(await bob.payloads(), ["5"]);
  });
}

Deno.test("replayTurnPercent: a group goes on in later turns, and everything comes", async () => {
  await using scene = await Scene.open({ limits: { replayTurnPercent: 0 } });
  await scene.fill(200);
  const client = await scene.join("ann");
  await client.subscribe(DOOR, { qos: 1 });
  await scene.clock.advance(1000);
  assertEquals(await client.payloads(), texts(1, 200));
  assert(scene.broker.stats.limited["replay-turn"] > 0);
});
