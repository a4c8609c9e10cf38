import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { checkLimits } from "../base/check_limits.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { RetainedStore } from "./retained_store.ts";
import { Scheduler } from "../base/scheduler.ts";
import { message, type MessageOptions, textOf } from "../testdata/messages.ts";

/** A store on a clock that a test moves. */
class StoreWorld {
  readonly clock = new VirtualClock();
  readonly scheduler = new Scheduler(this.clock);
  readonly store: RetainedStore;

  constructor(limits: Partial<BrokerLimits> = {}, mayGrow: () => boolean = () => true) {
    const { clock, scheduler } = this;
    this.store = new RetainedStore(checkLimits(limits), clock, scheduler, () => {}, mayGrow);
  }

  set(topic: string, payload: string, options: MessageOptions = {}): boolean {
    const receivedMs = this.clock.now();
    return this.store.set(message(topic, payload, { retain: true, receivedMs, ...options }));
  }

  get(topic: string): string | null {
    const found = this.store.get(topic);
    return found === undefined ? null : textOf(found);
  }

  /** The payloads of what matches, with the sizes of the pages it came in. */
  match(filter: string, page: number): { texts: string[]; pages: number[] } {
    const walk = this.store.match(filter);
    const texts: string[] = [];
    const pages: number[] = [];
    for (let next = walk.next(page); next !== null; next = walk.next(page)) {
      texts.push(...next.map(textOf));
      pages.push(next.length);
    }
    return { texts: texts.sort(), pages };
  }
}

/** What a topic of one level costs, alone in a store. */
function costOf(topic: string, payload: string): number {
  const world = new StoreWorld();
  world.set(topic, payload);
  assert(world.store.bytes > message(topic, payload).weight, "the tree counts, too");
  return world.store.bytes;
}

Deno.test("RetainedStore counts the levels of a topic, until it goes", () => {
  const world = new StoreWorld();
  world.set("a", "1");
  const { bytes } = world.store;
  world.set(`a${"/b".repeat(199)}`, "1");
  assert(world.store.bytes > bytes + 199 * 64, "each level is an object of its own");
  world.set(`a${"/b".repeat(199)}`, "");
  assertEquals(world.store.bytes, bytes);
});

Deno.test("RetainedStore.set() takes nothing more where there is no memory, but for less", () => {
  let isRoom = true;
  const world = new StoreWorld({}, () => isRoom);
  world.set("a", "12");
  isRoom = false;
  assertEquals([world.set("b", "1"), world.set("a", "123"), world.get("a")], [false, false, "12"]);
  assert(world.set("a", "1") && world.set("$SYS/broker/x", "1") && world.set("a", ""));
  assertEquals(world.get("a"), null);
});

Deno.test("RetainedStore.set() keeps the last message of each topic [MQTT-3.3.1-5]", () => {
  const world = new StoreWorld();
  assert(world.set("a", "1") && world.set("b", "2") && world.set("a", "3"));
  assertEquals([world.get("a"), world.get("b"), world.get("c")], ["3", "2", null]);
  assertEquals([world.store.size, world.store.bytes], [2, 2 * costOf("a", "1")]);
});

Deno.test("RetainedStore.set() keeps a copy of the bytes", () => {
  const world = new StoreWorld();
  const borrowed = message("a", "kept");
  const { buffer } = borrowed;
  world.store.set(borrowed);
  buffer.fill(0);
  assertEquals(world.get("a"), "kept");
});

Deno.test("RetainedStore.set() of an empty message removes what is there [MQTT-3.3.1-6]", () => {
  const world = new StoreWorld();
  world.set("a", "1", { expirySeconds: 10 });
  assert(world.set("a", "") && world.set("b", ""), "also where nothing is");
  const { size, bytes } = world.store;
  assertEquals([world.get("a"), size, bytes, world.scheduler.size], [null, 0, 0, 0]);
});

Deno.test("RetainedStore.set() refuses another topic past the limit of messages", () => {
  const world = new StoreWorld({ retainedMessagesMax: 2 });
  assertEquals(["a", "b", "c", "a"].map((topic) => world.set(topic, "1")), [
    true,
    true,
    false,
    true,
  ]);
  assert(world.set("b", "") && world.set("c", "2"));
  assertEquals([world.get("a"), world.get("b"), world.get("c")], ["1", null, "2"]);
});

Deno.test("RetainedStore.set() refuses what goes past the limit of bytes", () => {
  const cost = costOf("a", "1234");
  const world = new StoreWorld({ retainedBytesMax: 2 * cost });
  assert(world.set("a", "1234") && world.set("b", "1234"));
  assertEquals([world.set("c", "1"), world.set("b", "12345"), world.set("b", "123")], [
    false,
    false,
    true,
  ]);
  assertEquals([world.get("b"), world.store.bytes], ["123", 2 * cost - 1]);
});

Deno.test("RetainedStore forgets a message when it expires [MQTT-3.3.2-5]", async () => {
  const world = new StoreWorld();
  world.set("a", "1", { expirySeconds: 10 });
  world.set("b", "2");
  await world.clock.advance(9999);
  assertEquals([world.get("a"), world.store.size], ["1", 2]);
  await world.clock.advance(1);
  assertEquals([world.get("a"), world.store.size, world.scheduler.size], [null, 1, 0]);
  assertEquals(world.store.bytes, costOf("b", "2"));
});

Deno.test("RetainedStore never lets an old expiry end a newer message", async () => {
  const world = new StoreWorld();
  world.set("a", "1", { expirySeconds: 10 });
  world.set("a", "2", { expirySeconds: 100 });
  await world.clock.advance(50_000);
  assertEquals([world.get("a"), world.scheduler.size], ["2", 1]);
  world.set("a", "3");
  await world.clock.advance(100_000);
  assertEquals([world.get("a"), world.scheduler.size], ["3", 0]);
});

Deno.test("RetainedStore.match() walks page by page over what matches", () => {
  const world = new StoreWorld();
  for (let i = 0; i < 25; i++) world.set(`t/${i}`, `${i}`);
  world.set("other", "no");
  world.set("$SYS/t", "no");
  const { texts, pages } = world.match("t/+", 10);
  assertEquals(texts, Array.from({ length: 25 }, (_, i) => `${i}`).sort());
  assertEquals(pages, [10, 10, 5]);
  assertEquals(world.match("t/7", 10), { texts: ["7"], pages: [1] });
  assertEquals(world.match("nothing", 10), { texts: [], pages: [] });
  assertEquals(world.match("#", 100).texts.length, 26);
});

Deno.test("RetainedStore.match() leaves out what has expired since the walk began", async () => {
  const world = new StoreWorld();
  for (let i = 0; i < 4; i++) world.set(`t/${i}`, `${i}`, { expirySeconds: i < 3 ? 10 : 100 });
  const walk = world.store.match("#");
  assertEquals(walk.next(1)?.length, 1);
  await world.clock.advance(10_000);
  const left: string[] = [];
  for (let page = walk.next(1); page !== null; page = walk.next(1)) left.push(...page.map(textOf));
  assertEquals(left, ["3"]);
});
