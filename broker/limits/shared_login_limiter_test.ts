import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { testContext } from "../testdata/test_context.ts";
import { SharedLimits } from "./shared_limits.ts";
import { SharedLoginLimiter } from "./shared_login_limiter.ts";

const LIMITS = {
  loginFailuresMax: 2,
  loginForgetMs: 10_000,
  loginDelayMs: 500,
  loginsDelayedMax: 1,
};
const ADDRESS = "192.0.2.7:50123";

/** The limiters of two workers of one process. */
function two(limits: Partial<BrokerLimits> = LIMITS) {
  const clock = new VirtualClock();
  const shared = new SharedLimits(2, 0);
  const contexts = [0, 1].map(() => testContext(limits, {}, clock).context);
  const [first, second] = contexts.map((context, node) => {
    return new SharedLoginLimiter(context, new SharedLimits(2, node, shared.buffers));
  }) as [SharedLoginLimiter, SharedLoginLimiter];
  return { clock, shared, contexts, first, second };
}

function failureFrom(address: string) {
  return { address, clientId: "client", username: "user", reasonCode: 0x86 };
}

Deno.test("SharedLoginLimiter counts the failed logins of an address at all workers", async () => {
  const { first, second, clock, contexts } = two();
  assertEquals(first.countFailure(failureFrom(ADDRESS)), null);
  assertEquals(second.countFailure(failureFrom(ADDRESS)), null);
  const answer = first.countFailure(failureFrom(ADDRESS));
  assert(answer !== null);
  let isAnswered = false;
  answer.then(() => isAnswered = true);
  assertEquals([first.mayTry(ADDRESS), second.mayTry(ADDRESS)], [false, false]);
  assertEquals([second.mayTry("192.0.2.8:1"), second.mayTry("127.0.0.1:1")], [true, true]);
  await clock.advance(499);
  assertEquals(isAnswered, false);
  await clock.advance(1);
  assertEquals([isAnswered, second.mayTry(ADDRESS)], [true, true]);
  assertEquals(contexts.map(({ stats }) => [stats.loginsFailed, stats.limited.logins]), [
    [2, 2],
    [1, 1],
  ]);
  await clock.advance(9500);
  assertEquals(second.countFailure(failureFrom(ADDRESS)), null);
});

Deno.test("SharedLoginLimiter: the delays of a worker that dies hold nobody up", () => {
  const { first, second, shared } = two({ ...LIMITS, loginFailuresMax: 1 });
  first.countFailure(failureFrom(ADDRESS));
  second.countFailure(failureFrom(ADDRESS));
  assertEquals(first.mayTry(ADDRESS), false);
  shared.clear(1);
  assertEquals(first.mayTry(ADDRESS), true);
});

Deno.test("SharedLoginLimiter without loginFailuresMax only counts", () => {
  const { first, contexts } = two({ ...LIMITS, loginFailuresMax: 0 });
  for (let n = 0; n < 3; n++) assertEquals(first.countFailure(failureFrom(ADDRESS)), null);
  assertEquals([first.mayTry(ADDRESS), contexts[0]!.stats.loginsFailed], [true, 3]);
});
