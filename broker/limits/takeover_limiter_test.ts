import { assert, assertEquals } from "@std/assert";
import { testContext } from "../testdata/test_context.ts";
import { TakeoverLimiter } from "./takeover_limiter.ts";

const LIMITS = { takeOversMax: 1, takeOverForgetMs: 5_000, takeOverDelayMs: 300 };
const ADDRESS = "192.0.2.7:50123";

Deno.test("TakeoverLimiter.takesOver() delays a client beyond takeOversMax, and refuses another meanwhile", async () => {
  const { context, clock } = testContext(LIMITS);
  const limiter = new TakeoverLimiter(context);
  assertEquals(limiter.takesOver("client", ADDRESS), null);
  const turn = limiter.takesOver("client", ADDRESS);
  assert(turn !== null && turn !== "refused");
  assertEquals(limiter.takesOver("client", ADDRESS), "refused");
  assertEquals(limiter.takesOver("other", ADDRESS), null);
  let isOver = false;
  turn.then(() => isOver = true);
  await clock.advance(299);
  assertEquals(isOver, false);
  await clock.advance(1);
  assertEquals(isOver, true);
  assertEquals(context.stats.limited["take-overs"], 2);
});

Deno.test("TakeoverLimiter forgets one take-over after takeOverForgetMs", async () => {
  const { context, clock } = testContext(LIMITS);
  const limiter = new TakeoverLimiter(context);
  limiter.takesOver("client", ADDRESS);
  await clock.advance(5_000);
  assertEquals(limiter.takesOver("client", ADDRESS), null);
});

Deno.test("TakeoverLimiter without takeOversMax delays nobody", () => {
  const { context } = testContext({ ...LIMITS, takeOversMax: 0 });
  const limiter = new TakeoverLimiter(context);
  for (let n = 0; n < 9; n++) assertEquals(limiter.takesOver("client", ADDRESS), null);
});
