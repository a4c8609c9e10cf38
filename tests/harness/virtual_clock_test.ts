import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { VirtualClock } from "./virtual_clock.ts";

Deno.test("VirtualClock keeps appointments by time, then by the order they were made", async () => {
  const clock = new VirtualClock();
  const kept: string[] = [];
  for (const [atMs, name] of [[30, "c"], [10, "a"], [30, "d"], [20, "b"], [31, "late"]] as const) {
    clock.schedule(atMs, () => kept.push(`${name}@${clock.now()}`));
  }
  await clock.advance(30);
  assertEquals(kept, ["a@10", "b@20", "c@30", "d@30"]);
  assertEquals(clock.now(), 30);
});

Deno.test("VirtualClock does not keep a cancelled appointment", async () => {
  const clock = new VirtualClock();
  let kept = 0;
  const cancel = clock.schedule(10, () => kept++);
  clock.schedule(10, () => kept++);
  cancel();
  await clock.advance(10);
  cancel();
  assertEquals(kept, 1);
});

Deno.test("VirtualClock lets promises settle between appointments", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.schedule(10, async () => {
    for (let step = 0; step < 100; step++) await Promise.resolve();
    seen.push(`promises@${clock.now()}`);
    clock.schedule(12, () => seen.push(`made on the way@${clock.now()}`));
  });
  clock.schedule(15, () => seen.push(`next@${clock.now()}`));
  await clock.advance(20);
  assertEquals(seen, ["promises@10", "made on the way@12", "next@15"]);
});

Deno.test("VirtualClock keeps an appointment in the past at the present", async () => {
  const clock = new VirtualClock();
  await clock.advance(100);
  const kept = Promise.withResolvers<number>();
  clock.schedule(1, () => kept.resolve(clock.now()));
  await clock.advance(0);
  assertEquals(await kept.promise, 100);
});

Deno.test("VirtualClock advances until a condition holds, or to the limit", async () => {
  const clock = new VirtualClock();
  let open = false;
  clock.schedule(7, () => open = true);
  clock.schedule(9, () => open = false);
  assert(await clock.advanceUntil(() => open, 1_000));
  assertEquals(clock.now(), 7);
  assertFalse(await clock.advanceUntil(() => clock.now() < 0, 1_000));
  assertEquals(clock.now(), 1_007);
});

Deno.test("VirtualClock does not walk for ever through what repeats", async () => {
  const clock = new VirtualClock();
  clock.appointmentsMax = 1000;
  const repeat = () => void clock.schedule(clock.now() + 1, repeat);
  repeat();
  await assertRejects(() => clock.advance(1e12), RangeError, "More than 1000 appointments");
});
