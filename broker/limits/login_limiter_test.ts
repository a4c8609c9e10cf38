import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../codec/mod.ts";
import { LimitWorld } from "../testdata/limit_world.ts";
import { isLoginFailure, LoginLimiter } from "./login_limiter.ts";

const LIMITS = {
  loginFailuresMax: 2,
  loginForgetMs: 10_000,
  loginDelayMs: 1000,
  loginsDelayedMax: 2,
  addressesMax: 10,
};

function world(limits: Partial<typeof LIMITS> = {}) {
  const failures: string[] = [];
  const limit = new LimitWorld({ ...LIMITS, ...limits }, {
    loginFailed: ({ address, clientId }) => void failures.push(`${address} ${clientId}`),
  });
  const limiter = new LoginLimiter(limit.context);
  const fail = (address: string) => {
    const reasonCode = ReasonCode.BadUserNameOrPassword;
    return limiter.failed({ address, clientId: "c", username: "u", reasonCode });
  };
  return { limit, limiter, fail, failures, clock: limit.clock, limited: limit.limited };
}

/** Whether a wait is over, once promises have settled. */
async function isOver(wait: PromiseLike<void>, settle: () => Promise<void>): Promise<boolean> {
  let over = false;
  wait.then(() => over = true);
  await settle();
  return over;
}

Deno.test("LoginLimiter forgives loginFailuresMax, then holds answers back", async () => {
  const { fail, failures, limited, clock, limit } = world();
  assertEquals([fail("192.0.2.1:1"), fail("192.0.2.1:2")], [null, null]);
  const wait = fail("192.0.2.1:3")!;
  assertEquals(limited, ["logins 192.0.2.1:3 c"]);
  await clock.advance(999);
  assertEquals(await isOver(wait, () => clock.settle()), false);
  await clock.advance(1);
  assertEquals(await isOver(wait, () => clock.settle()), true);
  assertEquals([failures.length, limit.context.stats.loginsFailed], [3, 3]);
});

Deno.test("LoginLimiter forgets a failure in loginForgetMs", async () => {
  const { fail, clock } = world();
  for (let i = 0; i < 2; i++) fail("192.0.2.1:1");
  await clock.advance(10_000);
  assertEquals(fail("192.0.2.1:1"), null);
  assertEquals(fail("192.0.2.1:1") === null, false);
});

Deno.test("LoginLimiter looks at no password while loginsDelayedMax answers are held back", async () => {
  const { limiter, fail, limited, clock } = world();
  for (let i = 0; i < 3; i++) fail("192.0.2.1:1");
  assertEquals(limiter.mayTry("192.0.2.1:2"), true);
  fail("192.0.2.1:1");
  assertEquals([limiter.mayTry("192.0.2.1:2"), limiter.mayTry("192.0.2.2:1")], [false, true]);
  assertEquals(limited.at(-1), "logins 192.0.2.1:2");
  await clock.advance(1000);
  assertEquals(limiter.mayTry("192.0.2.1:2"), true);
});

Deno.test("LoginLimiter does nothing if loginFailuresMax is 0", () => {
  const { limiter, fail } = world({ loginFailuresMax: 0 });
  for (let i = 0; i < 10; i++) assertEquals(fail("192.0.2.1:1"), null);
  assertEquals(limiter.mayTry("192.0.2.1:1"), true);
});

Deno.test("LoginLimiter remembers addressesMax addresses: those heard of last", () => {
  const { fail } = world({ addressesMax: 2 });
  for (let i = 0; i < 2; i++) fail("192.0.2.1:1");
  fail("192.0.2.2:1");
  fail("192.0.2.3:1");
  assertEquals(fail("192.0.2.1:1"), null, "it was forgotten");
});

Deno.test("LoginLimiter.applyLimits() forgets what was counted if its limits have changed", () => {
  const { limit, limiter, fail } = world();
  for (let i = 0; i < 2; i++) fail("192.0.2.1:1");
  limit.change({ drainMs: 1234 });
  limiter.applyLimits();
  assertEquals(fail("192.0.2.1:1") === null, false, "another limit is none of its business");
  limit.change({ loginFailuresMax: 1 });
  limiter.applyLimits();
  assertEquals([fail("192.0.2.1:1"), fail("192.0.2.1:1") === null], [null, false]);
});

Deno.test("isLoginFailure() tells wrong credentials from other refusals", () => {
  const { BadUserNameOrPassword, NotAuthorized, Banned, ServerBusy, QuotaExceeded } = ReasonCode;
  assertEquals([BadUserNameOrPassword, NotAuthorized, Banned].map(isLoginFailure), [
    true,
    true,
    true,
  ]);
  assertEquals([ServerBusy, QuotaExceeded].map(isLoginFailure), [false, false]);
});
