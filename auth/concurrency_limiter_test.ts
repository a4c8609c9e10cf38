import { assertEquals } from "@std/assert";
import { Turnstile } from "./concurrency_limiter.ts";

const never = new AbortController().signal;

Deno.test("Turnstile lets in so many, has so many wait, and turns the others away", async () => {
  const turnstile = new Turnstile(2, 2);
  const order: number[] = [];
  const enter = (n: number) => turnstile.enter(never).then((isIn) => order.push(isIn ? n : -n));
  const all = [1, 2, 3, 4, 5].map(enter);
  await Promise.all([all[0], all[1], all[4]]);
  assertEquals([order, turnstile.inside, turnstile.waiting], [[1, 2, -5], 2, 2]);
  turnstile.leave();
  await all[2];
  turnstile.leave();
  await all[3];
  assertEquals([order, turnstile.inside, turnstile.waiting], [[1, 2, -5, 3, 4], 2, 0]);
  turnstile.leave();
  turnstile.leave();
  assertEquals(turnstile.inside, 0);
});

Deno.test("Turnstile lets go of who gives up, but not of who was called", async () => {
  const turnstile = new Turnstile(1, 2);
  await turnstile.enter(never);
  const [first, second] = [new AbortController(), new AbortController()];
  const entering = [turnstile.enter(first.signal), turnstile.enter(second.signal)];
  first.abort();
  turnstile.leave();
  second.abort();
  assertEquals(await Promise.all(entering), [false, true]);
  assertEquals([turnstile.inside, turnstile.waiting], [1, 0]);
  assertEquals(await turnstile.enter(AbortSignal.abort()), false);
  turnstile.leave();
  assertEquals(turnstile.inside, 0);
});
