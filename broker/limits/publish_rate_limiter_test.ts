import { assert, assertEquals } from "@std/assert";
import { testContext } from "../testdata/test_context.ts";
import { PublishRateLimiter } from "./publish_rate_limiter.ts";

Deno.test("PublishRateLimiter.of() makes none without a limit", () => {
  const { context } = testContext({ publishesPerSecondMax: 0, publishBytesPerSecondMax: 0 });
  assertEquals(PublishRateLimiter.of(context), null);
  assertEquals(PublishRateLimiter.isFor(null, context.limits), true);
});

Deno.test("PublishRateLimiter.wait() pauses until there is a token for a message", async () => {
  const { context, clock } = testContext({ publishesPerSecondMax: 4, publishBytesPerSecondMax: 0 });
  const limiter = PublishRateLimiter.of(context)!;
  limiter.spend(4, 1_000_000);
  const wait = limiter.wait();
  let isOver = false;
  assert(wait !== null);
  wait.then(() => isOver = true);
  await clock.advance(249);
  assertEquals([isOver, limiter.mayGoOn], [false, false]);
  await clock.advance(1);
  assertEquals([isOver, limiter.mayGoOn, limiter.wait()], [true, true, null]);
});

Deno.test("PublishRateLimiter.wait() after one huge packet lasts ten seconds at most", async () => {
  const { context, clock } = testContext({
    publishesPerSecondMax: 0,
    publishBytesPerSecondMax: 100,
  });
  const limiter = PublishRateLimiter.of(context)!;
  limiter.spend(1, 268_435_455);
  assertEquals(limiter.mayGoOn, false);
  await clock.advance(9_900);
  assertEquals(limiter.mayGoOn, false);
  await clock.advance(200);
  assertEquals(limiter.mayGoOn, true);
});

Deno.test("PublishRateLimiter.bounded() reads no more than is allowed in a second", () => {
  const { context } = testContext({ publishesPerSecondMax: 0, publishBytesPerSecondMax: 1_000 });
  const limiter = PublishRateLimiter.of(context)!;
  assertEquals(limiter.bounded(new Uint8Array(4_096)).length, 1_000);
  assertEquals(limiter.bounded(new Uint8Array(10)).length, 10);
});

Deno.test("PublishRateLimiter.close() ends a wait", async () => {
  const { context } = testContext({ publishesPerSecondMax: 1, publishBytesPerSecondMax: 0 });
  const limiter = PublishRateLimiter.of(context)!;
  limiter.spend(9, 9);
  const wait = limiter.wait();
  limiter.close();
  await wait;
  assertEquals(context.scheduler.size, 0);
});
