import { assertEquals } from "@std/assert";
import type { ConnectRequest } from "../auth/authenticator.ts";
import { staticUsers } from "../auth/static_users.ts";
import { ReasonCode } from "../codec/mod.ts";
import { AccountGate, RuleGate } from "./replaceable_auth.ts";

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

async function codeOf(gate: AccountGate, username: string | null, password: string | null) {
  return (await gate.authenticate(request(username, password))).reasonCode;
}

Deno.test("AccountGate decides about those without a name by itself, and about everyone without accounts", async () => {
  const gate = new AccountGate();
  assertEquals(await codeOf(gate, null, null), ReasonCode.NotAuthorized);
  assertEquals(await codeOf(gate, "ann", "x"), ReasonCode.NotAuthorized);
  gate.isAnonymousAllowed = true;
  assertEquals(await codeOf(gate, null, null), ReasonCode.Success);
  assertEquals(await codeOf(gate, "ann", "x"), ReasonCode.Success);
});

Deno.test("AccountGate asks the accounts about a name, and tells what mosquitto tells", async () => {
  const gate = new AccountGate();
  gate.accounts = staticUsers({ ann: "pencil" });
  gate.isAnonymousAllowed = true;
  assertEquals(await codeOf(gate, "ann", "pencil"), ReasonCode.Success);
  assertEquals(await codeOf(gate, "ann", "x"), ReasonCode.NotAuthorized);
  assertEquals(await codeOf(gate, "bob", "pencil"), ReasonCode.NotAuthorized);
  assertEquals(await codeOf(gate, null, null), ReasonCode.Success);
  assertEquals(gate.begin("SCRAM-SHA-256", request(null, null)), null);
});

Deno.test("RuleGate allows everything without rules, and asks those that it has", async () => {
  const gate = new RuleGate();
  const client = request("ann", null);
  const publish = { topic: "a", qos: 0, retain: false, will: false } as const;
  const subscribe = { filter: "a", qos: 0, group: null } as const;
  const answers = async () => [
    await gate.mayPublish(client, publish),
    await gate.maySubscribe(client, subscribe),
    gate.mayReceive(client, "a"),
  ];
  assertEquals(await answers(), [true, true, true]);
  gate.rules = { mayPublish: () => false, maySubscribe: () => false };
  assertEquals(await answers(), [false, false, true]);
  gate.rules = { mayPublish: () => true, maySubscribe: () => true, mayReceive: () => false };
  assertEquals(await answers(), [true, true, false]);
});
