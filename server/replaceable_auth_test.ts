import { assertEquals } from "@std/assert";
import type { ConnectRequest } from "../auth/authenticator.ts";
import { staticUsers } from "../auth/static_users.ts";
import { ReasonCode } from "../codec/mod.ts";
import { ReplaceableAccounts, ReplaceableRules } from "./replaceable_auth.ts";

function request(username: string | null, password: string | null): ConnectRequest {
  return {
    clientId: "c",
    username,
    password: password === null ? null : new TextEncoder().encode(password),
    address: "127.0.0.1:1",
    protocolVersion: 5,
    userProperties: [],
  } as unknown as ConnectRequest;
}

async function codeOf(
  replaceable: ReplaceableAccounts,
  username: string | null,
  password: string | null,
) {
  return (await replaceable.authenticate(request(username, password))).reasonCode;
}

Deno.test("ReplaceableAccounts decides about those without a name by itself, and about everyone without accounts", async () => {
  const replaceable = new ReplaceableAccounts();
  assertEquals(await codeOf(replaceable, null, null), ReasonCode.NotAuthorized);
  assertEquals(await codeOf(replaceable, "ann", "x"), ReasonCode.NotAuthorized);
  replaceable.isAnonymousAllowed = true;
  assertEquals(await codeOf(replaceable, null, null), ReasonCode.Success);
  assertEquals(await codeOf(replaceable, "ann", "x"), ReasonCode.Success);
});

Deno.test("ReplaceableAccounts asks the accounts about a name, and tells what mosquitto tells", async () => {
  const replaceable = new ReplaceableAccounts();
  replaceable.accounts = staticUsers({ ann: "pencil" });
  replaceable.isAnonymousAllowed = true;
  assertEquals(await codeOf(replaceable, "ann", "pencil"), ReasonCode.Success);
  assertEquals(await codeOf(replaceable, "ann", "x"), ReasonCode.NotAuthorized);
  assertEquals(await codeOf(replaceable, "bob", "pencil"), ReasonCode.NotAuthorized);
  assertEquals(await codeOf(replaceable, null, null), ReasonCode.Success);
  assertEquals(replaceable.begin("SCRAM-SHA-256", request(null, null)), null);
});

Deno.test("ReplaceableAccounts lets a client stay whose account is there, and an anonymous one if allowed", () => {
  const replaceable = new ReplaceableAccounts();
  const stay = () => [null, "ann", "bob"].map((name) => replaceable.mayStay(request(name, null)));
  assertEquals(stay(), [false, false, false]);
  replaceable.isAnonymousAllowed = true;
  assertEquals(stay(), [true, true, true]);
  const { authenticate, mayStay } = staticUsers({ ann: "pencil" });
  replaceable.accounts = { authenticate, mayStay: mayStay! };
  assertEquals(stay(), [true, true, false]);
  replaceable.isAnonymousAllowed = false;
  assertEquals(stay(), [false, true, false]);
  // Those who cannot tell who has left, and those whose clients need no user name.
  replaceable.accounts = { authenticate, begin: () => null };
  assertEquals(stay(), [true, true, true]);
});

Deno.test("ReplaceableRules allows everything without rules, and asks those that it has", async () => {
  const replaceable = new ReplaceableRules();
  const client = request("ann", null);
  const publish = { topic: "a", qos: 0, retain: false, will: false } as const;
  const subscribe = { filter: "a", qos: 0, group: null } as const;
  const answers = async () => [
    await replaceable.mayPublish(client, publish),
    await replaceable.maySubscribe(client, subscribe),
    replaceable.mayReceive(client, "a"),
  ];
  assertEquals(await answers(), [true, true, true]);
  replaceable.rules = { mayPublish: () => false, maySubscribe: () => false };
  assertEquals(await answers(), [false, false, true]);
  replaceable.rules = { mayPublish: () => true, maySubscribe: () => true, mayReceive: () => false };
  assertEquals(await answers(), [true, true, false]);
});
