/**
 * Dynamic security with workers: one set of accounts, wherever a client lives.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hashToken } from "../../admin/access/token_file.ts";
import { type Client, connect } from "../../client/mod.ts";
import { within } from "../harness/deadline.ts";
import { Admin } from "../harness/security_site.ts";
import { Site } from "../harness/server_site.ts";
import { CONFIG, portOf, securityFile, startConfigured } from "./_configured.ts";
import { DEADLINE_MS, idOn, test } from "./_server.ts";

const SECURE = `${CONFIG}listener 0 127.0.0.1\nfairway_dynamic_security_file FOLDER/d.json\n` +
  "persistence true\nfairway_data_dir FOLDER/data\n";

async function makeSite(conf = SECURE): Promise<Site> {
  return await Site.make({
    "fairway.conf": conf,
    "d.json": await securityFile(),
    tokens: `me:write:${await hashToken("secret")}\n`,
  });
}

/** The administrator, on a node. */
function adminOn(node: number, port: number): Promise<Admin> {
  const clientId = idOn(node, "admin");
  return Admin.connect(port, { clientId, username: "admin", password: "adminpw" });
}

function join(port: number, username: string, clientId: string): Promise<Client> {
  const options = { username, password: "pw", clientId, reconnect: false as const };
  return connect(`mqtt://127.0.0.1:${port}`, options);
}

/** An account with a role of its own. */
function accountOf(name: string, ...acls: readonly object[]) {
  const rolename = `${name}-role`;
  return [
    { command: "createRole", rolename, acls },
    { command: "createClient", username: name, password: "pw", roles: [{ rolename }] },
  ];
}

const EVERYTHING = ["publishClientSend", "publishClientReceive", "subscribePattern"]
  .map((acltype) => ({ acltype, topic: "t/#", allow: true }));

async function ended(client: Client): Promise<void> {
  const last = async () => {
    for await (const { kind } of client.states()) if (kind === "closed") return;
  };
  await within("the end of a connection", last());
}

test("a command that is sent at any worker is answered when it is in effect at all of them", async () => {
  await using site = await makeSite();
  await using server = startConfigured(site);
  const port = await portOf(server);
  for (const node of [1, 0]) {
    await using admin = await adminOn(node, port);
    const name = `user-${node}`;
    await admin.must(...accountOf(name, ...EVERYTHING));
    const clients = await Promise.all([0, 1].map((at) => join(port, name, idOn(at, name))));
    const lists = clients.map((client) => client.subscribe("t/a"));
    for (const list of lists) await list.ready;
    await clients[1 - node]!.publish("t/a", "x", { qos: 1 });
    for (const list of lists) await within("a message", list.next());
    const { client } = await admin.must({ command: "getClient", username: name });
    const { connections } = client as { connections: unknown[] };
    assertEquals(connections.length, 2, "those of both workers");
    const { clients: listed } = await admin.must({ command: "listClients", verbose: true });
    const shown = (listed as { username: string; connections: unknown[] }[])
      .find(({ username }) => username === name)!;
    assertEquals(shown.connections.length, 2);
    // Each loses its connection, and cannot come back.
    await admin.must({ command: "disableClient", username: name });
    for (const [at, client] of clients.entries()) {
      await ended(client);
      await assertRejects(() => join(port, name, idOn(at, name)));
      await client.close();
    }
    await admin.must({ command: "deleteClient", username: name });
  }
});

test("accounts are imported once, and are there after a restart, at every worker", async () => {
  await using site = await makeSite();
  for (const isFirst of [true, false]) {
    await using server = startConfigured(site);
    const port = await portOf(server);
    const what = isFirst ? "imported" : "in the store";
    assertEquals(server.stdout.split(what).length - 1, 1, server.stdout);
    await using admin = await adminOn(1, port);
    if (isFirst) await admin.must(...accountOf("ada", ...EVERYTHING));
    for (const node of [0, 1]) await (await join(port, "ada", idOn(node, "ada"))).close();
    await assertRejects(() => join(port, "nobody", idOn(1, "nobody")));
    await admin[Symbol.asyncDispose]();
    server.signal("SIGTERM");
    const { code, stderr } = await server.outcome(DEADLINE_MS);
    assertEquals([code, stderr], [0, ""]);
  }
});

test("the API changes accounts of all workers, and its accounts are theirs", async () => {
  const listener = "listener 0 127.0.0.1\nprotocol http_api\nfairway_admin_tokens FOLDER/tokens\n";
  await using site = await makeSite(`${SECURE}${listener}`);
  await using server = startConfigured(site);
  const port = await portOf(server);
  const admin = await portOf(server, "http");
  const ask = async (method: string, path: string, body?: unknown, login = "Bearer secret") => {
    const response = await fetch(`http://127.0.0.1:${admin}/api/v1/${path}`, {
      method,
      headers: { authorization: login, "content-type": "application/json" },
      ...body === undefined ? {} : { body: JSON.stringify(body) },
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  };
  const acl = { acltype: "publishClientSend", topic: "$CONTROL/admin", allow: true };
  for (const command of accountOf("ada", ...EVERYTHING, acl)) {
    const { status, body } = await ask("POST", "dynsec/commands", { commands: [command] });
    assertEquals([status, body.responses[0].error], [200, undefined]);
  }
  await server.waitFor(/createClient "ada" by the API, "me" at 127\.0\.0\.1/, "stdout");
  const clients = await Promise.all([0, 1].map((node) => join(port, "ada", idOn(node, "ada"))));
  const { body: caller } = await ask("GET", "caller", undefined, `Basic ${btoa("ada:pw")}`);
  assertEquals(caller.data, { name: "ada", scope: "write" });
  assertEquals((await ask("GET", "dynsec/clients/ada")).body.data.username, "ada");
  assertEquals((await ask("DELETE", "dynsec/clients/ada")).status, 204);
  for (const client of clients) await ended(client);
  const gone = await ask("GET", "caller", undefined, `Basic ${btoa("ada:pw")}`);
  assertEquals(gone.status, 401);
  for (const client of clients) await client.close();
});

test("with workers a reload does not begin dynamic security, and goes on with it", async () => {
  await using site = await makeSite(`${CONFIG}listener 0 127.0.0.1\nallow_anonymous true\n`);
  {
    await using server = startConfigured(site);
    const port = await portOf(server);
    await site.write("fairway.conf", SECURE);
    server.signal("SIGHUP");
    await server.waitFor(/stays as it was/, "stdout", DEADLINE_MS);
    const why = "fairway_dynamic_security_file: with fairway_workers dynamic security begins";
    assertEquals(server.stdout.split(why).length - 1, 1, server.stdout);
    for (const node of [0, 1]) {
      await (await connect(`mqtt://127.0.0.1:${port}`, { clientId: idOn(node, "c") })).close();
    }
  }
  await site.write("fairway.conf", SECURE);
  await using server = startConfigured(site);
  const port = await portOf(server);
  await using admin = await adminOn(1, port);
  await admin.must(...accountOf("ada", ...EVERYTHING));
  server.signal("SIGHUP");
  await server.waitFor(/Configuration reloaded/, "stdout", DEADLINE_MS);
  await admin.must(...accountOf("bob", ...EVERYTHING));
  for (const name of ["ada", "bob"]) {
    for (const node of [0, 1]) await (await join(port, name, idOn(node, name))).close();
  }
  const { totalCount } = await admin.must({ command: "listClients" });
  assert(totalCount === 3);
  assertStringIncludes(server.stdout, "createClient");
});
