import { assert, assertEquals } from "@std/assert";
import { setLimits, testContext } from "../testdata/test_context.ts";
import { LoginLimiter } from "./login_limiter.ts";

const LIMITS = {
  loginFailuresMax: 2,
  loginForgetMs: 10_000,
  loginDelayMs: 500,
  loginsDelayedMax: 1,
};
const ADDRESS = "192.0.2.7:50123";

function failureFrom(address: string) {
  return { address, clientId: "client", username: "user", reasonCode: 0x86 };
}

Deno.test("LoginLimiter.countFailure() delays the answer beyond loginFailuresMax, by loginDelayMs", async () => {
  const { context, clock } = testContext(LIMITS);
  const limiter = new LoginLimiter(context);
  assertEquals(limiter.countFailure(failureFrom(ADDRESS)), null);
  assertEquals(limiter.countFailure(failureFrom(ADDRESS)), null);
  const answer = limiter.countFailure(failureFrom(ADDRESS));
  let isAnswered = false;
  assert(answer !== null);
  answer.then(() => isAnswered = true);
  await clock.advance(499);
  assertEquals(isAnswered, false);
  await clock.advance(1);
  assertEquals(isAnswered, true);
  assertEquals([context.stats.loginsFailed, context.stats.limited.logins], [3, 1]);
});

Deno.test("LoginLimiter.mayTry() refuses an address while loginsDelayedMax answers are delayed", async () => {
  const { context, clock } = testContext(LIMITS);
  const limiter = new LoginLimiter(context);
  for (let n = 0; n < 3; n++) limiter.countFailure(failureFrom(ADDRESS));
  // The port is not part of the address, and other addresses are not affected.
  assertEquals(limiter.mayTry("192.0.2.7:1"), false);
  assertEquals(limiter.mayTry("192.0.2.8:1"), true);
  await clock.advance(500);
  assertEquals(limiter.mayTry(ADDRESS), true);
});

Deno.test("LoginLimiter forgets one failure after loginForgetMs", async () => {
  const { context, clock } = testContext(LIMITS);
  const limiter = new LoginLimiter(context);
  for (let n = 0; n < 2; n++) limiter.countFailure(failureFrom(ADDRESS));
  await clock.advance(10_000);
  assertEquals(limiter.countFailure(failureFrom(ADDRESS)), null);
  assert(limiter.countFailure(failureFrom(ADDRESS)) !== null);
});

Deno.test("LoginLimiter.applyLimits() ends and starts the limit", () => {
  const { context } = testContext({ ...LIMITS, loginFailuresMax: 0 });
  const limiter = new LoginLimiter(context);
  for (let n = 0; n < 9; n++) assertEquals(limiter.countFailure(failureFrom(ADDRESS)), null);
  setLimits(context, { loginFailuresMax: 1 });
  limiter.applyLimits();
  assertEquals(limiter.countFailure(failureFrom(ADDRESS)), null);
  assert(limiter.countFailure(failureFrom(ADDRESS)) !== null);
});

Deno.test("LoginLimiter does not count this machine", () => {
  const { context } = testContext(LIMITS);
  const limiter = new LoginLimiter(context);
  for (let n = 0; n < 9; n++) assertEquals(limiter.countFailure(failureFrom("127.0.0.1:1")), null);
});
