/**
 * Guessed passwords, and client identifiers that two clients use.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { LoginFailure } from "../../mod.ts";
import type { Authenticator } from "../../auth/mod.ts";
import { connackCode, Stage } from "./_stage.ts";

const HERE = "198.51.100.7:1000";
const OTHER = "198.51.100.8:1000";
const LIMITS = { loginFailuresMax: 2, loginForgetMs: 10_000, loginDelayMs: 3000 };
const RIGHT = { username: "anna", password: "right" };
const WRONG = { username: "anna", password: "wrong" };

/** Knows one password. */
const picky: Authenticator = {
  authenticate: ({ password }) => ({
    reasonCode: new TextDecoder().decode(password ?? undefined) === "right" ? 0 : 0x86,
  }),
};

Deno.test("loginFailuresMax are answered at once, and one more after loginDelayMs", async () => {
  await using stage = new Stage(LIMITS, { authenticator: picky });
  for (let i = 0; i < 2; i++) {
    assertEquals(connackCode(await stage.visit(HERE).connect(WRONG)), "86");
  }
  stage.expectLimited("logins", 0);
  const third = stage.visit(HERE);
  assertEquals(await third.connect(WRONG), "");
  stage.expectLimited("logins", 1);
  await stage.clock.advance(2999);
  assertEquals(await third.receive(), "");
  await stage.clock.advance(1);
  assertEquals(connackCode(await third.receive()), "86");
  assertEquals(stage.broker.stats.loginsFailed, 3);
});

Deno.test("who logs in rightly is not held up by who fails, there or elsewhere", async () => {
  await using stage = new Stage(LIMITS, { authenticator: picky });
  for (let i = 0; i < 4; i++) await stage.visit(HERE).connect(WRONG);
  await stage.join(RIGHT, HERE);
  assertEquals(connackCode(await stage.visit(OTHER).connect(WRONG)), "86");
  // This machine itself is not slowed down: a proxy may be on it.
  for (let i = 0; i < 9; i++) {
    assertEquals(connackCode(await stage.visit("127.0.0.1:1").connect(WRONG)), "86");
  }
});

Deno.test("one failed login is forgotten after loginForgetMs", async () => {
  await using stage = new Stage(LIMITS, { authenticator: picky });
  for (let i = 0; i < 2; i++) await stage.visit(HERE).connect(WRONG);
  await stage.clock.advance(9999);
  assertEquals(await stage.visit(HERE).connect(WRONG), "");
  await stage.clock.advance(1);
  assertEquals(connackCode(await stage.visit(HERE).connect(WRONG)), "86");
  assertEquals(await stage.visit(HERE).connect(WRONG), "");
});

Deno.test("loginsDelayedMax answers wait, and one more login is refused unseen", async () => {
  const seen: string[] = [];
  const authenticator: Authenticator = {
    authenticate: (request) => {
      seen.push(request.clientId);
      return picky.authenticate(request);
    },
  };
  const limits = { ...LIMITS, loginFailuresMax: 1, loginsDelayedMax: 2 };
  await using stage = new Stage(limits, { authenticator });
  for (let i = 0; i < 3; i++) await stage.visit(HERE).connect({ ...WRONG, clientId: `${i}` });
  const fourth = await stage.visit(HERE).connect({ ...RIGHT, clientId: "fourth" });
  assertEquals(connackCode(fourth), "9f");
  assertEquals(seen, ["0", "1", "2"]);
  stage.expectLimited("logins", 3);
  await stage.clock.advance(3000);
  await stage.join({ ...RIGHT, clientId: "fourth" }, HERE);
});

Deno.test("a client that goes while its answer waits is gone, and the answer with it", async () => {
  await using stage = new Stage({ ...LIMITS, loginFailuresMax: 1 }, { authenticator: picky });
  await stage.visit(HERE).connect(WRONG);
  const second = stage.visit(HERE);
  await second.connect(WRONG);
  await second.leave();
  await stage.clock.advance(3000);
  assertEquals(await second.receive(), "");
  assertEquals(stage.broker.stats.connections, 0);
});

Deno.test("loginFailed is told who, from where and why, before the answer", async () => {
  const failures: LoginFailure[] = [];
  const hooks = { loginFailed: (failure: LoginFailure) => void failures.push(failure) };
  await using stage = new Stage(LIMITS, { authenticator: picky, hooks });
  await stage.visit(HERE).connect({ ...WRONG, clientId: "c1" });
  assertEquals(failures, [
    { address: HERE, clientId: "c1", username: "anna", reasonCode: 0x86 },
  ]);
});

Deno.test("takeOversMax are nothing special; at one more the newcomer waits", async () => {
  const limits = { takeOversMax: 2, takeOverForgetMs: 60_000, takeOverDelayMs: 3000 };
  await using stage = new Stage(limits);
  const twin = { clientId: "twin" };
  await stage.join(twin);
  await stage.join(twin);
  const holder = await stage.join(twin);
  stage.expectLimited("take-overs", 0);
  const next = stage.visit();
  assertEquals(await next.connect(twin), "");
  stage.expectLimited("take-overs", 1);
  assertEquals(stage.told.at(-1)!.clientId, "twin");
  // Meanwhile the one that is there stays, another is refused, and others come and go.
  assertEquals(await holder.send("c0 00"), "d000");
  assertEquals(connackCode(await stage.visit().connect(twin)), "9f");
  await stage.join({ clientId: "other" });
  await stage.clock.advance(2999);
  assertEquals(await next.receive(), "");
  await stage.clock.advance(1);
  assertEquals(connackCode(await next.receive()), "00");
  assert(holder.isEnded);
});

Deno.test("two clients that throw each other out do so once in takeOverDelayMs", async () => {
  const limits = { takeOversMax: 5, takeOverForgetMs: 60_000, takeOverDelayMs: 3000 };
  await using stage = new Stage(limits);
  const visitors = [stage.visit("192.0.2.1:1"), stage.visit("192.0.2.2:1")];
  for (const visitor of visitors) await visitor.connect({ clientId: "twin" });
  for (let ms = 0; ms < 60_000; ms += 100) {
    await stage.clock.advance(100);
    for (const [index, visitor] of visitors.entries()) {
      if (!visitor.isEnded) continue;
      visitor.pipe.end();
      visitors[index] = stage.visit(`192.0.2.${index + 1}:1`);
      await visitors[index]!.connect({ clientId: "twin" });
    }
  }
  const { connectsAccepted } = stage.broker.stats;
  assert(connectsAccepted <= 5 + 2 + 60_000 / 3000 + 2, `${connectsAccepted} were let in`);
});
