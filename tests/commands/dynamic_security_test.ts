/** Dynamic security of `server.ts -c FILE`: how it begins, what the log says, and SIGHUP. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { connect, type PublishError } from "../../client/mod.ts";
import { Admin, ADMIN_ACLS } from "../harness/security_site.ts";
import { SERVER_DEADLINE_MS, Site } from "../harness/server_site.ts";

const OPEN = "listener 0 127.0.0.1\nlog_dest stdout\nlog_timestamp false\n";
const STORE = "persistence true\npersistence_location FOLDER\n";
const PLUGIN = "plugin /usr/lib/mosquitto_dynamic_security.so\n" +
  "plugin_opt_config_file FOLDER/accounts.json\n";

/** A file of mosquitto; the administrator's password is "adminpw". */
const ACCOUNTS = JSON.stringify({
  clients: [{
    username: "admin",
    password:
      "5r6xGXl+7eOADQ7DdkLw0bkds79KrmYLXhSuynRSmxDL+dvZjPvFts6HaRdgTtbJsDL1fCWgK7Kj7MvVQjHbtQ==",
    salt: "zfE5IVVRA0y7KGPv",
    iterations: 101,
    roles: [{ rolename: "admin" }, { rolename: "gone" }],
  }],
  roles: [{ rolename: "admin", acls: ADMIN_ACLS }],
});

const LOGIN = { clientId: "ctrl", username: "admin", password: "adminpw" };

Deno.test("the file is imported once, and the log says so, and what was left out", async () => {
  await using site = await Site.make({
    "fairway.conf": OPEN + STORE + PLUGIN,
    "accounts.json": ACCOUNTS,
  });
  const first = await site.start();
  assertMatch(
    first.stdout,
    /imported 1 accounts, 0 groups and 1 roles from .*accounts\.json; from now on the store is/,
  );
  assertStringIncludes(first.stdout, `left out: client "admin": Role not found: "gone"`);
  assertStringIncludes(first.stdout, "for accounts of dynamic security");
  await site.stop();
  await site.write("accounts.json", "nothing that could be read");
  const second = await site.start();
  assertMatch(second.stdout, /1 accounts, 0 groups and 1 roles in the store; .* is not read/);
  await using admin = await Admin.connect(second.port, LOGIN);
  assertEquals(await admin.must({ command: "listRoles" }), { totalCount: 1, roles: ["admin"] });
  await site.stop();
});

Deno.test("a file that is missing or none stops the start, with the line and what is wrong", async () => {
  await using site = await Site.make({ "fairway.conf": OPEN + STORE + PLUGIN });
  const missing = await site.run();
  assertEquals(missing.code, 2);
  assertMatch(missing.stderr, /fairway\.conf:7: .*accounts\.json: .*mosquitto_ctrl dynsec init/);
  await site.write("accounts.json", `{"clients":["$7$secret`);
  const faulty = await site.run();
  assertEquals(faulty.code, 2);
  assertMatch(faulty.stderr, /fairway\.conf:7: .*accounts\.json: it is not JSON/);
  assertEquals(`${faulty.stdout}${faulty.stderr}`.includes("secret"), false);
  await site.write("accounts.json", ACCOUNTS);
  await site.start();
  await site.stop();
});

Deno.test("the log has a line for each change, on one line, and no password", async () => {
  await using site = await Site.make({
    "fairway.conf": OPEN + STORE + PLUGIN,
    "accounts.json": ACCOUNTS,
  });
  const server = await site.start();
  await using admin = await Admin.connect(server.port, LOGIN);
  await admin.must({ command: "createClient", username: "a\nb", password: "lovelace" });
  await server.waitFor(/createClient .*/);
  assertStringIncludes(
    server.stdout,
    `Dynamic security: createClient "a\\u000ab" by client "ctrl", user "admin"\n`,
  );
  assertEquals(server.stdout.includes("lovelace"), false);
  await site.stop();
});

Deno.test("SIGHUP adds dynamic security to a listener, and takes it away", async () => {
  await using site = await Site.make({ "fairway.conf": OPEN, "accounts.json": ACCOUNTS });
  const { port } = await site.start();
  await assertRejects(() => Admin.connect(port, LOGIN));
  await site.write("fairway.conf", OPEN + PLUGIN);
  await site.reload(/Configuration reloaded/);
  {
    await using admin = await Admin.connect(port, LOGIN);
    await admin.must({ command: "createClient", username: "ada", password: "pw" });
  }
  await site.write("fairway.conf", OPEN + PLUGIN.replace("accounts", "none"));
  await site.reload(/Configuration reloaded/);
  await (await Admin.connect(port, LOGIN)).client.close();
  await site.write("fairway.conf", OPEN);
  await site.reload(/Configuration reloaded/);
  await assertRejects(() => Admin.connect(port, LOGIN));
  await site.stop();
});

Deno.test("a reload whose file cannot be imported changes nothing", async () => {
  await using site = await Site.make({ "fairway.conf": `allow_anonymous true\n${OPEN}` });
  const { port } = await site.start();
  await site.write("fairway.conf", OPEN + PLUGIN);
  await site.reload(/The configuration stays as it was/);
  await (await connect(`mqtt://127.0.0.1:${port}`)).close();
  await site.stop();
});

Deno.test("with per_listener_settings a listener without the plugin knows no accounts", async () => {
  const other = "listener 0 127.0.0.2\nallow_anonymous true\n";
  await using site = await Site.make({
    "fairway.conf": `per_listener_settings true\n${OPEN}${PLUGIN}${other}`,
    "accounts.json": ACCOUNTS,
  });
  const server = await site.start(/mqtt:\/\/127\.0\.0\.1:(\d+) for accounts/);
  const [, open] = await server.waitFor(/mqtt:\/\/127\.0\.0\.2:(\d+) for anyone/);
  await using admin = await Admin.connect(server.port, LOGIN);
  await admin.must({ command: "getDetails" });
  await using stranger = await connect(`mqtt://127.0.0.2:${open}`, { reconnect: false });
  const refused = stranger.publish("$CONTROL/dynamic-security/v1", "{}", { qos: 1 });
  const code = await refused.then(() => 0, (error) => (error as PublishError).reasonCode);
  assertEquals(code, 0x87);
  server.signal("SIGTERM");
  await server.outcome(SERVER_DEADLINE_MS);
});
