import { assertEquals } from "@std/assert";
import { decide } from "./access.ts";
import { Accounts } from "./accounts.ts";
import {
  type Acl,
  type AclType,
  type Action,
  type Group,
  groupOrder,
  orderAcls,
  type Role,
  roleOrder,
} from "./model.ts";
import { clientOf } from "./testdata/security_world.ts";

const texts = { textName: null, textDescription: null };

/** `allow publishClientSend a/# 5` */
function acl(text: string): Acl {
  const [verb, type, topic, priority = "0"] = text.split(" ");
  return {
    type: type as AclType,
    topic: topic!,
    allow: verb === "allow",
    priority: Number(priority),
  };
}

function role(rolename: string, ...acls: readonly string[]): Role {
  return { rolename, ...texts, allowsWildcards: true, acls: orderAcls(acls.map(acl)) };
}

/** Names with priorities: `{ low: 1, high: 2 }`. */
function roles(of: Record<string, number>) {
  return Object.entries(of)
    .map(([rolename, priority]) => ({ rolename, priority }))
    .sort(roleOrder);
}

function group(groupname: string, of: Record<string, number>): Group {
  return { groupname, ...texts, roles: roles(of) };
}

function world(own: Record<string, number>, groups: Record<string, number> = {}): Accounts {
  const accounts = new Accounts();
  const memberships = Object.entries(groups)
    .map(([groupname, priority]) => ({ groupname, priority }))
    .sort(groupOrder);
  accounts.setAccount({
    username: "ada",
    ...texts,
    clientId: null,
    isDisabled: false,
    password: null,
    roles: roles(own),
    groups: memberships,
  });
  return accounts;
}

function ask(accounts: Accounts, topic: string, action: Action = "publishClientSend") {
  return decide(accounts, clientOf("ada"), action, topic);
}

Deno.test("the ACL with the highest priority that matches decides, whatever it says", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role(
    "r",
    "allow publishClientSend a/# 1",
    "deny publishClientSend a/secret 2",
    "allow publishClientSend a/secret/+ 3",
    "deny publishClientSend a/secret/x 1",
  ));
  assertEquals(ask(accounts, "a/b"), true);
  assertEquals(ask(accounts, "a/secret"), false);
  assertEquals(ask(accounts, "a/secret/x"), true);
  assertEquals(ask(accounts, "b"), null, "no ACL is about it");
});

Deno.test("of ACLs with the same priority the first one decides", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role("r", "deny publishClientSend a/+", "allow publishClientSend a/#"));
  assertEquals(ask(accounts, "a/b"), false);
  assertEquals(ask(accounts, "a/b/c"), true);
});

Deno.test("roles are asked by their priority for the account, then by name", () => {
  const accounts = world({ low: 1, high: 2 });
  accounts.setRole(role("low", "allow publishClientSend a"));
  accounts.setRole(role("high", "deny publishClientSend a"));
  assertEquals(ask(accounts, "a"), false);
  const equal = world({ zoe: -1, bob: -1 });
  equal.setRole(role("zoe", "deny publishClientSend a"));
  equal.setRole(role("bob", "allow publishClientSend a"));
  assertEquals(ask(equal, "a"), true);
});

Deno.test("the account's own roles come before those of its groups, whatever the priorities", () => {
  const accounts = world({ own: -5 }, { g: 100 });
  accounts.setRole(role("own", "allow publishClientSend a"));
  accounts.setRole(role("theirs", "deny publishClientSend #"));
  accounts.setGroup(group("g", { theirs: 100 }));
  assertEquals(ask(accounts, "a"), true);
  assertEquals(ask(accounts, "b"), false);
});

Deno.test("groups are asked by their priority for the account", () => {
  const accounts = world({}, { one: 1, two: 2 });
  accounts.setRole(role("yes", "allow publishClientSend a"));
  accounts.setRole(role("no", "deny publishClientSend a"));
  accounts.setGroup(group("one", { yes: 9 }));
  accounts.setGroup(group("two", { no: 0 }));
  assertEquals(ask(accounts, "a"), false);
});

Deno.test("a role or a group that does not exist means nothing", () => {
  const accounts = world({ gone: 9, r: 1 }, { none: 1 });
  accounts.setRole(role("r", "allow publishClientSend a"));
  assertEquals(ask(accounts, "a"), true);
  assertEquals(ask(accounts, "b"), null);
});

Deno.test("without an ACL the default access allows, and never refuses for other rules", () => {
  const accounts = world({});
  assertEquals(ask(accounts, "a", "publishClientSend"), null);
  assertEquals(ask(accounts, "a", "subscribe"), null);
  assertEquals(ask(accounts, "a", "publishClientReceive"), true);
  assertEquals(ask(accounts, "a", "unsubscribe"), true);
});

Deno.test("the default access is never one to $CONTROL", () => {
  const accounts = world({});
  const defaultAccess = {
    publishClientSend: true,
    publishClientReceive: true,
    subscribe: true,
    unsubscribe: true,
  };
  accounts.setSettings({ ...accounts.settings, defaultAccess });
  assertEquals(ask(accounts, "a"), true);
  assertEquals(ask(accounts, "$CONTROL/dynamic-security/v1"), null);
  assertEquals(ask(accounts, "$CONTROL/#", "subscribe"), null);
});

Deno.test("an ACL with # does not match topics that begin with a dollar [MQTT-4.7.2-1]", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role("r", "allow publishClientSend #", "allow subscribePattern #"));
  assertEquals(ask(accounts, "$CONTROL/dynamic-security/v1"), null);
  assertEquals(ask(accounts, "$CONTROL/#", "subscribe"), null);
});

Deno.test("a user without an account is left to other rules, and so is not even the default", () => {
  const accounts = world({});
  assertEquals(decide(accounts, clientOf("bob"), "publishClientReceive", "a"), null);
});

Deno.test("a client without a user name has the roles of the anonymous group", () => {
  const accounts = world({});
  accounts.setRole(role("r", "allow publishClientSend open/#"));
  accounts.setGroup(group("guests", { r: 0 }));
  const guest = clientOf(null);
  assertEquals(decide(accounts, guest, "publishClientSend", "open/a"), null);
  accounts.setSettings({ ...accounts.settings, anonymousGroup: "guests" });
  assertEquals(decide(accounts, guest, "publishClientSend", "open/a"), true);
  assertEquals(decide(accounts, guest, "publishClientSend", "a"), null);
  assertEquals(decide(accounts, guest, "publishClientReceive", "a"), true);
});

Deno.test("a pattern allows every filter that it covers, and a literal only the very filter", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role("r", "allow subscribePattern a/#", "allow subscribeLiteral b/+/c"));
  for (const filter of ["a", "a/#", "a/+/b", "b/+/c"]) {
    assertEquals(ask(accounts, filter, "subscribe"), true, filter);
  }
  for (const filter of ["#", "+/b", "b/x/c", "b/#"]) {
    assertEquals(ask(accounts, filter, "subscribe"), null, filter);
  }
});

Deno.test("a literal ACL of a role decides before its patterns", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role("r", "allow subscribePattern a/# 9", "deny subscribeLiteral a/#"));
  assertEquals(ask(accounts, "a/#", "subscribe"), false);
  assertEquals(ask(accounts, "a/b", "subscribe"), true);
});

Deno.test("subscribing, unsubscribing, sending and receiving have ACLs of their own", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role("r", "deny unsubscribePattern a/#", "deny publishClientReceive b"));
  assertEquals(ask(accounts, "a/b", "unsubscribe"), false);
  assertEquals(ask(accounts, "b", "unsubscribe"), true);
  assertEquals(ask(accounts, "b", "publishClientReceive"), false);
  assertEquals(ask(accounts, "a/b", "subscribe"), null);
});

Deno.test("a role without wildcard subscriptions refuses them, but not plain ones", () => {
  const accounts = world({ r: 0 });
  accounts.setRole({ ...role("r", "allow subscribePattern a/#"), allowsWildcards: false });
  assertEquals(ask(accounts, "a/b", "subscribe"), true);
  assertEquals(ask(accounts, "a/+", "subscribe"), false);
});

Deno.test("%u and %c stand for the names of the client", () => {
  const accounts = world({ r: 0 });
  accounts.setRole(role("r", "allow publishClientSend u/%u/c/%c/#", "allow subscribePattern %c/+"));
  const client = clientOf("ada", "lamp");
  assertEquals(decide(accounts, client, "publishClientSend", "u/ada/c/lamp/x"), true);
  assertEquals(decide(accounts, client, "publishClientSend", "u/bob/c/lamp/x"), null);
  assertEquals(decide(accounts, client, "subscribe", "lamp/+"), true);
  assertEquals(decide(accounts, client, "subscribe", "other/+"), null);
});

Deno.test("a client identifier that would change the filter widens no permission, evades no ban", () => {
  const accounts = world({ r: 1, s: 0 });
  accounts.setRole(role("r", "allow publishClientSend own/%c", "allow publishClientSend open"));
  const may = (clientId: string, topic: string) =>
    decide(accounts, clientOf("ada", clientId), "publishClientSend", topic);
  for (const clientId of ["#", "+", "a/b"]) {
    assertEquals(may(clientId, "own/x"), null);
    assertEquals(may(clientId, "open"), true);
  }
  assertEquals(may("x", "own/x"), true);
  accounts.setRole(role("s", "deny publishClientSend blocked/%c", "allow publishClientSend #"));
  for (const clientId of ["#", "+", "a/b"]) assertEquals(may(clientId, "x"), false);
  assertEquals(may("a", "x"), true);
  assertEquals(may("a", "blocked/a"), false);
});

Deno.test("an ACL with %u is about nobody without a user name", () => {
  const accounts = world({});
  accounts.setRole(role("r", "deny publishClientSend %u/#", "allow publishClientSend a"));
  accounts.setGroup(group("guests", { r: 0 }));
  accounts.setSettings({ ...accounts.settings, anonymousGroup: "guests" });
  assertEquals(decide(accounts, clientOf(null), "publishClientSend", "a"), true);
});
