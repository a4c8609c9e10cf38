import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { BrokerContext } from "../base/context.ts";
import type { HeapSource } from "../base/heap_monitor.ts";
import type { LimitInfo } from "../base/hooks.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import type { Tally } from "../base/memory_tally.ts";
import { countKept } from "../base/message.ts";
import { settingsOf } from "../base/options.ts";
import { MemoryBudget, type MemoryHolders } from "./memory_budget.ts";

const MB = 2 ** 20;
const KB = 2 ** 10;

/** A session that has something waiting for it. */
class TestSession {
  readonly outbound = null;
  waitingBytes = 0;

  tally(tally: Tally): void {
    tally.bytes += this.waitingBytes;
  }
}

/** A budget of 100 MB over tables that are as large as a test says. */
class World {
  readonly clock = new VirtualClock();
  readonly told: LimitInfo[] = [];
  readonly session = new TestSession();
  readonly context: BrokerContext;
  readonly budget: MemoryBudget;
  /** What each table costs, in bytes. */
  readonly sizes = { routes: 0, retained: 0, subscriptions: 0, sessions: 0, pages: 0, records: 0 };
  /** What routes, and the tables of limiters, were told to cost at most. */
  routesMax = Infinity;
  recordsMax = Infinity;

  constructor(memoryBytesMax = 100 * MB, heap: HeapSource | null = null) {
    this.context = new BrokerContext(settingsOf({
      clock: this.clock,
      heap,
      limits: { ...DEFAULT_LIMITS, memoryBytesMax, routesBytesMax: 50 * MB },
      hooks: { limited: (info) => void this.told.push(info) },
    }));
    this.budget = new MemoryBudget(this.context, this.#holders());
    this.budget.fitCaches();
  }

  #holders(): MemoryHolders {
    const { sizes, session } = this;
    return {
      router: {
        get routesBytes() {
          return sizes.routes;
        },
        get subscriptionsBytes() {
          return sizes.subscriptions;
        },
        limitRoutes: (bytesMax) => {
          this.routesMax = bytesMax;
          sizes.routes = Math.min(sizes.routes, bytesMax);
        },
      },
      retained: {
        get bytes() {
          return sizes.retained;
        },
      },
      retainedDeletions: { bytes: 0 },
      delayed: { bytes: 0 },
      sessions: {
        get bytes() {
          return sizes.sessions;
        },
        values: () => [session],
      },
      connections: Object.assign([], { size: 0 }),
      journal: {
        get memoryBytes() {
          return sizes.pages;
        },
      },
      streams: { memoryBytes: 0 },
      limiters: {
        get bytes() {
          return sizes.records;
        },
        limitBytes: (bytesMax) => {
          this.recordsMax = bytesMax;
          sizes.records = Math.min(sizes.records, bytesMax);
        },
      },
    };
  }
}

/** A heap that is as full as it is told. */
function heapOf(limitBytes: number): HeapSource & { usedBytes: number; collect(): void } {
  let collected = () => {};
  const heap = {
    usedBytes: 0,
    read: () => ({ usedBytes: heap.usedBytes, limitBytes }),
    onCollected: (call: () => void) => void (collected = call),
    collect: () => collected(),
  };
  return heap;
}

Deno.test("the budget is what memoryBytesMax says, or two fifths of the heap, or 512 MB", () => {
  assertEquals(new World(123).budget.bytesMax, 123);
  assertEquals(new World(0, heapOf(1000 * MB)).budget.bytesMax, 400 * MB);
  assertEquals(new World(0).budget.bytesMax, 512 * MB);
});

Deno.test("tables are refused above 90 percent, messages above 95, sessions above all of it", () => {
  const world = new World();
  const { budget, sizes } = world;
  const admitted = () =>
    (["table", "message", "session"] as const).map((growth) => budget.mayGrow(growth, MB));
  for (
    const [megabytes, expected] of [
      [89, [true, true, true]],
      [90, [false, true, true]],
      [95, [false, false, true]],
      [99, [false, false, true]],
      [100, [false, false, false]],
    ] as const
  ) {
    sizes.retained = megabytes * MB;
    assertEquals(admitted(), [...expected], `at ${megabytes} MB of 100`);
  }
});

Deno.test("every table counts, caches too", () => {
  const { budget, sizes } = new World();
  Object.assign(sizes, { routes: 1, retained: 2, subscriptions: 4, sessions: 8 });
  Object.assign(sizes, { pages: 16, records: 32 });
  budget.aliasBytes = 64;
  budget.inputBytes = 128;
  assertEquals(budget.bytes, 255);
  assertEquals(budget.use, {
    routes: 1,
    retained: 2,
    subscriptions: 4,
    sessions: 8,
    pages: 16,
    records: 32,
    connections: 192,
    messages: 0,
  });
});

Deno.test("caches make room before anything is refused", () => {
  const world = new World();
  const { budget, sizes } = world;
  // The first of a second fits the caches anyway.
  assert(budget.mayGrow("table", 1));
  Object.assign(sizes, { routes: 20 * MB, records: 5 * MB, retained: 70 * MB });
  assert(budget.mayGrow("table", 10 * MB), "there is room as soon as routes give some");
  assert(sizes.routes < 6 * MB, `routes kept ${sizes.routes} bytes`);
  assert(budget.bytes + 10 * MB <= 90 * MB);
  assertEquals(world.told, []);
});

Deno.test("each cache has a share of the budget, less where others need it, and never nothing", () => {
  const world = new World();
  const { budget, sizes } = world;
  assertEquals([world.routesMax, world.recordsMax], [25 * MB, 100 * MB / 16]);
  assertEquals(budget.pagesBytesMax, 25 * MB);
  sizes.retained = 70 * MB;
  budget.fitCaches();
  assertEquals([world.routesMax, world.recordsMax, budget.pagesBytesMax], Array(3).fill(5 * MB));
  sizes.retained = 100 * MB;
  budget.fitCaches();
  assertEquals([world.routesMax, world.recordsMax, budget.pagesBytesMax], Array(3).fill(256 * KB));
});

Deno.test("caches have again what they gave as soon as there is room", async () => {
  const world = new World();
  world.sizes.retained = 100 * MB;
  world.budget.fitCaches();
  world.sizes.retained = 0;
  await world.clock.advance(1000);
  assert(world.budget.mayGrow("table", 1));
  assertEquals(world.routesMax, 25 * MB);
});

Deno.test("limits that are lower hold for caches, too", () => {
  const world = new World();
  Object.assign(world.context.limits, { routesBytesMax: MB, storeCacheBytesMax: 2 * MB });
  world.budget.applyLimits();
  assertEquals([world.routesMax, world.budget.pagesBytesMax], [MB, 2 * MB]);
});

Deno.test("what is refused is counted and told; what is only asked is not", () => {
  const world = new World();
  const { budget, sizes, context } = world;
  sizes.retained = 100 * MB;
  assert(!budget.mayGrow("table", 1));
  assertEquals(context.stats.limited.memory, 0);
  assert(!budget.admits("table", 1, "client"));
  assert(!budget.admitsId(8, "client"));
  assert(budget.admitsId(7, "client"), "some identifiers each client may always have");
  assertEquals(context.stats.limited.memory, 2);
  const info: LimitInfo = { reason: "memory", address: null, clientId: "client" };
  assertEquals(world.told, [info, info]);
});

Deno.test("what is kept counts as if it stayed until a walk has found what did", async () => {
  const world = new World();
  const { budget, session } = world;
  budget.settle();
  countKept(99 * MB);
  assertEquals(budget.use.messages, 99 * MB);
  assert(!budget.mayKeep(KB), "for all that is known it is all there");
  // Most of it was acknowledged.
  session.waitingBytes = 10 * MB;
  await world.clock.advance(1);
  assertEquals(budget.use.messages, 10 * MB);
  assert(budget.mayKeep(KB));
  assert(budget.isAmple);
});

Deno.test("what is kept during a walk is not forgotten by it", async () => {
  const world = new World();
  world.budget.settle();
  countKept(99 * MB);
  world.budget.mayKeep(KB);
  countKept(3 * MB);
  await world.clock.advance(1);
  assertEquals(world.budget.use.messages, 3 * MB);
});

Deno.test("sessions are not walked more often than five times a second", async () => {
  const world = new World();
  const { budget, session } = world;
  let walks = 0;
  session.tally = (tally) => {
    walks++;
    tally.bytes += 99 * MB;
  };
  countKept(99 * MB);
  for (let ms = 0; ms < 1000; ms += 10) {
    // Enough to be looked at again.
    countKept(300 * KB);
    budget.mayKeep(KB);
    await world.clock.advance(10);
  }
  assert(walks >= 4 && walks <= 6, `${walks} walks in a second`);
});

Deno.test("a subscriber may lag less where memory is short", () => {
  const { budget, sizes, context: { limits } } = new World();
  assertEquals(budget.lagMax(MB), limits.lagBytesMax);
  sizes.retained = 96 * MB;
  assertEquals(budget.lagMax(4 * MB), limits.highWaterBytes);
});

Deno.test("a heap that is short refuses whatever the counts say, until a collection has freed some", async () => {
  const heap = heapOf(1000 * MB);
  const world = new World(100 * MB, heap);
  heap.usedBytes = 600 * MB;
  assert(world.budget.mayGrow("table", 1), "it may be garbage");
  heap.collect();
  for (const growth of ["table", "message", "session"] as const) {
    assert(!world.budget.mayGrow(growth, 1), growth);
  }
  heap.usedBytes = 300 * MB;
  await world.clock.advance(1000);
  assert(world.budget.mayGrow("table", 1));
});

Deno.test("a heap that is nearly full refuses before it is collected", async () => {
  const heap = heapOf(1000 * MB);
  const world = new World(100 * MB, heap);
  heap.usedBytes = 700 * MB;
  await world.clock.advance(1000);
  assert(!world.budget.mayGrow("table", 1));
});
