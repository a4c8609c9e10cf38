import { assertEquals, assertStringIncludes } from "@std/assert";
import { ReasonCode } from "../../codec/mod.ts";
import { COMMANDS } from "./commands.ts";
import { DynamicSecurity } from "./dynamic_security.ts";
import * as limits from "./limits.ts";
import {
  clientOf,
  mustSend,
  SecurityWorld,
  send,
  type TestAccountStore,
} from "./testdata/security_world.ts";

async function begin(store?: TestAccountStore) {
  const world = new SecurityWorld(store);
  return { world, security: await DynamicSecurity.open(world) };
}

function login(security: DynamicSecurity, username: string, password: string, clientId = "c") {
  return security.authenticator.authenticate({
    ...clientOf(username, clientId),
    password: new TextEncoder().encode(password),
    userProperties: [],
  });
}

const createAda = {
  command: "createClient",
  username: "ada",
  password: "lovelace",
  textname: "Ada",
};

Deno.test("there are the 32 commands of mosquitto, in any case", async () => {
  assertEquals(COMMANDS.size, 32);
  const { world, security } = await begin();
  const [answer] = await send(world, security, { command: "LISTclients" });
  assertEquals(answer, { command: "LISTclients", data: { totalCount: 0, clients: [] } });
});

Deno.test("answers are in the order of the commands, with their correlation data", async () => {
  const { world, security } = await begin();
  const answers = await send(
    world,
    security,
    { ...createAda, correlationData: "1" },
    { command: "nothing", correlationData: "2" },
    { ...createAda, correlationData: "3" },
    { command: "getClient", username: "ada", correlationData: "4" },
  );
  assertEquals(answers, [
    { command: "createClient", correlationData: "1" },
    { command: "nothing", correlationData: "2", error: "Unknown command" },
    { command: "createClient", correlationData: "3", error: "Client already exists" },
    {
      command: "getClient",
      correlationData: "4",
      data: {
        client: { username: "ada", textname: "Ada", roles: [], groups: [], connections: [] },
      },
    },
  ]);
});

Deno.test("what is no command is answered with an error", async () => {
  const { world, security } = await begin();
  const raw = async (text: string) => {
    await security.handle(clientOf("admin"), new TextEncoder().encode(text));
    return JSON.parse(world.published.at(-1)!).responses;
  };
  const unknown = (error: string) => [{ command: "Unknown command", error }];
  assertEquals(await raw("no"), unknown("Payload not valid JSON"));
  assertEquals(await raw("[]"), unknown("Invalid/missing commands"));
  assertEquals(await raw(`{"commands":4}`), unknown("Invalid/missing commands"));
  assertEquals(await raw(`{"commands":[4]}`), unknown("Command not an object"));
  assertEquals(await raw(`{"commands":[{"command":4}]}`), unknown("Missing command"));
  assertEquals(await raw(`{"commands":[]}`), []);
  await security.handle(clientOf("admin"), new Uint8Array([0x22, 0xff, 0x22]));
  assertEquals(JSON.parse(world.published.at(-1)!).responses, unknown("Payload not valid JSON"));
});

Deno.test("a field of the wrong type is an error, and changes nothing", async () => {
  const { world, security } = await begin();
  const answers = await send(
    world,
    security,
    { command: "createClient" },
    { command: "createClient", username: "" },
    { command: "createClient", username: "a\0b" },
    { command: "createClient", username: "\ud800" },
    { command: "createClient", username: "a", password: 5 },
    { command: "createClient", username: "a", roles: {} },
    { command: "createClient", username: "a", roles: [4] },
    { command: "createClient", username: "a", roles: [{ rolename: "r", priority: "high" }] },
    { command: "createClient", username: "a", roles: [{ rolename: "r" }] },
    { command: "createRole", rolename: "r", acls: [{ acltype: "x", topic: "a" }] },
    {
      command: "createRole",
      rolename: "r",
      acls: [{ acltype: "subscribeLiteral", topic: "a/#/b" }],
    },
    { command: "setDefaultACLAccess" },
    { command: "setDefaultACLAccess", acls: [{ acltype: "subscribe", allow: "no" }] },
  );
  assertEquals(answers.filter(({ error }) => typeof error !== "string"), []);
  assertEquals(world.store.commits, 0);
  assertEquals(world.store.all.size, 0);
});

Deno.test("a change is stored before it is answered, and is there after a restart", async () => {
  const { world, security } = await begin();
  await mustSend(
    world,
    security,
    { command: "createRole", rolename: "r", acls: [{ acltype: "subscribeLiteral", topic: "a" }] },
    { command: "createGroup", groupname: "g", roles: [{ rolename: "r", priority: 3 }] },
    { ...createAda, groups: [{ groupname: "g", priority: 2 }], roles: [{ rolename: "r" }] },
    { command: "setAnonymousGroup", groupname: "g" },
    { command: "setDefaultACLAccess", acls: [{ acltype: "subscribe", allow: true }] },
    { command: "disableClient", username: "ada" },
  );
  assertEquals(world.store.commits, 1);
  const lists = [
    { command: "listClients", verbose: true },
    { command: "listGroups", verbose: true },
    { command: "listRoles", verbose: true },
    { command: "getAnonymousGroup" },
    { command: "getDefaultACLAccess" },
    { command: "getDetails" },
  ];
  const before = await send(world, security, ...lists);
  const again = await begin(world.store);
  assertEquals(await send(again.world, again.security, ...lists), before);
  const details = { clientCount: 1, groupCount: 1, roleCount: 1, changeIndex: 1 };
  assertEquals(before[5]!.data, details);
});

Deno.test("a change that cannot be stored is undone, and answered with an error", async () => {
  const { world, security } = await begin();
  await mustSend(world, security, createAda, { command: "createRole", rolename: "r" });
  world.store.fault = new Error("disk full");
  const [first, second] = await send(
    world,
    security,
    { command: "addClientRole", username: "ada", rolename: "r", correlationData: "x" },
    { command: "deleteRole", rolename: "r" },
  );
  assertEquals(first!.correlationData, "x");
  assertStringIncludes(first!.error as string, "could not be stored");
  assertStringIncludes(second!.error as string, "could not be stored");
  assertEquals(world.failures, [world.store.fault]);
  world.store.fault = null;
  const { client } = await mustSend(world, security, { command: "getClient", username: "ada" });
  assertEquals((client as { roles: unknown }).roles, []);
  await mustSend(world, security, { command: "getRole", rolename: "r" });
});

Deno.test("only the right password lets in an account that is enabled", async () => {
  const { world, security } = await begin();
  await mustSend(world, security, createAda, { command: "createClient", username: "mute" });
  const code = async (...args: [string, string, string?]) =>
    (await login(security, ...args)).reasonCode;
  assertEquals(await code("ada", "lovelace"), ReasonCode.Success);
  assertEquals(await code("ada", "wrong"), ReasonCode.NotAuthorized);
  assertEquals(await code("mute", ""), ReasonCode.NotAuthorized, "it has no password");
  assertEquals(await code("bob", "x"), ReasonCode.BadUserNameOrPassword, "not known here");
  await mustSend(world, security, { command: "disableClient", username: "ada" });
  assertEquals(await code("ada", "lovelace"), ReasonCode.NotAuthorized);
  await mustSend(
    world,
    security,
    { command: "enableClient", username: "ada" },
    { command: "setClientId", username: "ada", clientid: "lamp" },
    { command: "setClientPassword", username: "ada", password: "new" },
  );
  assertEquals(await code("ada", "new"), ReasonCode.NotAuthorized, "another client identifier");
  assertEquals(await code("ada", "new", "lamp"), ReasonCode.Success);
  await mustSend(world, security, { command: "setClientId", username: "ada" });
  assertEquals(await code("ada", "new"), ReasonCode.Success);
});

Deno.test("passwords are neither answered nor stored", async () => {
  const { world, security } = await begin();
  await mustSend(world, security, createAda);
  await send(world, security, { command: "listClients", verbose: true });
  const stored = [...world.store.all.values()].map((value) => new TextDecoder().decode(value));
  for (const text of [...world.published, ...stored, JSON.stringify(world.changes)]) {
    assertEquals(text.includes("lovelace"), false, text);
  }
  for (const text of world.published) assertEquals(text.includes("$7$"), false, text);
});

Deno.test("the answer is published before the clients that a change affects are disconnected", async () => {
  const { world, security } = await begin();
  world.connected = [clientOf("ada", "a1"), clientOf("bob", "b1"), clientOf(null, "n1")];
  await mustSend(
    world,
    security,
    createAda,
    { command: "createClient", username: "bob" },
    { command: "createRole", rolename: "r" },
    { command: "createGroup", groupname: "g" },
  );
  assertEquals(world.events, ["publish $CONTROL/dynamic-security/v1/response"]);
  const kicked = async (command: Record<string, unknown>) => {
    world.events.length = 0;
    await mustSend(world, security, command);
    // This waits until the effects of the command before are done.
    await mustSend(world, security, { command: "getDetails" });
    assertEquals(world.events.slice(0, 2), [
      "access changed",
      "publish $CONTROL/dynamic-security/v1/response",
    ]);
    return world.events.filter((event) => event.startsWith("disconnect")).map((event) =>
      event.slice("disconnect ".length)
    );
  };
  const ada = { username: "ada" };
  const inGroup = { groupname: "g", ...ada };
  const acl = { rolename: "r", acltype: "subscribeLiteral", topic: "a" };
  assertEquals(await kicked({ command: "setClientPassword", ...ada, password: "x" }), ["a1"]);
  assertEquals(await kicked({ command: "setClientId", ...ada, clientid: "" }), ["a1"]);
  assertEquals(await kicked({ command: "addGroupClient", ...inGroup }), ["a1"]);
  assertEquals(await kicked({ command: "addGroupRole", groupname: "g", rolename: "r" }), ["a1"]);
  assertEquals(await kicked({ command: "addRoleACL", ...acl, allow: true }), ["a1"]);
  assertEquals(await kicked({ command: "setAnonymousGroup", groupname: "g" }), ["n1"]);
  assertEquals(await kicked({ command: "removeRoleACL", ...acl }), ["a1", "n1"]);
  assertEquals(await kicked({ command: "modifyRole", rolename: "r", acls: [] }), ["a1", "n1"]);
  assertEquals(
    await kicked({ command: "modifyGroup", groupname: "g", clients: [{ username: "bob" }] }),
    ["a1", "b1", "n1"],
  );
  assertEquals(await kicked({ command: "removeGroupClient", ...inGroup }), ["a1"]);
  assertEquals(await kicked({ command: "addClientRole", ...ada, rolename: "r" }), ["a1"]);
  assertEquals(await kicked({ command: "deleteRole", rolename: "r" }), ["a1", "b1", "n1"]);
  assertEquals(await kicked({ command: "modifyClient", username: "bob", textname: "b" }), ["b1"]);
  assertEquals(await kicked({ command: "disableClient", ...ada }), ["a1"]);
  assertEquals(await kicked({ command: "deleteClient", ...ada }), ["a1"]);
  const open = [{ acltype: "subscribe", allow: true }];
  assertEquals(await kicked({ command: "setDefaultACLAccess", acls: open }), []);
  assertEquals(world.events.includes("reauthorize"), true);
});

Deno.test("enabling, creating and describing disturb nobody", async () => {
  const { world, security } = await begin();
  world.connected = [clientOf("ada", "a1"), clientOf(null, "n1")];
  await mustSend(
    world,
    security,
    createAda,
    { command: "createRole", rolename: "r" },
    { command: "createGroup", groupname: "g" },
    { command: "modifyRole", rolename: "r", textname: "R", allowwildcardsubs: true },
    { command: "enableClient", username: "ada" },
    { command: "getClient", username: "ada" },
  );
  assertEquals(world.events, ["publish $CONTROL/dynamic-security/v1/response"]);
});

Deno.test("a deleted role or group is gone from everyone, also if the name is used again", async () => {
  const { world, security } = await begin();
  await mustSend(
    world,
    security,
    { command: "createRole", rolename: "r" },
    { command: "createGroup", groupname: "g", roles: [{ rolename: "r" }] },
    { ...createAda, roles: [{ rolename: "r" }], groups: [{ groupname: "g" }] },
    { command: "deleteRole", rolename: "r" },
    { command: "createRole", rolename: "r" },
  );
  const group = await mustSend(world, security, { command: "getGroup", groupname: "g" });
  assertEquals(group, {
    group: { groupname: "g", clients: [{ username: "ada" }], roles: [] },
  });
  await mustSend(
    world,
    security,
    { command: "deleteGroup", groupname: "g" },
    { command: "createGroup", groupname: "g" },
  );
  const account = await mustSend(world, security, { command: "getClient", username: "ada" });
  assertEquals(account, {
    client: { username: "ada", textname: "Ada", roles: [], groups: [], connections: [] },
  });
});

Deno.test("the anonymous group cannot be deleted", async () => {
  const { world, security } = await begin();
  await mustSend(
    world,
    security,
    { command: "createGroup", groupname: "g" },
    { command: "setAnonymousGroup", groupname: "g" },
  );
  const [answer] = await send(world, security, { command: "deleteGroup", groupname: "g" });
  assertEquals(answer!.error, "Deleting the anonymous group is forbidden");
});

Deno.test("lists are in order, and as long as asked for", async () => {
  const { world, security } = await begin();
  const usernames = ["d", "b", "e", "a", "c"];
  await mustSend(
    world,
    security,
    ...usernames.map((username) => ({ command: "createClient", username })),
  );
  const list = async (more: Record<string, unknown>) =>
    await mustSend(world, security, { command: "listClients", ...more });
  assertEquals(await list({}), { totalCount: 5, clients: ["a", "b", "c", "d", "e"] });
  assertEquals(await list({ count: 2, offset: 1 }), { totalCount: 5, clients: ["b", "c"] });
  assertEquals(await list({ count: 9, offset: 4 }), { totalCount: 5, clients: ["e"] });
  assertEquals(await list({ count: -1, offset: 9 }), { totalCount: 5, clients: [] });
  await mustSend(world, security, { command: "deleteClient", username: "c" });
  assertEquals(await list({}), { totalCount: 4, clients: ["a", "b", "d", "e"] });
});

Deno.test("an account is shown with the addresses of its clients", async () => {
  const { world, security } = await begin();
  await mustSend(world, security, { command: "createClient", username: "ada" });
  world.connected = [clientOf("ada", "one"), clientOf("ada", "two"), clientOf("bob", "three")];
  const { client } = await mustSend(world, security, { command: "getClient", username: "ada" });
  const connections = [{ address: "127.0.0.1:5" }, { address: "127.0.0.1:5" }];
  assertEquals(client, { username: "ada", roles: [], groups: [], connections });
});

Deno.test("a message may have so many bytes and commands, and an answer so many characters", async () => {
  const { world, security } = await begin();
  await security.handle(clientOf("admin"), new Uint8Array(limits.MESSAGE_BYTES_MAX + 1));
  assertStringIncludes(world.published[0]!, "more than 1048576 bytes");
  const many = new Array(limits.COMMANDS_PER_MESSAGE_MAX + 1).fill({ command: "listRoles" });
  assertStringIncludes((await send(world, security, ...many))[0]!.error as string, "at most 1000");
  const textdescription = "x".repeat(limits.TEXT_CHARS_MAX);
  for (let from = 0; from < 2500; from += 250) {
    const roles = Array.from({ length: 250 }, (_, at) => `r${from + at}`);
    await mustSend(
      world,
      security,
      ...roles.map((rolename) => ({ command: "createRole", rolename, textdescription })),
    );
  }
  const [answer] = await send(world, security, { command: "listRoles", verbose: true });
  assertStringIncludes(answer!.error as string, "count and offset");
  assertEquals((await send(world, security, { command: "listRoles" }))[0]!.error, undefined);
});

Deno.test("names, texts, ACLs, roles and groups have limits", async () => {
  const { world, security } = await begin();
  const error = async (command: Record<string, unknown>) =>
    (await send(world, security, command))[0]!.error as string;
  const long = (chars: number) => "x".repeat(chars + 1);
  const create = { command: "createClient", username: "a" };
  assertStringIncludes(
    await error({ ...create, username: long(limits.NAME_CHARS_MAX) }),
    "more than 1024",
  );
  assertStringIncludes(await error({ ...create, textname: long(4096) }), "more than 4096");
  assertStringIncludes(await error({ ...create, password: long(4096) }), "more than 4096");
  const roles = Array.from({ length: 65 }, (_, at) => ({ rolename: `r${at}` }));
  assertStringIncludes(await error({ ...create, roles }), "at most 64");
  await mustSend(world, security, ...roles.map((role) => ({ command: "createRole", ...role })));
  await mustSend(world, security, { ...create, roles: roles.slice(1) });
  assertStringIncludes(
    await error({ command: "addClientRole", username: "a", rolename: "r0" }),
    "at most 64",
  );
  const acls = Array.from(
    { length: limits.ROLE_ACLS_MAX },
    (_, at) => ({ acltype: "subscribeLiteral", topic: `t/${at}` }),
  );
  await mustSend(world, security, { command: "modifyRole", rolename: "r0", acls });
  const more = { acltype: "subscribePattern", topic: "one/more" };
  assertStringIncludes(
    await error({ command: "addRoleACL", rolename: "r0", ...more }),
    "at most 512",
  );
  const groups = Array.from({ length: 65 }, (_, at) => ({ groupname: `g${at}` }));
  await mustSend(world, security, ...groups.map((group) => ({ command: "createGroup", ...group })));
  await mustSend(world, security, {
    command: "modifyClient",
    username: "a",
    groups: groups.slice(1),
  });
  assertStringIncludes(
    await error({ command: "addGroupClient", username: "a", groupname: "g0" }),
    "at most 64",
  );
});

Deno.test("commands beyond a burst wait", async () => {
  const { world, security } = await begin();
  const many = new Array(limits.COMMANDS_PER_MESSAGE_MAX).fill({ command: "getDetails" });
  await send(world, security, ...many);
  await send(world, security, ...many);
  assertEquals(world.waits, []);
  await send(world, security, ...many);
  assertEquals(world.waits, [2000]);
});

Deno.test("messages beyond those that may wait are answered with an error", async () => {
  const { world, security } = await begin();
  const payload = new TextEncoder().encode(`{"commands":[{"command":"getDetails"}]}`);
  const sent = Array.from(
    { length: limits.MESSAGES_WAITING_MAX + 2 },
    () => security.handle(clientOf("admin"), payload),
  );
  await Promise.all(sent);
  const refused = world.published.filter((text) => text.includes("Too many commands wait"));
  assertEquals(refused.length, 1);
  assertEquals(security.waiting, 0);
});

Deno.test("the log is told who has changed what", async () => {
  const { world, security } = await begin();
  const acl = { rolename: "r", acltype: "subscribeLiteral", topic: "a" };
  await mustSend(
    world,
    security,
    { command: "createRole", rolename: "r" },
    { command: "addRoleACL", ...acl },
    { command: "getRole", rolename: "r" },
  );
  const by = `client "ctrl", user "admin"`;
  assertEquals(world.changes, [
    { command: "createRole", names: ["r"], by },
    { command: "addRoleACL", names: ["r", "subscribeLiteral", "a"], by },
  ]);
});

Deno.test("a row that cannot be read is counted, and the others are there", async () => {
  const { world, security } = await begin();
  await mustSend(world, security, createAda, { command: "createRole", rolename: "r" });
  const key = [...world.store.all.keys()].find((key) => key.startsWith("03"))!;
  world.store.all.set(key, new TextEncoder().encode("{"));
  world.store.all.set("07", new TextEncoder().encode("{}"));
  const again = await begin(world.store);
  assertEquals(again.security.unreadable, 2);
  assertEquals(again.security.counts, { accounts: 0, groups: 0, roles: 1 });
  assertEquals(again.security.isNew, false);
});
