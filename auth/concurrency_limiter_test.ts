import { assertEquals } from "@std/assert";
import { ConcurrencyLimiter } from "./concurrency_limiter.ts";

const never = new AbortController().signal;

Deno.test("ConcurrencyLimiter lets a number of callers in, queues a number, and refuses the rest", async () => {
  const limiter = new ConcurrencyLimiter(2, 2);
  const order: number[] = [];
  const enter = (n: number) => limiter.enter(never).then((isIn) => order.push(isIn ? n : -n));
  const all = [1, 2, 3, 4, 5].map(enter);
  await Promise.all([all[0], all[1], all[4]]);
  assertEquals([order, limiter.inside, limiter.waiting], [[1, 2, -5], 2, 2]);
  limiter.leave();
  await all[2];
  limiter.leave();
  await all[3];
  assertEquals([order, limiter.inside, limiter.waiting], [[1, 2, -5, 3, 4], 2, 0]);
  limiter.leave();
  limiter.leave();
  assertEquals(limiter.inside, 0);
});

Deno.test("ConcurrencyLimiter forgets a waiter that aborts, but not one that was let in", async () => {
  const limiter = new ConcurrencyLimiter(1, 2);
  await limiter.enter(never);
  const [first, second] = [new AbortController(), new AbortController()];
  const entering = [limiter.enter(first.signal), limiter.enter(second.signal)];
  first.abort();
  limiter.leave();
  second.abort();
  assertEquals(await Promise.all(entering), [false, true]);
  assertEquals([limiter.inside, limiter.waiting], [1, 0]);
  assertEquals(await limiter.enter(AbortSignal.abort()), false);
  limiter.leave();
  assertEquals(limiter.inside, 0);
});
