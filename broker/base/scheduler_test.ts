import { assert, assertEquals } from "@std/assert";
import { newSeed, randomFrom } from "../../router/testdata/random_topics.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Clock } from "./clock.ts";
import { Deadline, Scheduler } from "./scheduler.ts";
import type { TurnBudget } from "./turn_budget.ts";

/** A virtual clock that counts the timers it was asked for and that are not over. */
class CountingClock extends VirtualClock implements Clock {
  timers = 0;
  made = 0;

  override schedule(atMs: number, callback: () => void): () => void {
    this.timers++;
    this.made++;
    let isOver = false;
    const end = () => {
      if (!isOver) this.timers--;
      isOver = true;
    };
    const cancel = super.schedule(atMs, () => {
      end();
      callback();
    });
    return () => {
      end();
      cancel();
    };
  }
}

/** A scheduler with a log of what was due when. */
function world(): {
  clock: CountingClock;
  scheduler: Scheduler;
  due: string[];
  deadline: (name: string) => Deadline;
} {
  const clock = new CountingClock();
  const due: string[] = [];
  const deadline = (name: string) => new Deadline(() => due.push(`${name} at ${clock.now()}`));
  return { clock, scheduler: new Scheduler(clock), due, deadline };
}

Deno.test("Scheduler.set() has deadlines happen in order, each at its time", async () => {
  const { clock, scheduler, due, deadline } = world();
  for (const atMs of [30, 10, 20, 40]) scheduler.set(deadline("it"), atMs);
  assertEquals(scheduler.size, 4);
  await clock.advance(9);
  assertEquals(due, []);
  await clock.advance(21);
  assertEquals(due, ["it at 10", "it at 20", "it at 30"]);
  await clock.advance(100);
  assertEquals([due.at(-1), scheduler.size], ["it at 40", 0]);
});

Deno.test("Scheduler.set() moves a deadline that is set, back and forth", async () => {
  const { clock, scheduler, due, deadline } = world();
  const [a, b] = [deadline("a"), deadline("b")];
  scheduler.set(a, 10);
  scheduler.set(b, 20);
  scheduler.set(a, 30);
  scheduler.set(b, 5);
  assertEquals(scheduler.size, 2);
  await clock.advance(100);
  assertEquals(due, ["b at 5", "a at 30"]);
});

Deno.test("Scheduler.set() makes a deadline that is past happen soon", async () => {
  const { clock, scheduler, due, deadline } = world();
  await clock.advance(50);
  scheduler.set(deadline("a"), 10);
  assertEquals(due, [], "not in the middle of set()");
  await clock.advance(0);
  assertEquals(due, ["a at 50"]);
});

Deno.test("Scheduler.clear() takes a deadline back, once, set or not", async () => {
  const { clock, scheduler, due, deadline } = world();
  const [a, b] = [deadline("a"), deadline("b")];
  scheduler.clear(a);
  scheduler.set(a, 10);
  scheduler.set(b, 20);
  scheduler.clear(a);
  scheduler.clear(a);
  assertEquals([scheduler.size, a.index], [1, -1]);
  await clock.advance(100);
  assertEquals(due, ["b at 20"]);
  scheduler.set(a, 150);
  await clock.advance(100);
  assertEquals(due, ["b at 20", "a at 150"]);
});

Deno.test("Scheduler lets what is due set and clear others, and itself", async () => {
  const { clock, scheduler, due, deadline } = world();
  const [a, b] = [deadline("a"), deadline("b")];
  let rounds = 0;
  const again: Deadline = new Deadline(() => {
    due.push(`again at ${clock.now()}`);
    scheduler.clear(a);
    scheduler.set(b, clock.now());
    if (++rounds < 3) scheduler.set(again, clock.now() + 10);
  });
  scheduler.set(again, 10);
  scheduler.set(a, 11);
  await clock.advance(100);
  const times = [10, 20, 30].flatMap((at) => [`again at ${at}`, `b at ${at}`]);
  assertEquals(due, times);
});

Deno.test("Scheduler needs one timer, and no other for a keep alive that is put off", async () => {
  const { clock, scheduler } = world();
  const deadlines = Array.from({ length: 1000 }, () => new Deadline(() => {}));
  for (const deadline of deadlines) scheduler.set(deadline, 60_000);
  // Every packet puts the keep alive of its connection off.
  for (let packet = 0; packet < 100_000; packet++) {
    scheduler.set(deadlines[packet % 1000]!, 60_000 + packet);
  }
  assertEquals([clock.made, clock.timers], [1, 1]);
  await clock.advance(200_000);
  assertEquals([scheduler.size, clock.timers], [0, 0]);
});

Deno.test("Scheduler.stop() takes everything back and leaves no timer", async () => {
  const { clock, scheduler, due, deadline } = world();
  const a = deadline("a");
  scheduler.set(a, 10);
  scheduler.stop();
  assertEquals([scheduler.size, clock.timers, a.index], [0, 0, -1]);
  scheduler.set(a, 20);
  scheduler.clear(a);
  await clock.advance(100);
  assertEquals([due, scheduler.size], [[], 0]);
});

Deno.test("Scheduler.stop() from what is due ends it all", async () => {
  const { clock, scheduler, due, deadline } = world();
  scheduler.set(new Deadline(() => scheduler.stop()), 10);
  scheduler.set(deadline("a"), 10);
  await clock.advance(100);
  assertEquals([due, clock.timers], [[], 0]);
});

Deno.test("Scheduler agrees with a sorted list through random changes", async () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const { clock, scheduler } = world();
  const set = new Map<Deadline, number>();
  let lastMs = 0;
  const deadlines = Array.from({ length: 200 }, () => {
    const deadline: Deadline = new Deadline(() => {
      assertEquals(set.get(deadline), Math.min(...set.values()), `seed ${seed}`);
      assert(clock.now() >= set.get(deadline)! && clock.now() >= lastMs, `seed ${seed}`);
      lastMs = clock.now();
      set.delete(deadline);
    });
    return deadline;
  });
  for (let step = 0; step < 20_000; step++) {
    const deadline = deadlines[random(200)]!;
    if (random(3) === 0) {
      scheduler.clear(deadline);
      set.delete(deadline);
    } else {
      const atMs = clock.now() + random(1000);
      scheduler.set(deadline, atMs);
      set.set(deadline, atMs);
    }
    assertEquals(scheduler.size, set.size, `seed ${seed}`);
    if (step % 100 === 0) await clock.advance(random(100));
  }
  await clock.advance(1000);
  assertEquals([set.size, scheduler.size, clock.timers], [0, 0, 0], `seed ${seed}`);
});

Deno.test("Scheduler reports a deadline that fails, and spares every other", async () => {
  const clock = new VirtualClock();
  const failures: unknown[] = [];
  const scheduler = new Scheduler(clock, (error) => failures.push(error));
  const due: string[] = [];
  const planned = new Error("as planned");
  scheduler.set(
    new Deadline(() => {
      throw planned;
    }),
    10,
  );
  scheduler.set(new Deadline(() => due.push("at the same time")), 10);
  scheduler.set(new Deadline(() => due.push("later")), 20);
  await clock.advance(30);
  assertEquals(failures, [planned]);
  assertEquals(due, ["at the same time", "later"]);
  scheduler.stop();
});

Deno.test("Scheduler.stop() leaves no timer of a deadline that was set in a turn that had no time for more", async () => {
  const clock = new CountingClock();
  const jobs: (() => void)[] = [];
  // Each deadline uses up its turn.
  const turns = { begin() {}, spend: () => true, later: (job: () => void) => jobs.push(job) };
  const scheduler = new Scheduler(clock, reportError, turns as unknown as TurnBudget);
  scheduler.set(new Deadline(() => scheduler.set(new Deadline(() => {}), 3_600_000)), 10);
  scheduler.set(new Deadline(() => {}), 10);
  await clock.advance(10);
  assertEquals(jobs.length, 1);
  jobs[0]!();
  scheduler.stop();
  assertEquals(clock.timers, 0);
});
