/**
 * What a program learns of the groups of a stream, and does to them.
 *
 * @module
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MemoryStore } from "../../store/mod.ts";
import { Streams } from "../../stream/mod.ts";
import { Scene, START, texts } from "./_scene.ts";

const GROUP = "$share/g/$replay/day/earliest/t/#";

/** A member that holds back its acknowledgements. */
async function member(scene: Scene, id: string, expiry = 0) {
  const client = await scene.join(id, 5, { receiveMaximum: 3, expiry });
  client.acknowledges = false;
  await client.subscribe(GROUP, { qos: 1 });
  return client;
}

Deno.test("groups() and pending() tell how far each group is, and what its members have", async () => {
  await using scene = await Scene.open();
  const day = scene.broker.stream("day")!;
  assertEquals(day.groups(), []);
  await scene.fill(10);
  const ann = await member(scene, "ann");
  const [first, second] = await ann.take("publish");
  await ann.acknowledge([second!]);
  await scene.clock.advance(5000);
  const bob = await member(scene, "bob");
  assertEquals(day.groups(), [{
    name: "g",
    filter: "t/#",
    isExclusive: false,
    floor: 1,
    next: 8,
    pending: 6,
    members: ["ann", "bob"],
  }]);
  assertEquals(day.pending("g"), [
    { member: "ann", messages: 3, oldest: 1, oldestMs: START, deliveries: 1 },
    { member: "bob", messages: 3, oldest: 5, oldestMs: START + 5000, deliveries: 1 },
  ]);
  await ann.acknowledge([first!]);
  await ann.leave();
  await bob.leave();
  assertEquals(day.groups()[0]!.members, []);
  assertEquals(day.pending("g"), [
    { member: null, messages: 6, oldest: 3, oldestMs: START, deliveries: 1 },
  ]);
});

Deno.test("seek() has a group go on from another position; what was in flight does not count", async () => {
  await using scene = await Scene.open();
  const day = scene.broker.stream("day")!;
  await scene.fill(10);
  const ann = await member(scene, "ann");
  const sent = await ann.take("publish");
  ann.acknowledges = true;
  await day.seek("g", "after=7");
  assertEquals(await ann.payloads(), []);
  await ann.acknowledge(sent);
  assertEquals(await ann.payloads(), texts(8, 10));
  await day.seek("g", "last=1");
  assertEquals(await ann.payloads(), ["10"]);
  await scene.fill(1, 11, "t/2");
  assertEquals(await ann.payloads(), ["11"]);
  await day.seek("g", "last-per-topic");
  assertEquals(await ann.payloads(), ["10", "11"]);
  await day.seek("g", "latest");
  assertEquals(await ann.payloads(), []);
  assertEquals(day.groups()[0]!.floor, 12);
});

Deno.test("remove() forgets the progress, and ends the subscriptions of the members", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    const day = scene.broker.stream("day")!;
    await scene.fill(3);
    const ann = await member(scene, "ann", 3600);
    const away = await member(scene, "bob", 3600);
    await away.leave();
    assertEquals(await day.remove("g"), true);
    assertEquals(await day.remove("g"), false);
    assertEquals(day.groups(), []);
    await ann.take("publish");
    await scene.fill(1, 4);
    assertEquals(await ann.payloads(), []);
    assertEquals((await ann.unsubscribe(GROUP)).reasonCodes, [0x11]);
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  assertEquals(scene.broker.stream("day")!.groups(), []);
  const bob = await scene.join("bob", 5, { clean: false, expiry: 3600 });
  await scene.fill(1, 5);
  assertEquals(await bob.payloads(), []);
});

Deno.test("what a program asks of a group that is not there says which there are", async () => {
  await using scene = await Scene.open();
  const day = scene.broker.stream("day")!;
  assertThrows(() => day.pending("x"), RangeError, 'There is no group "x"; there is none');
  await member(scene, "ann");
  assertThrows(() => day.pending("x"), RangeError, 'There is no group "x"; there are: g');
  await assertRejects(() => day.seek("x", "latest"), RangeError, "there are: g");
  await assertRejects(() => day.seek("g", "first"), RangeError, '"first" is no position');
  await assertRejects(() => day.seek("g", "from=9"), RangeError, "has no message 9 yet");
});

Deno.test("progress is there without the broker that has stored it, too", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    await scene.fill(4);
    const ann = await member(scene, "ann");
    await ann.acknowledge((await ann.take("publish")).slice(0, 2));
  }
  await using streams = await Streams.open(MemoryStore.from(store.snapshot()));
  const day = await streams.declare("day", { maxMessages: 100 });
  assertEquals(day.groups().map(({ name, floor, next }) => [name, floor, next]), [["g", 3, 5]]);
  await day.seek("g", "earliest");
  assertEquals(day.groups()[0]!.floor, 1);
  assertEquals(await day.remove("g"), true);
});

Deno.test("a group that begins or goes on at a position says so in SUBACK", async () => {
  await using scene = await Scene.open({}, [{ name: "day", filters: ["t/#"], maxMessages: 5 }]);
  await scene.fill(3);
  const ann = await member(scene, "ann");
  await ann.leave();
  await scene.fill(7, 4);
  const bob = await scene.join("bob");
  const { properties } = await bob.subscribe(GROUP, { qos: 1 });
  assertEquals(properties.userProperties, [
    ["stream-first", "6"],
    ["stream-last", "10"],
    ["stream-start", "6"],
    ["stream-gap", "1..5"],
  ]);
  assertEquals(await bob.payloads(), texts(6, 10));
  assertEquals(scene.broker.stats.dropped["stream-gap"], 5);
});
