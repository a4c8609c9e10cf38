import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import { ClientAccess } from "./client_access.ts";

const CLIENT = { clientId: "a" } as ClientInfo;
const PUBLISH = { topic: "t", qos: 0, retain: false, will: false } as const;
const SUBSCRIBE = { filter: "t", qos: 0 } as Parameters<ClientAccess["maySubscribe"]>[0];

/** The access of a client, and what the authorizer was asked. */
function world(authorizer: Partial<Authorizer> = {}) {
  const errors: string[] = [];
  const host = {
    accessVersion: 0,
    reportError: (error: unknown) => void errors.push((error as Error).message),
  };
  const full: Authorizer = { mayPublish: () => true, maySubscribe: () => true, ...authorizer };
  return { host, errors, access: new ClientAccess(host, full, CLIENT) };
}

/** An authorizer of deliveries that allows what is in `allowed`, and counts how often it is asked. */
function deliveries(allowed: Set<string>) {
  const asked: string[] = [];
  const mayReceive = (client: ClientInfo, topic: string): boolean => {
    assertEquals(client, CLIENT);
    asked.push(topic);
    return allowed.has(topic);
  };
  return { asked, ...world({ mayReceive }) };
}

Deno.test("ClientAccess answers at once where the authorizer does, and later where it does not", async () => {
  const now = world({ mayPublish: () => false, maySubscribe: () => true }).access;
  assertEquals([now.mayPublish(PUBLISH), now.maySubscribe(SUBSCRIBE)], [false, true]);
  const later = world({
    mayPublish: () => Promise.resolve(true),
    maySubscribe: () => Promise.resolve(false),
  }).access;
  const answers = [later.mayPublish(PUBLISH), later.maySubscribe(SUBSCRIBE)];
  assert(answers.every((answer) => answer instanceof Promise));
  assertEquals(await Promise.all(answers), [true, false]);
});

Deno.test("ClientAccess takes nothing but true and false for an answer", async () => {
  for (const answer of [undefined, null, 1, "yes", {}]) {
    const wrong = (() => answer) as never;
    const wrongLater = (() => Promise.resolve(answer)) as never;
    const { access } = world({ mayPublish: wrong, maySubscribe: wrongLater });
    assertThrows(() => access.mayPublish(PUBLISH), TypeError, "mayPublish");
    await assertRejects(
      async () => await access.maySubscribe(SUBSCRIBE),
      TypeError,
      "maySubscribe",
    );
  }
});

Deno.test("ClientAccess lets a client end its subscriptions where the authorizer does not decide", () => {
  const { access } = world();
  assertEquals([access.checksUnsubscribe, access.mayUnsubscribe(SUBSCRIBE)], [false, true]);
  const denied = world({ mayUnsubscribe: () => false }).access;
  assertEquals([denied.checksUnsubscribe, denied.mayUnsubscribe(SUBSCRIBE)], [true, false]);
});

Deno.test("ClientAccess lets a client receive everything where the authorizer does not decide", () => {
  const { access } = world();
  assertEquals([access.checksDelivery, access.mayReceive("t")], [false, true]);
});

Deno.test("ClientAccess asks about a delivery once while the topic stays the same", () => {
  const { access, asked } = deliveries(new Set(["a"]));
  const answers = ["a", "a", "b", "b", "a"].map((topic) => access.mayReceive(topic));
  assertEquals([answers, asked], [[true, true, false, false, true], ["a", "b", "a"]]);
});

Deno.test("ClientAccess forgets its last answer when permissions change", () => {
  const allowed = new Set(["a"]);
  const { access, asked, host } = deliveries(allowed);
  assertEquals(access.mayReceive("a"), true);
  allowed.clear();
  assertEquals(access.mayReceive("a"), true);
  host.accessVersion++;
  assertEquals([access.mayReceive("a"), asked.length], [false, 2]);
});

Deno.test("ClientAccess does not remember long topics, and does not mix them up", () => {
  const long = "x".repeat(1025);
  const { access, asked } = deliveries(new Set(["a", long]));
  const answers = ["a", long, long, `${long}y`, "a"].map((topic) => access.mayReceive(topic));
  assertEquals(answers, [true, true, true, false, true]);
  assertEquals(asked.length, 4);
});

Deno.test("ClientAccess denies a delivery whose authorizer fails, and reports the error once a topic", () => {
  const failing = () => {
    throw new Error("no answer");
  };
  const { access, errors } = world({ mayReceive: failing });
  const answers = ["a", "a", "b"].map((topic) => access.mayReceive(topic));
  assertEquals([answers, errors], [[false, false, false], ["no answer", "no answer"]]);
});

Deno.test("ClientAccess denies a delivery about which it is answered later, or with nonsense", () => {
  for (const answer of [Promise.resolve(true), undefined, 1]) {
    const { access, errors } = world({ mayReceive: (() => answer) as never });
    assertEquals([access.mayReceive("a"), errors.length], [false, 1]);
  }
});
