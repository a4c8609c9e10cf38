/**
 * What `Broker.changeLimits()` changes, seen from outside.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { type BrokerLimits, DEFAULT_LIMITS } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { observe, V5 } from "./_change_case.ts";
import { CHANGE_CASES } from "./_change_cases.ts";
import { Stage } from "./_stage.ts";

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof BrokerLimits)[];

for (const name of NAMES) {
  Deno.test(`changeLimits: ${name} holds as if it had always been so`, async () => {
    const change = CHANGE_CASES[name];
    assert(change !== undefined, `${name} has no case in _change_cases.ts`);
    const limits = { [name]: change.to };
    const unchanged = await observe(change, {}, {});
    const always = await observe(change, limits, {});
    assertNotEquals(always, unchanged, "the case does not see the limit");
    assertEquals(await observe(change, {}, limits), always);
    if (change.isOneWay) return;
    // And back again, before anything has come of it.
    const before = { [name]: change.base?.[name] ?? DEFAULT_LIMITS[name] };
    assertEquals(await observe(change, limits, before), unchanged);
  });
}

Deno.test("changeLimits leaves limits that are not given as they are", async () => {
  await using broker = brokers.make({ limits: { sessionsMax: 7, packetBytesMax: 1000 } });
  broker.changeLimits({ packetBytesMax: 2000 });
  broker.changeLimits({});
  assertEquals([broker.limits.sessionsMax, broker.limits.packetBytesMax], [7, 2000]);
});

Deno.test("changeLimits takes all or nothing, and names what is wrong", async () => {
  await using broker = brokers.make();
  for (
    const [name, value] of [
      ["inflightMax", 0],
      ["sessionsMax", -1],
      ["sessionsMax", NaN],
      ["sessionsMax", 1.5],
      ["sessionsMax", "7"],
      ["sessionMax", 7],
    ] as const
  ) {
    const limits = { packetBytesMax: 100, [name]: value } as Partial<BrokerLimits>;
    assertThrows(() => broker.changeLimits(limits), RangeError, name);
    assertEquals(broker.limits, DEFAULT_LIMITS);
  }
});

Deno.test("broker.limits cannot be changed from outside", async () => {
  const given = { packetBytesMax: 1000 };
  await using broker = brokers.make({ limits: given });
  const before = broker.limits;
  given.packetBytesMax = 2000;
  assertThrows(() => (broker.limits as BrokerLimits).packetBytesMax = 3000, TypeError);
  broker.changeLimits({ packetBytesMax: 4000 });
  assertEquals([before.packetBytesMax, broker.limits.packetBytesMax], [1000, 4000]);
});

Deno.test("what CONNACK has told a client holds for it until it connects again", async () => {
  await using stage = new Stage({});
  const client = await stage.join({ clientId: "client" });
  stage.broker.changeLimits({ packetBytesMax: 100, topicAliasMax: 0, receiveMaximum: 1 });
  const large = packets.publish("a", "x".repeat(500), { ...V5, properties: "23 0001" });
  const unfinished = [1, 2].map((packetId) =>
    packets.publish("b", "", { ...V5, qos: 2, packetId })
  );
  await client.send(large, ...unfinished);
  assert(!client.isEnded);
  const again = await stage.join({ clientId: "client" });
  assertMatch(await again.send(large), /^e0..95/);
});

Deno.test("a client that takes nothing is closed however often other limits are changed", async () => {
  await using stage = new Stage({ drainMs: 8000 });
  const client = await stage.join({ clientId: "client" });
  await client.send(packets.subscribe({ "a": 0 }, V5));
  const other = await stage.join({ clientId: "other" });
  client.pipe.stall(true);
  await other.send(packets.publish("a", "x", V5));
  for (let seconds = 1; seconds <= 10; seconds++) {
    stage.broker.changeLimits({ sessionsMax: 1000 + seconds });
    await stage.clock.advance(1000);
  }
  assert(client.isEnded);
  stage.expectLimited("drain", 1);
});

Deno.test("rules of a listener go before limits that are changed", async () => {
  await using stage = new Stage({});
  const policy = stage.broker.listenerPolicy({ receiveMaximum: 3 });
  stage.broker.changeLimits({ receiveMaximum: 5, topicAliasMax: 5 });
  assertEquals([policy.effective.receiveMaximum, policy.effective.topicAliasMax], [3, 5]);
  policy.update({});
  assertEquals(policy.effective.receiveMaximum, 5);
});

Deno.test("disconnectClients tells those who came by a policy, and lets nobody else in by it", async () => {
  await using broker = brokers.make();
  const [gone, stays] = [broker.listenerPolicy({}), broker.listenerPolicy({})];
  const dial = async (policy: typeof gone) => {
    const { port } = await broker.listen({ port: 0, policy });
    const client = await RawClient.dial(port);
    await client.send(packets.connect(V5));
    await client.readFrame();
    return client;
  };
  await using told = await dial(gone);
  await using other = await dial(stays);
  broker.disconnectClients(gone);
  const farewell = await told.readFrame();
  assertEquals([farewell[0], farewell[2]], [0xe0, 0x98]);
  await told.expectClose();
  await other.expectSilence();
  const { port } = await broker.listen({ port: 0, policy: gone });
  await using late = await RawClient.dial(port);
  await late.send(packets.connect(V5));
  assertEquals((await late.readFrame())[3], 0x97);
});
