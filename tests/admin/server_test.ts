/**
 * The admin listener of the commands: by a configuration, by `--admin-port`, and what they tell
 * systemd.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { assertEquals, assertMatch } from "@std/assert";
import { startServer } from "../harness/broker_process.ts";
import { Certificates } from "../harness/certificates.ts";
import { Child } from "../harness/child.ts";
import { Site } from "../harness/server_site.ts";
import { testWith } from "../harness/tools.ts";
import { statusOf } from "./_admin.ts";

const DEADLINE_MS = 30_000;
const URL_LINE = /http:\/\/127\.0\.0\.1:(\d+) for/;
const TOKEN_COMMAND = new URL("../../cli/token.ts", import.meta.url).pathname;

/** Runs `deno task token`. */
async function token(...args: string[]) {
  const flags = ["run", "--no-prompt", "--allow-read", "--allow-write", TOKEN_COMMAND, ...args];
  await using child = new Child(Deno.execPath(), flags, { env: { NO_COLOR: "1" } });
  return await child.outcome(DEADLINE_MS);
}

Deno.test("protocol http_api opens an admin listener, with tokens from a file", async () => {
  await using site = await Site.make({
    "fairway.conf": "log_dest stdout\nlistener 0 127.0.0.1\nprotocol http_api\n" +
      "fairway_admin_tokens FOLDER/tokens\nlistener 0 127.0.0.1\nallow_anonymous true\n",
  });
  const made = await token(`${site.folder}/tokens`, "deploy", "write");
  assertEquals([made.code, made.stderr], [0, ""]);
  const secret = made.stdout.trim();
  assertMatch(await site.read("tokens"), /^deploy:write:[\da-f]{64}\n$/);
  const { port } = await site.start(URL_LINE);
  const url = `http://127.0.0.1:${port}`;
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  assertEquals(await statusOf(fetch(`${url}/ready`)), 200);
  assertEquals(await statusOf(fetch(`${url}/nothing`)), 401);
  assertEquals(await statusOf(fetch(`${url}/nothing`, as(secret))), 404);

  // A token that is deleted is good for nothing after a reload.
  assertEquals((await token("-D", `${site.folder}/tokens`, "deploy")).code, 0);
  const other = (await token(`${site.folder}/tokens`, "grafana")).stdout.trim();
  await site.reload(/Configuration reloaded/);
  assertEquals(await statusOf(fetch(`${url}/nothing`, as(secret))), 401);
  assertEquals(await statusOf(fetch(`${url}/nothing`, as(other))), 404);
});

testWith(
  ["openssl"],
  "the API tells and reloads the configuration, and /metrics when certificates expire",
  async () => {
    await using certificates = await Certificates.make();
    const conf = "log_dest stdout\nlistener 0 127.0.0.1\nprotocol http_api\n" +
      "fairway_admin_allow_anonymous true\nlistener 0 127.0.0.1\nallow_anonymous true\n" +
      "certfile FOLDER/cert.pem\nkeyfile FOLDER/key.pem\n";
    await using site = await Site.make({ "fairway.conf": conf });
    const { cert, key } = await certificates.identity("server");
    await site.write("cert.pem", cert);
    await site.write("key.pem", key);
    const { port } = await site.start(URL_LINE);
    const url = `http://127.0.0.1:${port}`;
    const text = await (await fetch(`${url}/metrics`)).text();
    const [, seconds] = /fairway_certificate_expiry_timestamp_seconds\{[^}]+\} (\d+)/.exec(text)!;
    const { validTo } = new X509Certificate(cert);
    assertEquals(Number(seconds), Date.parse(validTo) / 1000);
    const { listeners } = await (await fetch(`${url}/api/v1/listeners`)).json();
    assertEquals(
      listeners.map(({ protocol, tls, mtls, allow_anonymous }: Record<string, unknown>) => [
        ...[protocol, tls, mtls, allow_anonymous],
      ]),
      [["httpapi", false, false, true], ["mqtt", true, false, true]],
    );
    const { data } = await (await fetch(`${url}/api/v1/config`)).json();
    assertMatch(data.text, /^sys_interval 10$/m);

    await site.write("fairway.conf", `${conf}sys_interval 3\n`);
    assertEquals(await statusOf(fetch(`${url}/api/v1/reload`, { method: "POST" })), 204);
    const changed = await (await fetch(`${url}/api/v1/config`)).json();
    assertMatch(changed.data.text, /^sys_interval 3$/m);
    await site.write("fairway.conf", `${conf}sys_interval many\n`);
    const refused = await fetch(`${url}/api/v1/reload`, { method: "POST" });
    assertEquals(refused.status, 409);
    assertMatch((await refused.json()).error.message, /fairway\.conf:9: sys_interval/);
  },
);

Deno.test("an admin listener that everyone could reach stops the start", async () => {
  await using site = await Site.make({ "fairway.conf": "listener 9883\nprotocol http_api\n" });
  const { code, stderr } = await site.run();
  assertEquals(code, 2);
  assertMatch(stderr, /fairway\.conf:2: protocol: http_api would be open to other machines: give/);
});

Deno.test("a token that cannot be named so is refused with exit code 2", async () => {
  const { code, stderr } = await token("tokens", "a:b");
  assertEquals(code, 2);
  assertMatch(stderr, /NAME cannot be "a:b": a name has 1 to 64 letters/);
});

Deno.test("http_dir is served to who may look, and nothing outside of it", async () => {
  await using site = await Site.make({
    "fairway.conf": "log_dest stdout\nlistener 0 127.0.0.1\nprotocol http_api\n" +
      "http_dir FOLDER/www\nfairway_admin_allow_anonymous true\nlistener 0 127.0.0.1\n" +
      "allow_anonymous true\n",
    "secret.html": "secret",
  });
  await Deno.mkdir(`${site.folder}/www`);
  await site.write("www/index.html", "<h1>here</h1>");
  await Deno.symlink(`${site.folder}/secret.html`, `${site.folder}/www/out.html`);
  const { port } = await site.start(URL_LINE);
  const index = await fetch(`http://127.0.0.1:${port}/`);
  assertEquals(
    [index.headers.get("content-type"), await index.text()],
    ["text/html; charset=utf-8", "<h1>here</h1>"],
  );
  for (const path of ["/out.html", "/..%2fsecret.html", "/%2e%2e/secret.html", "/none.html"]) {
    assertEquals(await statusOf(fetch(`http://127.0.0.1:${port}${path}`)), 404, path);
  }
});

Deno.test("--admin-port prints a token once, that is good for everything", async () => {
  await using server = startServer(["--port", "0", "--admin-port", "0"]);
  const [, port, secret] = await server.waitFor(
    /Admin: a page on http:\/\/127\.0\.0\.1:(\d+)\/#token=(fairway_[^;]+); health/,
    "stdout",
    DEADLINE_MS,
  );
  const headers = { authorization: `Bearer ${secret}` };
  const url = `http://127.0.0.1:${port}`;
  assertEquals(await statusOf(fetch(`${url}/nothing`)), 401);
  assertEquals(await statusOf(fetch(`${url}/nothing`, { headers })), 404);
  const [, mqtt] = await server.waitFor(/listening on 127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
  const { listeners } = await (await fetch(`${url}/api/v1/listeners`, { headers })).json();
  assertEquals(listeners, [
    { port: Number(mqtt), protocol: "mqtt", tls: false, mtls: false, allow_anonymous: true },
  ]);
});

Deno.test("systemd is told that the server is ready, and that its event loop goes on", async () => {
  const folder = await Deno.makeTempDir();
  const socket = `${folder}/notify`;
  const receiver = "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n" +
    "s.bind(sys.argv[1])\nprint('bound',flush=True)\n" +
    "while True: print(s.recv(4096).decode().replace('\\n',' '),flush=True)\n";
  await using python = new Child("/usr/bin/python3", ["-c", receiver, socket]);
  await python.waitFor(/bound/, "stdout", DEADLINE_MS);
  await using server = startServer(["--port", "0"], undefined, {
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: "200000",
  });
  await python.waitFor(/READY=1/, "stdout", DEADLINE_MS);
  await python.waitFor(/WATCHDOG=1[^]*WATCHDOG=1/, "stdout", DEADLINE_MS);
  server.signal("SIGTERM");
  await python.waitFor(/STOPPING=1/, "stdout", DEADLINE_MS);
  await server.outcome(DEADLINE_MS);
  await Deno.remove(folder, { recursive: true });
});
