import { assert, assertEquals } from "@std/assert";
import { LimitWorld } from "../testdata/limit_world.ts";
import { PublishRateLimiter } from "./publish_rate_limiter.ts";

function world(publishesPerSecondMax: number, publishBytesPerSecondMax = 0) {
  const limit = new LimitWorld({ publishesPerSecondMax, publishBytesPerSecondMax });
  return { ...limit, limit, limiter: PublishRateLimiter.of(limit.context) };
}

Deno.test("PublishRateLimiter.of() makes none where clients may publish as fast as they can", () => {
  assertEquals(world(0).limiter, null);
  assert(world(1).limiter !== null);
  assert(world(0, 1).limiter !== null);
});

Deno.test("PublishRateLimiter has a client wait once it has published a second's worth", async () => {
  const { limiter, clock } = world(10);
  limiter!.spend(9, 90);
  assertEquals([limiter!.mayGoOn, limiter!.wait()], [true, null]);
  limiter!.spend(1, 10);
  assertEquals(limiter!.mayGoOn, false);
  let isOver = false;
  limiter!.wait()!.then(() => isOver = true);
  await clock.advance(99);
  assertEquals(isOver, false);
  await clock.advance(1);
  assertEquals([isOver, limiter!.mayGoOn], [true, true]);
});

Deno.test("PublishRateLimiter counts bytes as well; one large packet is a debt of 10 s at most", async () => {
  const { limiter, clock } = world(0, 1000);
  limiter!.spend(1, 1_000_000);
  await clock.advance(9999);
  assertEquals(limiter!.mayGoOn, false);
  await clock.advance(10);
  assertEquals(limiter!.mayGoOn, true);
});

Deno.test("PublishRateLimiter.mayTakeAll() goes by as many messages as the bytes can hold", () => {
  const { limiter } = world(10);
  assertEquals([limiter!.mayTakeAll(50), limiter!.mayTakeAll(51)], [true, false]);
  const bytes = world(0, 100).limiter;
  assertEquals([bytes!.mayTakeAll(100), bytes!.mayTakeAll(101)], [true, false]);
});

Deno.test("PublishRateLimiter.bounded() reads no more than a second's worth at once", () => {
  const target = new Uint8Array(10_000);
  assertEquals(world(1000).limiter!.bounded(target).length, 5000);
  assertEquals(world(1000, 2000).limiter!.bounded(target).length, 2000);
  assertEquals(world(1).limiter!.bounded(target).length, 128, "fewer are not worth a kernel call");
  assertEquals(world(1_000_000).limiter!.bounded(target), target);
});

Deno.test("PublishRateLimiter.close() wakes who waits, and sets no deadline", async () => {
  const { limiter, clock, context } = world(1);
  limiter!.spend(1, 1);
  let isOver = false;
  limiter!.wait()!.then(() => isOver = true);
  limiter!.close();
  await clock.settle();
  assertEquals([isOver, context.scheduler.size], [true, 0]);
});

Deno.test("PublishRateLimiter.isFor() tells whether a limiter is what the limits say", () => {
  const { limiter, context, limit } = world(10, 20);
  assertEquals(PublishRateLimiter.isFor(limiter, context.limits), true);
  assertEquals(PublishRateLimiter.isFor(null, context.limits), false);
  limit.change({ publishBytesPerSecondMax: 30 });
  assertEquals(PublishRateLimiter.isFor(limiter, context.limits), false);
  limit.change({ publishesPerSecondMax: 0, publishBytesPerSecondMax: 0 });
  assertEquals(PublishRateLimiter.isFor(null, context.limits), true);
});
