import { assert, assertEquals } from "@std/assert";
import { LimitWorld } from "../testdata/limit_world.ts";
import { TakeoverLimiter } from "./takeover_limiter.ts";

const LIMITS = {
  takeOversMax: 2,
  takeOverForgetMs: 10_000,
  takeOverDelayMs: 1000,
  flappingClientsMax: 2,
};

function world(limits: Partial<typeof LIMITS> = {}) {
  const limit = new LimitWorld({ ...LIMITS, ...limits });
  const limiter = new TakeoverLimiter(limit.context);
  const takesOver = (clientId: string) => limiter.takesOver(clientId, "192.0.2.1:1");
  return { limit, limiter, takesOver, clock: limit.clock };
}

Deno.test("TakeoverLimiter has the one that comes wait after takeOversMax, and refuses a third", async () => {
  const { limit, takesOver, clock } = world();
  assertEquals([takesOver("a"), takesOver("a")], [null, null]);
  const wait = takesOver("a");
  assert(wait !== null && wait !== "refused");
  assertEquals([takesOver("a"), takesOver("b")], ["refused", null]);
  assertEquals(limit.limited, ["take-overs 192.0.2.1:1 a", "take-overs 192.0.2.1:1 a"]);
  let isOver = false;
  wait.then(() => isOver = true);
  await clock.advance(999);
  assertEquals(isOver, false);
  await clock.advance(1);
  assertEquals(isOver, true);
  assert(takesOver("a") !== "refused", "nobody waits any more");
});

Deno.test("TakeoverLimiter forgets a take-over in takeOverForgetMs", async () => {
  const { takesOver, clock } = world();
  for (let i = 0; i < 2; i++) takesOver("a");
  await clock.advance(10_000);
  assertEquals(takesOver("a"), null);
});

Deno.test("TakeoverLimiter remembers flappingClientsMax clients", () => {
  const { takesOver } = world();
  for (const clientId of ["a", "a", "b", "c"]) assertEquals(takesOver(clientId), null);
  assertEquals(takesOver("a"), null, "it was forgotten");
});

Deno.test("TakeoverLimiter does nothing if takeOversMax is 0", () => {
  const { takesOver } = world({ takeOversMax: 0 });
  for (let i = 0; i < 10; i++) assertEquals(takesOver("a"), null);
});

Deno.test("TakeoverLimiter.applyLimits() begins anew if its limits have changed", () => {
  const { limit, limiter, takesOver } = world();
  for (let i = 0; i < 2; i++) takesOver("a");
  limiter.applyLimits();
  assert(takesOver("a") !== null, "nothing has changed");
  limit.change({ takeOversMax: 3 });
  limiter.applyLimits();
  assertEquals([takesOver("a"), takesOver("a"), takesOver("a")], [null, null, null]);
  assert(takesOver("a") !== null);
});
