import { assert, assertEquals, assertThrows } from "@std/assert";
import { ReasonCode } from "../codec/mod.ts";
import type { AuthenticationExchange, Authenticator, Decision } from "./authenticator.ts";
import type { Authorizer } from "./authorizer.ts";
import { anyAuthorizer, everyAuthenticator, everyAuthorizer, firstAuthenticator } from "./chain.ts";
import { client, publication, request } from "./testdata/requests.ts";

const { Success, BadUserNameOrPassword, NotAuthorized, ServerUnavailable } = ReasonCode;

/** Answers as told, and notes that it was asked. */
function saying(decision: Decision, asked: Decision[] = []): Authenticator {
  return {
    authenticate() {
      asked.push(decision);
      return decision;
    },
  };
}

const stranger = { reasonCode: BadUserNameOrPassword };

Deno.test("firstAuthenticator() asks on while nobody knows the client", async () => {
  const ann = { reasonCode: Success, username: "ann" };
  const asked: Decision[] = [];
  const chain = firstAuthenticator(saying(stranger), saying(ann), saying(stranger, asked));
  assertEquals(await chain.authenticate(request()), ann);
  assertEquals(asked, []);
  const none = firstAuthenticator(saying(stranger), saying(stranger));
  assertEquals(await none.authenticate(request()), stranger);
});

Deno.test("firstAuthenticator() takes every other refusal as decided", async () => {
  for (const reasonCode of [NotAuthorized, ServerUnavailable, ReasonCode.Banned]) {
    const asked: Decision[] = [];
    const chain = firstAuthenticator(saying({ reasonCode }), saying({ reasonCode: 0 }, asked));
    assertEquals((await chain.authenticate(request())).reasonCode, reasonCode);
    assertEquals(asked, []);
  }
});

Deno.test("firstAuthenticator() leaves a method to the first that knows it", () => {
  const exchange: AuthenticationExchange = { next: () => ({ kind: "success" }) };
  const knowing = {
    ...saying(stranger),
    begin: (method: string) => method === "A" ? exchange : null,
  };
  const chain = firstAuthenticator(saying(stranger), knowing);
  assertEquals(chain.begin!("A", request()), exchange);
  assertEquals(chain.begin!("B", request()), null);
});

Deno.test("everyAuthenticator() grants the least of all", async () => {
  const yes: Authorizer = { mayPublish: () => true, maySubscribe: () => true };
  const no: Authorizer = { mayPublish: () => false, maySubscribe: () => true };
  const chain = everyAuthenticator(
    saying({ reasonCode: 0, expiresAtMs: 5, authorizer: yes }),
    saying({ reasonCode: 0, username: "ann", expiresAtMs: 3 }),
    saying({ reasonCode: 0, username: "ann", authorizer: no }),
  );
  const { reasonCode, username, expiresAtMs, authorizer } = await chain.authenticate(request());
  assertEquals({ reasonCode, username, expiresAtMs }, {
    reasonCode: 0,
    username: "ann",
    expiresAtMs: 3,
  });
  assert(!authorizer!.mayPublish(client, publication("a")));
  assert(authorizer!.maySubscribe(client, { filter: "a", qos: 0, group: null }));
});

Deno.test("everyAuthenticator() refuses with the first, and when names differ", async () => {
  const refusing = everyAuthenticator(saying({ reasonCode: 0 }), saying(stranger));
  assertEquals(await refusing.authenticate(request()), stranger);
  const quarrel = everyAuthenticator(
    saying({ reasonCode: 0, username: "ann" }),
    saying({ reasonCode: 0, username: "bob" }),
  );
  assertEquals((await quarrel.authenticate(request())).reasonCode, NotAuthorized);
  assertEquals(refusing.begin, undefined);
});

Deno.test("everyAuthorizer() and anyAuthorizer() agree with && and ||, promised or not", async () => {
  const says = (answer: boolean, isLate: boolean): Authorizer => {
    const reply = () => isLate ? Promise.resolve(answer) : answer;
    return { mayPublish: reply, maySubscribe: reply };
  };
  for (let bits = 0; bits < 64; bits++) {
    const answers = [0, 1, 2].map((n) => (bits >> n & 1) === 1);
    const late = [3, 4, 5].map((n) => (bits >> n & 1) === 1);
    const authorizers = answers.map((answer, n) => says(answer, late[n]!));
    const every = everyAuthorizer(...authorizers).mayPublish(client, publication("a"));
    const any = anyAuthorizer(...authorizers)
      .maySubscribe(client, { filter: "a", qos: 0, group: null });
    assertEquals(await every, answers.every((answer) => answer));
    assertEquals(await any, answers.some((answer) => answer));
    if (!late.includes(true)) assert(typeof every === "boolean" && typeof any === "boolean");
  }
});

Deno.test("everyAuthorizer() and anyAuthorizer() take no word on deliveries for a yes", () => {
  const silent: Authorizer = { mayPublish: () => true, maySubscribe: () => true };
  const says = (answer: boolean): Authorizer => ({ ...silent, mayReceive: () => answer });
  const receive = ({ mayReceive }: Authorizer) => mayReceive?.(client, "a") ?? true;
  for (const [one, other] of [[true, true], [true, false], [false, true], [false, false]]) {
    assertEquals(receive(everyAuthorizer(says(one!), says(other!))), one && other);
    assertEquals(receive(anyAuthorizer(says(one!), says(other!))), one || other);
    assertEquals(receive(everyAuthorizer(silent, says(one!))), one);
    assertEquals(receive(anyAuthorizer(silent, says(one!))), true);
  }
  assertEquals(everyAuthorizer(silent, silent).mayReceive, undefined);
  assertEquals(anyAuthorizer(silent, says(true)).mayReceive, undefined);
});

Deno.test("chains keep whom a member keeps, or every member", () => {
  const says = (mayStay: boolean): Authenticator => ({
    ...saying({ reasonCode: 0 }),
    mayStay: () => mayStay,
  });
  const silent = saying({ reasonCode: 0 });
  const stays = (chain: Authenticator) => chain.mayStay!(client);
  assertEquals(stays(firstAuthenticator(says(false), says(true))), true);
  assertEquals(stays(firstAuthenticator(says(false), says(false))), false);
  assertEquals(stays(firstAuthenticator(says(false), silent)), true);
  assertEquals(stays(everyAuthenticator(says(false), says(true))), false);
  assertEquals(stays(everyAuthenticator(says(true), silent)), true);
  assertEquals(stays(everyAuthenticator(says(false), silent)), false);
});

Deno.test("a chain of nobody is refused: it would let everyone in, or nobody", () => {
  const chains = [firstAuthenticator, everyAuthenticator, everyAuthorizer, anyAuthorizer];
  for (const chain of chains) assertThrows(() => chain(), TypeError, "no members");
});
