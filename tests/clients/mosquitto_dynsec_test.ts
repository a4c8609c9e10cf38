/**
 * Dynamic security as mosquitto's own tool sees it, and beside mosquitto's own plugin: the same
 * file, the same commands, the same answers.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../client/mod.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import { Admin, type Command } from "../harness/security_site.ts";
import { Site } from "../harness/server_site.ts";
import { dynamicSecurityPlugin, testWith } from "../harness/tools.ts";

/** Where Debian has the plugin. Fairway does not look for it. */
const SO = dynamicSecurityPlugin() ?? "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";

/** The lines of a mosquitto.conf. */
const CONF = `log_dest stdout
listener 0 127.0.0.1
persistence true
persistence_location FOLDER
plugin ${SO}
plugin_opt_config_file FOLDER/dynamic-security.json
`;

const LOGIN = { clientId: "ctrl", username: "admin", password: "adminpw" };

/** Runs mosquitto_ctrl to its end. */
async function ctrl(args: readonly string[]): Promise<string> {
  await using child = new Child("mosquitto_ctrl", [...args]);
  const { code, stdout, stderr } = await child.outcome();
  // It warns of every connection that is not encrypted, and succeeds whatever is answered.
  const errors = stderr.split("\n").filter((line) => /Error/.test(line));
  if (code !== 0 || errors.length > 0) throw new Error(`${args.join(" ")}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** A file with an administrator, as mosquitto's own tool makes it. */
async function initFile(folder: string): Promise<void> {
  await ctrl(["dynsec", "init", `${folder}/dynamic-security.json`, "admin", "adminpw"]);
}

testWith(
  ["mosquitto_ctrl"],
  "mosquitto_ctrl makes the file, and administers the server that begins with it",
  async () => {
    await using site = await Site.make({ "fairway.conf": CONF });
    await initFile(site.folder);
    let server = await site.start();
    const dynsec = (...args: string[]) =>
      ctrl(
        `-h 127.0.0.1 -p ${server.port} -u admin -P adminpw dynsec`.split(" ").concat(args),
      );
    assertEquals(await dynsec("listClients"), "admin");
    await dynsec("createRole", "lamp");
    await dynsec("addRoleACL", "lamp", "publishClientSend", "lamps/%u/#", "allow", "5");
    await dynsec("addRoleACL", "lamp", "subscribePattern", "lamps/#", "allow");
    await dynsec("addRoleACL", "lamp", "publishClientReceive", "lamps/secret", "deny");
    await dynsec("removeRoleACL", "lamp", "publishClientReceive", "lamps/secret");
    await dynsec("createGroup", "house");
    await dynsec("addGroupRole", "house", "lamp", "3");
    await dynsec("createClient", "ada", "-p", "lovelace", "-c", "ada-1");
    await dynsec("addGroupClient", "house", "ada", "7");
    await dynsec("addClientRole", "ada", "lamp", "9");
    await dynsec("setDefaultACLAccess", "unsubscribe", "deny");
    await dynsec("setAnonymousGroup", "house");
    const shown = async () => ({
      client: await dynsec("getClient", "ada"),
      role: await dynsec("getRole", "lamp"),
      group: await dynsec("getGroup", "house"),
      clients: await dynsec("listClients"),
      access: await dynsec("getDefaultACLAccess"),
      anonymous: await dynsec("getAnonymousGroup"),
    });
    const before = await shown();
    assertEquals(before, {
      client: "Username: ada\nClientid: ada-1\nRoles:    lamp (priority: 9)\n" +
        "Groups:   house (priority: 7)",
      role: "Rolename: lamp\nACLs:     publishClientSend    : allow : lamps/%u/# (priority: 5)\n" +
        "          subscribePattern     : allow : lamps/# (priority: 0)",
      group: "Groupname: house\nRoles:     lamp (priority: 3)\nClients:   ada",
      clients: "ada\nadmin",
      access: "publishClientSend    : deny\npublishClientReceive : allow\n" +
        "subscribe            : deny\nunsubscribe          : deny",
      anonymous: "house",
    });
    // The complaint of mosquitto's users: what was answered is there after a kill.
    await server.kill();
    await Deno.remove(`${site.folder}/dynamic-security.json`);
    server = await site.start();
    assertStringIncludes(server.stdout, "2 accounts, 1 groups and 2 roles in the store");
    assertEquals(await shown(), before);
    await using ada = await connect(`mqtt://127.0.0.1:${server.port}`, {
      clientId: "ada-1",
      username: "ada",
      password: "lovelace",
    });
    await ada.publish("lamps/ada/x", "on", { qos: 1 });
    await dynsec("setClientId", "ada");
    await dynsec("setClientPassword", "ada", "new");
    await dynsec("disableClient", "ada");
    await dynsec("enableClient", "ada");
    await dynsec("removeClientRole", "ada", "lamp");
    await dynsec("removeGroupRole", "house", "lamp");
    await dynsec("removeGroupClient", "house", "ada");
    await dynsec("deleteClient", "ada");
    await dynsec("deleteRole", "lamp");
    assertEquals(await dynsec("listClients"), "admin");
    assertEquals(await dynsec("listRoles"), "admin");
    assertEquals(await dynsec("listGroups"), "house");
    await site.stop();
  },
);

testWith(
  ["mosquitto_ctrl"],
  "without persistence the accounts are kept beside the file",
  async () => {
    const conf = CONF.replace("persistence true\npersistence_location FOLDER\n", "");
    await using site = await Site.make({ "fairway.conf": conf });
    await initFile(site.folder);
    const first = await site.start();
    assertStringIncludes(first.stdout, "imported 1 accounts, 0 groups and 1 roles");
    {
      await using admin = await Admin.connect(first.port, LOGIN);
      await admin.must({ command: "createClient", username: "ada" });
    }
    await first.kill();
    const second = await site.start();
    await using admin = await Admin.connect(second.port, LOGIN);
    const { clients } = await admin.must({ command: "listClients" });
    assertEquals(clients, ["ada", "admin"]);
    assert((await Deno.stat(`${site.folder}/dynamic-security.json.fairway`)).isDirectory);
  },
);

/** A server of each kind that begins with the same file. */
async function withBoth(
  fn: (ports: readonly [mosquitto: number, fairway: number]) => Promise<void>,
): Promise<void> {
  await using site = await Site.make({ "fairway.conf": CONF });
  await initFile(site.folder);
  // mosquitto writes to its file.
  await Deno.copyFile(`${site.folder}/dynamic-security.json`, `${site.folder}/theirs.json`);
  // Without such limits 2.0 ends a connection after it has refused a message.
  await using mosquitto = await BrokerProcess.startMosquitto(20, [
    "max_queued_messages 1000",
    "user root",
    `plugin ${SO}`,
    `plugin_opt_config_file ${site.folder}/theirs.json`,
  ]);
  await site.write("fairway.conf", CONF.replace("listener", "allow_anonymous true\nlistener"));
  const fairway = await site.start();
  await fn([mosquitto.port, fairway.port]);
  await site.stop();
}

/**
 * Commands whose answers are the same, in order; each list is one message. Those that name roles or
 * groups that do not exist are left out: mosquitto 2.0 uses memory that it has freed.
 */
const MESSAGES: readonly (readonly Command[])[] = [
  [{ command: "listClients" }, { command: "listGroups" }, { command: "listRoles" }],
  [{ command: "getRole", rolename: "admin" }, { command: "getClient", username: "admin" }],
  [{ command: "getDefaultACLAccess", correlationData: "a" }, { command: "getAnonymousGroup" }],
  [
    {
      command: "createRole",
      rolename: "r1",
      textname: "R",
      textdescription: "first",
      correlationData: "x",
      acls: [
        { acltype: "subscribePattern", topic: "a/#", priority: -1, allow: true },
        { acltype: "publishClientSend", topic: "b", priority: 5, allow: true },
        { acltype: "publishClientSend", topic: "c", allow: false },
        { acltype: "publishClientSend", topic: "d", priority: 9 },
        { acltype: "unsubscribeLiteral", topic: "e/+", allow: true },
      ],
    },
    { command: "createRole", rolename: "r1" },
    { command: "createRole", rolename: "r0" },
    { command: "createRole" },
    { command: "getRole", rolename: "r1" },
    { command: "listRoles", verbose: true, count: 2 },
  ],
  [
    { command: "createGroup", groupname: "g2", roles: [{ rolename: "r1", priority: 3 }] },
    { command: "createGroup", groupname: "g1", textname: "G", textdescription: "one" },
    { command: "createGroup", groupname: "g1" },
    { command: "listGroups" },
    { command: "listGroups", verbose: true },
  ],
  [
    {
      command: "createClient",
      username: "ada",
      password: "pw",
      clientid: "c1",
      textname: "Ada",
      textdescription: "who",
      groups: [{ groupname: "g1", priority: 2 }, { groupname: "g2" }],
      roles: [{ rolename: "r0" }, { rolename: "r1", priority: 4 }],
    },
    { command: "createClient", username: "ada" },
    { command: "createClient", username: "bob" },
    { command: "createClient", password: "x" },
    { command: "getClient", username: "ada" },
    { command: "getClient", username: "nobody" },
    { command: "listClients", verbose: true },
    { command: "listClients", count: 1, offset: 1 },
    { command: "listClients", count: 9, offset: 2 },
  ],
  [
    { command: "addRoleACL", rolename: "r0", acltype: "subscribeLiteral", topic: "x" },
    { command: "addRoleACL", rolename: "r0", acltype: "subscribeLiteral", topic: "x" },
    { command: "addRoleACL", rolename: "r0", acltype: "other", topic: "x" },
    { command: "addRoleACL", rolename: "r0", acltype: "subscribeLiteral", topic: "x/#/y" },
    { command: "addRoleACL", rolename: "none", acltype: "subscribeLiteral", topic: "x" },
    { command: "addRoleACL", rolename: "r0", topic: "x" },
    { command: "addRoleACL", rolename: "r0", acltype: "subscribeLiteral" },
    {
      command: "addRoleACL",
      rolename: "r0",
      acltype: "PUBLISHCLIENTSEND",
      topic: "y",
      allow: true,
    },
    { command: "removeRoleACL", rolename: "r0", acltype: "subscribeLiteral", topic: "nope" },
    { command: "getRole", rolename: "r0" },
    { command: "removeRoleACL", rolename: "r0", acltype: "subscribeLiteral", topic: "x" },
    { command: "getRole", rolename: "r0" },
  ],
  [
    { command: "addClientRole", username: "bob", rolename: "r1", priority: 1 },
    { command: "addClientRole", username: "bob", rolename: "r0" },
    { command: "addClientRole", username: "nobody", rolename: "r0" },
    { command: "addClientRole", username: "bob", rolename: "none" },
    { command: "getClient", username: "bob" },
    { command: "removeClientRole", username: "bob", rolename: "r1" },
    { command: "removeClientRole", username: "bob", rolename: "r1" },
    { command: "getClient", username: "bob" },
  ],
  [
    { command: "addGroupClient", groupname: "g1", username: "bob", priority: 8 },
    { command: "addGroupClient", groupname: "g1", username: "bob" },
    { command: "addGroupClient", groupname: "none", username: "bob" },
    { command: "addGroupClient", groupname: "g1", username: "nobody" },
    { command: "addGroupRole", groupname: "g1", rolename: "r0", priority: 2 },
    { command: "addGroupRole", groupname: "g1", rolename: "r1", priority: 6 },
    { command: "addGroupRole", groupname: "none", rolename: "r1" },
    { command: "getGroup", groupname: "g1" },
    { command: "getGroup", groupname: "none" },
    { command: "getClient", username: "bob" },
    { command: "removeGroupRole", groupname: "g1", rolename: "r1" },
    { command: "removeGroupClient", groupname: "g1", username: "ada" },
    { command: "getGroup", groupname: "g1" },
  ],
  [
    { command: "setClientId", username: "bob", clientid: "b9" },
    { command: "setClientPassword", username: "bob", password: "pw" },
    { command: "setClientPassword", username: "nobody", password: "pw" },
    { command: "disableClient", username: "bob" },
    { command: "getClient", username: "bob" },
    { command: "enableClient", username: "bob" },
    { command: "setClientId", username: "bob" },
    { command: "getClient", username: "bob" },
    { command: "enableClient", username: "nobody" },
    { command: "disableClient", username: "nobody" },
    { command: "setClientId", username: "nobody", clientid: "x" },
  ],
  [
    {
      command: "modifyClient",
      username: "bob",
      textname: "Bob",
      clientid: "b1",
      roles: [{ rolename: "r0", priority: 3 }],
      groups: [{ groupname: "g2", priority: 1 }],
    },
    { command: "modifyClient", username: "nobody" },
    { command: "getClient", username: "bob" },
    { command: "modifyGroup", groupname: "g2", textname: "two", clients: [{ username: "ada" }] },
    { command: "modifyGroup", groupname: "g1", roles: [] },
    { command: "modifyGroup", groupname: "none" },
    { command: "listGroups", verbose: true },
    {
      command: "modifyRole",
      rolename: "r0",
      textname: "zero",
      acls: [{ acltype: "subscribePattern", topic: "#", allow: true }],
    },
    { command: "modifyRole", rolename: "none" },
    { command: "getRole", rolename: "r0" },
  ],
  [
    {
      command: "setDefaultACLAccess",
      acls: [
        { acltype: "publishClientSend", allow: true },
        { acltype: "subscribe", allow: true },
        { acltype: "unsubscribe", allow: false },
      ],
    },
    { command: "setDefaultACLAccess" },
    { command: "getDefaultACLAccess" },
    { command: "setAnonymousGroup", groupname: "none" },
    { command: "setAnonymousGroup", groupname: "g2" },
    { command: "getAnonymousGroup" },
  ],
  [
    // mosquitto 2.0 leaves a deleted role to accounts and groups that were created with it.
    { command: "removeClientRole", username: "ada", rolename: "r1" },
    { command: "removeGroupRole", groupname: "g2", rolename: "r1" },
    { command: "deleteRole", rolename: "r1" },
    { command: "deleteRole", rolename: "r1" },
    { command: "deleteGroup", groupname: "g1" },
    { command: "deleteGroup", groupname: "g1" },
    { command: "deleteClient", username: "bob" },
    { command: "deleteClient", username: "bob" },
    { command: "listClients", verbose: true },
    { command: "listGroups", verbose: true },
    { command: "listRoles" },
    { command: "unknown", correlationData: "z" },
  ],
];

/** Errors that have other words, or are none in one of the two. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  "Missing/invalid actions array": "Invalid/missing acls",
  "Missing/invalid groupname": "Invalid/missing groupname",
};

/** An answer, as far as both versions of mosquitto, and Fairway, say the same. */
function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (name, value) => {
    // Since mosquitto 2.1.
    if (name === "connections" || name === "allowwildcardsubs") return undefined;
    return name === "error" ? OTHER_WORDS[value] ?? value : value;
  });
}

testWith(
  ["mosquitto", "mosquitto_ctrl", "mosquitto_dynamic_security"],
  "Fairway and mosquitto's plugin answer the same commands alike",
  () =>
    withBoth(async (ports) => {
      const [theirs, ours] = await Promise.all(ports.map((port) => Admin.connect(port, LOGIN)));
      for (const message of MESSAGES) {
        const expected = await theirs!.send(...message);
        const answers = await ours!.send(...message);
        for (const [at, command] of message.entries()) {
          const what = JSON.stringify(command);
          assertEquals(comparable(answers[at]), comparable(expected[at]), what);
        }
      }
      await theirs!.client.close();
      await ours!.client.close();
    }),
);

/** Roles for the comparison of what clients may do. */
const SETUP: readonly Command[] = [
  {
    command: "createRole",
    rolename: "r",
    acls: [
      { acltype: "publishClientSend", topic: "a/#", priority: 1, allow: true },
      { acltype: "publishClientSend", topic: "a/no", priority: 2, allow: false },
      { acltype: "publishClientSend", topic: "+/x", allow: true },
      { acltype: "subscribePattern", topic: "s/#", allow: true },
      { acltype: "subscribePattern", topic: "s/no/#", priority: 3, allow: false },
      { acltype: "subscribeLiteral", topic: "#", allow: true },
      { acltype: "subscribeLiteral", topic: "s/lit", allow: false },
      { acltype: "subscribePattern", topic: "w/+/x", allow: true },
      { acltype: "unsubscribePattern", topic: "s/+", allow: false },
    ],
  },
  {
    command: "createRole",
    rolename: "group-role",
    acls: [
      { acltype: "publishClientSend", topic: "a/no", allow: true },
      { acltype: "publishClientSend", topic: "g", allow: true },
      { acltype: "subscribePattern", topic: "g/+", allow: true },
    ],
  },
  { command: "createGroup", groupname: "g", roles: [{ rolename: "group-role" }] },
  {
    command: "createClient",
    username: "ada",
    password: "pw",
    roles: [{ rolename: "r" }],
    groups: [{ groupname: "g" }],
  },
  { command: "createClient", username: "bare", password: "pw" },
  { command: "createClient", username: "fixed", password: "pw", clientid: "only" },
  { command: "createClient", username: "off", password: "pw" },
  { command: "createClient", username: "mute" },
  { command: "disableClient", username: "off" },
  { command: "setAnonymousGroup", groupname: "g" },
];

const TOPICS = ["a", "a/b", "a/no", "b/x", "b/y", "g", "$CONTROL/dynamic-security/v1"];
const FILTERS = ["#", "+", "s", "s/#", "s/a", "s/lit", "s/no", "s/no/a", "s/+", "w/a/x", "w/+/x"]
  .concat(["w/#", "g/+", "g/a", "g/#", "$CONTROL/#", "$SYS/#"]);

/** What a client may do: the Reason Codes of everything that it tries. */
async function rightsOf(port: number, username: string | null): Promise<unknown> {
  const login = username === null ? {} : { username, password: "pw" };
  const client = await connect(`mqtt://127.0.0.1:${port}`, {
    clientId: `client-of-${username}`,
    reconnect: false,
    ...login,
  });
  const code = async (attempt: () => PromiseLike<{ reasonCode: number }>) => {
    try {
      const { reasonCode } = await attempt();
      // Whether somebody has subscribed is not a right.
      return reasonCode === 0x10 ? 0 : reasonCode;
    } catch (error) {
      return (error as { reasonCode: number }).reasonCode;
    }
  };
  const rights: Record<string, number> = {};
  for (const topic of TOPICS) {
    rights[`publish ${topic}`] = await code(() => client.publish(topic, "x", { qos: 1 }));
  }
  for (const filter of FILTERS) {
    rights[`subscribe ${filter}`] = await code(async () => {
      await client.subscribe(filter).ready;
      return { reasonCode: 0 };
    });
  }
  await client.close();
  return rights;
}

/** The Reason Code of a CONNACK. */
async function loginCode(
  port: number,
  username: string,
  password: string,
  clientId = "c",
): Promise<number> {
  try {
    const options = { username, password, clientId, reconnect: false as const };
    await (await connect(`mqtt://127.0.0.1:${port}`, options)).close();
    return 0;
  } catch (error) {
    return (error as { reasonCode: number }).reasonCode;
  }
}

testWith(
  ["mosquitto", "mosquitto_ctrl", "mosquitto_dynamic_security"],
  "Fairway and mosquitto's plugin let the same clients do the same",
  () =>
    withBoth(async (ports) => {
      for (const port of ports) {
        await using admin = await Admin.connect(port, LOGIN);
        await admin.must(...SETUP);
      }
      const [theirs, ours] = ports;
      for (const username of ["ada", "bare", null]) {
        assertEquals(
          await rightsOf(ours, username),
          await rightsOf(theirs, username),
          `${username}`,
        );
      }
      const logins: readonly (readonly [string, string, string?])[] = [
        ["ada", "pw"],
        ["ada", "wrong"],
        ["ada", ""],
        ["nobody", "pw"],
        ["off", "pw"],
        ["mute", ""],
        ["fixed", "pw", "other"],
        ["fixed", "pw", "only"],
      ];
      for (const login of logins) {
        assertEquals(
          await loginCode(ours, ...login),
          await loginCode(theirs, ...login),
          `${login}`,
        );
      }
    }),
);

testWith(
  ["mosquitto", "mosquitto_ctrl", "mosquitto_dynamic_security"],
  "Fairway and mosquitto's plugin disconnect the same clients, with the same code",
  () =>
    withBoth(async (ports) => {
      const kicking: readonly Command[] = [
        { command: "setClientPassword", username: "ada", password: "pw" },
        { command: "addClientRole", username: "ada", rolename: "group-role" },
        { command: "removeGroupClient", groupname: "g", username: "ada" },
        { command: "modifyClient", username: "ada", textname: "Ada" },
        { command: "disableClient", username: "ada" },
      ];
      for (const port of ports) {
        await using admin = await Admin.connect(port, LOGIN);
        await admin.must(...SETUP);
        for (const command of kicking) {
          const client = await connect(`mqtt://127.0.0.1:${port}`, {
            clientId: "ada",
            username: "ada",
            password: "pw",
            reconnect: false,
          });
          const ended = (async () => {
            for await (const state of client.states()) {
              if (state.kind === "closed") return (state.error as { reasonCode?: number } | null);
            }
            return null;
          })();
          await admin.must(command);
          const error = await within(`${command.command} ends a connection`, ended);
          assertEquals(error?.reasonCode, 0x98, `${command.command} on ${port}`);
        }
      }
    }),
);
