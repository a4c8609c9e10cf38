import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ReasonCode } from "../../codec/mod.ts";
import { DynamicSecurity } from "./dynamic_security.ts";
import { FieldError } from "./fields.ts";
import { clientOf, mustSend, SecurityWorld } from "./testdata/security_world.ts";

/** A file as `mosquitto_ctrl dynsec init` of mosquitto 2.0 writes it; the password is "adminpw". */
const INITIAL = {
  clients: [{
    username: "admin",
    textName: "Dynsec admin user",
    password:
      "5r6xGXl+7eOADQ7DdkLw0bkds79KrmYLXhSuynRSmxDL+dvZjPvFts6HaRdgTtbJsDL1fCWgK7Kj7MvVQjHbtQ==",
    salt: "zfE5IVVRA0y7KGPv",
    iterations: 101,
    roles: [{ rolename: "admin" }],
  }],
  roles: [{
    rolename: "admin",
    acls: [
      { acltype: "publishClientSend", topic: "$CONTROL/dynamic-security/#", allow: true },
      { acltype: "subscribePattern", topic: "$CONTROL/dynamic-security/#", allow: true },
    ],
  }],
  defaultACLAccess: {
    publishClientSend: false,
    publishClientReceive: true,
    subscribe: true,
    unsubscribe: true,
  },
};

async function importing(document: unknown) {
  const world = new SecurityWorld();
  const security = await DynamicSecurity.open(world);
  const text = typeof document === "string" ? document : JSON.stringify(document);
  return { world, security, imported: await security.import(text) };
}

async function login(security: DynamicSecurity, username: string, password: string) {
  const request = {
    ...clientOf(username),
    password: new TextEncoder().encode(password),
    userProperties: [],
  };
  return (await security.authenticator.authenticate(request)).reasonCode;
}

Deno.test("a file of mosquitto_ctrl is imported with its passwords", async () => {
  const { security, imported } = await importing(INITIAL);
  assertEquals(imported, { accounts: 1, groups: 0, roles: 1, faults: [] });
  assertEquals(await login(security, "admin", "adminpw"), ReasonCode.Success);
  assertEquals(await login(security, "admin", "other"), ReasonCode.NotAuthorized);
  const rules = security.authorizer();
  const topic = "$CONTROL/dynamic-security/v1";
  const request = { topic, qos: 0, retain: false, will: false } as const;
  assertEquals(rules.mayPublish(clientOf("admin"), request), true);
  assertEquals(rules.mayPublish(clientOf("admin"), { ...request, topic: "a" }), false);
  const filter = { filter: "a", qos: 0, group: null } as const;
  assertEquals(rules.maySubscribe(clientOf("admin"), filter), true, "by the default access");
});

Deno.test("what was imported is in the store, and shown as mosquitto shows it", async () => {
  const { world } = await importing(INITIAL);
  assertEquals(world.store.commits, 1);
  const again = new SecurityWorld(world.store);
  const security = await DynamicSecurity.open(again);
  assertEquals(security.isNew, false);
  assertEquals(await mustSend(again, security, { command: "getClient", username: "admin" }), {
    client: {
      username: "admin",
      textname: "Dynsec admin user",
      roles: [{ rolename: "admin" }],
      groups: [],
      connections: [],
    },
  });
  assertEquals(await login(security, "admin", "adminpw"), ReasonCode.Success);
});

Deno.test("groups are imported with their members, and the anonymous group", async () => {
  const { world, security } = await importing({
    ...INITIAL,
    groups: [{
      groupname: "g",
      textname: "G",
      roles: [{ rolename: "admin", priority: 4 }],
      clients: [{ username: "admin", priority: 7 }],
    }],
    anonymousGroup: "g",
  });
  assertEquals(await mustSend(world, security, { command: "getGroup", groupname: "g" }), {
    group: {
      groupname: "g",
      textname: "G",
      clients: [{ username: "admin" }],
      roles: [{ rolename: "admin", priority: 4 }],
    },
  });
  const anonymous = await mustSend(world, security, { command: "getAnonymousGroup" });
  assertEquals(anonymous, { group: { groupname: "g" } });
});

Deno.test("a password of mosquitto 2.1 is imported if it is PBKDF2, and told if it is Argon2", async () => {
  const [{ password, salt }] = INITIAL.clients as [typeof INITIAL.clients[0]];
  const { security, imported } = await importing({
    clients: [
      { username: "old", encoded_password: `$7$101$${salt}$${password}`, roles: [] },
      { username: "new", encoded_password: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA" },
    ],
  });
  assertEquals(await login(security, "old", "adminpw"), ReasonCode.Success);
  assertEquals(await login(security, "new", "adminpw"), ReasonCode.NotAuthorized);
  assertEquals(imported.accounts, 2);
  assertEquals(imported.faults.length, 1);
  assertStringIncludes(imported.faults[0]!, `client "new": Cannot use the password`);
  assertStringIncludes(imported.faults[0]!, "setClientPassword");
  assertEquals(imported.faults[0]!.includes("aGFzaA"), false, "the hash is not told");
});

Deno.test("what mosquitto leaves out is left out, and told", async () => {
  const { imported } = await importing({
    clients: [5, { username: 4 }, { username: "a", roles: [{ rolename: "none" }] }, {
      username: "a",
    }],
    groups: [{ groupname: "g", clients: [{ username: "nobody" }] }],
    roles: [{ rolename: "r", acls: [{ acltype: "?", topic: "a" }] }],
    anonymousGroup: "x",
  });
  assertEquals(imported, {
    accounts: 1,
    groups: 1,
    roles: 0,
    faults: [
      "roles[0]: Unknown acltype",
      "clients[1]: Invalid/missing username",
      "clients[3]: Client already exists",
      `groups[0].clients[0]: Client not found: "nobody"`,
      `settings: Group not found: "x"`,
      `client "a": Role not found: "none"`,
    ],
  });
});

Deno.test("a file that is none is refused without quoting it, and nothing is stored", async () => {
  for (const text of ["", `{"clients": "$7$secret`, "[]", `{"clients":4}`]) {
    const world = new SecurityWorld();
    const security = await DynamicSecurity.open(world);
    const error = await assertRejects(() => security.import(text), FieldError);
    assertEquals(error.message.includes("secret"), false, error.message);
    assertEquals(world.store.all.size, 0);
    assertEquals(security.counts, { accounts: 0, groups: 0, roles: 0 });
  }
});
