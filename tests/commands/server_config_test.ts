/**
 * What `server.ts -c FILE` is to the one who types it, and what SIGHUP does.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect as tlsConnect } from "node:tls";
import { connect, scramSha256 } from "../../client/mod.ts";
import { scramCredential } from "../../auth/mod.ts";
import { formatPasswordHash, hashPassword } from "../../auth/password_hash.ts";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { Certificates } from "../harness/certificates.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { SERVER_DEADLINE_MS, Site } from "../harness/server_site.ts";
import { testWith } from "../harness/tools.ts";

const CONNACK = "20 02 00 00";

const OPEN = "listener 0 127.0.0.1\nallow_anonymous true\nlog_dest stdout\nlog_timestamp false\n";

Deno.test("server.ts -c FILE starts as the file says, and stops on SIGTERM", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}pid_file FOLDER/pid\n` });
  const server = await site.start();
  assertStringIncludes(server.stdout, `Listening on mqtt://127.0.0.1:${server.port} for anyone\n`);
  await server.waitFor(/anyone/);
  assertEquals((await site.read("pid")).trim(), `${server.pid}`);
  {
    await using client = await RawClient.dial(server.port);
    await client.send(packets.connect({ clientId: "a" }));
    await client.expect(CONNACK);
  }
  server.signal("SIGTERM");
  const { code, stderr } = await server.outcome(SERVER_DEADLINE_MS);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await Array.fromAsync(Deno.readDir(site.folder), ({ name }) => name), [
    "fairway.conf",
  ]);
});

Deno.test("server.ts -c FILE tells every fault with file and line, and exits with 2", async () => {
  await using site = await Site.make({
    "fairway.conf": "listener 0 127.0.0.1\nmax_qos 3\nallow_anonimous true\npsk_file a\n",
  });
  const { code, stdout, stderr } = await site.run();
  assertEquals([code, stdout], [2, ""]);
  assertEquals(stderr.trimEnd().split("\n").map((line) => line.replace(/^.*fairway.conf/, "")), [
    ':2: max_qos: expects a whole number from 0 to 2, not "3"',
    ":3: allow_anonimous: is not an option: did you mean allow_anonymous?",
    ":4: psk_file: Fairway has no pre-shared keys: use certfile and keyfile, or a password_file",
  ]);
});

Deno.test("server.ts --test-config prints what is in effect, and opens nothing", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const text = `port ${taken.addr.port}\nbind_address 127.0.0.1\nlog_dest file FOLDER/log\n`;
  await using site = await Site.make({ "fairway.conf": text });
  const { code, stdout, stderr } = await site.run("--test-config");
  assertEquals(code, 0);
  assertStringIncludes(stdout, `\nlistener ${taken.addr.port} 127.0.0.1\n`);
  assertStringIncludes(stdout, "\nsys_interval 10\n");
  assertMatch(stderr, /fairway\.conf:1: port: is outdated/);
  assertEquals(await Array.fromAsync(Deno.readDir(site.folder), ({ name }) => name), [
    "fairway.conf",
  ]);
});

Deno.test("server.ts --test-config reads the files that are named, and tells what is wrong in them", async () => {
  await using site = await Site.make({
    "fairway.conf": "listener 0 127.0.0.1\nacl_file FOLDER/acl\npassword_file FOLDER/none\n" +
      "certfile FOLDER/acl\nkeyfile FOLDER/acl\n",
    "acl": "user a\ntopic sometimes b\n",
  });
  const { code, stdout, stderr } = await site.run("--test-config");
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /fairway\.conf:3: password_file: cannot use .*none: /);
  assertMatch(stderr, /acl:2: acl_file: /);
  assertMatch(stderr, /fairway\.conf:4: certfile: cannot use /);
});

for (
  const [flags, reason] of [
    [["--test-config"], /--test-config needs -c/],
    [["-c", "x", "--port", "1"], /--port cannot go with -c/],
    [["-c"], /-c needs a file/],
    [
      ["-c", "/nowhere/fairway.conf"],
      /\/nowhere\/fairway\.conf: cannot read it: there is no such file/,
    ],
  ] as const
) {
  Deno.test(`server.ts ${flags.join(" ")} is refused in one line, with 2`, async () => {
    await using child = startServer(flags, CONFIG_PERMISSIONS);
    const { code, stdout, stderr } = await child.outcome(SERVER_DEADLINE_MS);
    assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [2, "", 1]);
    assertMatch(stderr, reason);
  });
}

Deno.test("a listener that cannot be opened is told with its line", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using site = await Site.make({
    "fairway.conf": `\nlistener ${taken.addr.port} 127.0.0.1\n`,
  });
  const { code, stderr } = await site.run();
  assertEquals(code, 1);
  assertMatch(stderr, /fairway\.conf:2: cannot listen on 127\.0\.0\.1:\d+ \(mqtt\): .*in use/);
});

Deno.test("a listener on a Unix socket has the permissions it was given", async () => {
  await using site = await Site.make({
    "fairway.conf":
      "listener 0 FOLDER/mqtt.sock\nfairway_socket_mode 0600\nallow_anonymous true\n" +
      "log_dest stdout\n",
  });
  await site.start(/unix:\S+mqtt\.sock for anyone/);
  assertEquals((await Deno.stat(`${site.folder}/mqtt.sock`)).mode! & 0o777, 0o600);
  await using client = await connect(`unix:${site.folder}/mqtt.sock`);
  await client.publish("a", "b", { qos: 1 });
});

Deno.test("log_dest topic publishes the log below $SYS/broker/log", async () => {
  await using site = await Site.make({ "fairway.conf": `${OPEN}log_dest topic\n` });
  const server = await site.start();
  await using client = await connect(`mqtt://127.0.0.1:${server.port}`);
  const log = await client.subscribe("$SYS/broker/log/N");
  await using other = await connect(`mqtt://127.0.0.1:${server.port}`, { clientId: "other" });
  const { value } = await log.next();
  assertMatch(new TextDecoder().decode(value!.payload), /^New client connected from .* as other /);
  assert(other !== null);
});

Deno.test("SIGHUP takes away what an ACL allows no more, from live subscriptions too", async () => {
  await using site = await Site.make({
    "fairway.conf": `${OPEN}acl_file FOLDER/acl\n`,
    "acl": "topic readwrite a/#\ntopic readwrite b\n",
  });
  const server = await site.start();
  await using client = await connect(`mqtt://127.0.0.1:${server.port}`);
  const messages = await client.subscribe("#");
  await client.publish("a/1", "before", { qos: 1 });
  assertEquals((await messages.next()).value?.topic, "a/1");
  await site.write("acl", "topic write a/#\ntopic readwrite b\n");
  await site.reload(/Configuration reloaded/);
  await client.publish("a/2", "after", { qos: 1 });
  await client.publish("b", "end", { qos: 1 });
  assertEquals((await messages.next()).value?.topic, "b");
});

Deno.test("SIGHUP changes nothing if a file is wrong, and tells it", async () => {
  await using site = await Site.make({
    "fairway.conf": `${OPEN}acl_file FOLDER/acl\n`,
    "acl": "topic readwrite #\n",
  });
  const server = await site.start();
  await using client = await connect(`mqtt://127.0.0.1:${server.port}`);
  const messages = await client.subscribe("#");
  await site.write("acl", "topic nonsense x\n");
  await site.reload(/stays as it was/);
  assertMatch(server.stdout, /acl:1: acl_file: /);
  await site.write("fairway.conf", "max_qos 9\n");
  await site.reload(/stays as it was/);
  assertMatch(server.stdout, /fairway\.conf:1: max_qos: expects/);
  await client.publish("x", "still", { qos: 1 });
  assertEquals((await messages.next()).value?.topic, "x");
});

Deno.test("SIGHUP changes limits, the log and who may come in; clients stay connected", async () => {
  await using site = await Site.make({ "fairway.conf": OPEN });
  const server = await site.start();
  const url = `mqtt://127.0.0.1:${server.port}`;
  await using before = await connect(url);
  assertEquals(before.server?.maximumPacketSize, 16 * 1024 * 1024);
  await site.write(
    "fairway.conf",
    `${OPEN}max_packet_size 5000\nmax_qos 1\nconnection_messages false\n`,
  );
  await site.reload(/Configuration reloaded/);
  await using after = await connect(url, { clientId: "after" });
  assertEquals([after.server?.maximumPacketSize, after.server?.maximumQoS], [5000, 1]);
  assertEquals(server.stdout.includes("after"), false);
  await site.write("fairway.conf", OPEN.replace("true", "false"));
  await site.reload(/Configuration reloaded/);
  const refused = await connect(url, { reconnect: false }).then(() => "let in", () => "refused");
  assertEquals(refused, "refused");
});

Deno.test("SIGHUP disconnects a client whose account is gone, and an anonymous one where none may be", async () => {
  const line = async (name: string) => {
    const hash = await hashPassword(new TextEncoder().encode(name), "sha512-pbkdf2", 1000);
    return `${name}:${formatPasswordHash(hash)}\n`;
  };
  const [ann, bob] = [await line("ann"), await line("bob")];
  const conf = `${OPEN}password_file FOLDER/users\n`;
  await using site = await Site.make({ "fairway.conf": conf, "users": ann + bob });
  const server = await site.start();
  const dial = async (name?: string) => {
    const client = await RawClient.dial(server.port);
    const who = name === undefined ? {} : { username: name, password: name };
    await client.send(packets.connect({ level: 5, ...who }));
    assertEquals((await client.readFrame())[0], 0x20);
    return client;
  };
  const expectGone = async (client: RawClient) => {
    const [first, , reason] = await client.readFrame();
    assertEquals([first, reason], [0xe0, 0x87]);
    await client.expectClose();
  };
  const expectServed = async (client: RawClient) => {
    await client.send("c0 00");
    await client.expect("d0 00");
  };
  await using stays = await dial("ann");
  await using leaves = await dial("bob");
  await using anyone = await dial();
  await site.write("users", ann);
  await site.reload(/Configuration reloaded/);
  await expectGone(leaves);
  for (const client of [stays, anyone]) await expectServed(client);
  await site.write("fairway.conf", conf.replace("true", "false"));
  await site.reload(/Configuration reloaded/);
  await expectGone(anyone);
  await expectServed(stays);
});

Deno.test("SIGHUP opens the log file anew", async () => {
  await using site = await Site.make({
    "fairway.conf": `log_dest file FOLDER/log\n${OPEN}`,
  });
  await site.start();
  await Deno.rename(`${site.folder}/log`, `${site.folder}/log.1`);
  await site.reload(/Configuration reloaded/);
  assertStringIncludes(await site.read("log"), "Configuration reloaded");
  assertStringIncludes(await site.read("log.1"), "Listening on");
});

testWith(["openssl"], "SIGHUP takes new certificates; who is connected stays so", async () => {
  await using made = await Certificates.make();
  await made.server("next", ["next.example"]);
  await using site = await Site.make({
    "fairway.conf": `${OPEN}certfile FOLDER/cert\nkeyfile FOLDER/key\n`,
    "cert": await made.pem("server"),
    "key": await Deno.readTextFile(made.path("server.key")),
  });
  const server = await site.start(/mqtts:\/\/127\.0\.0\.1:(\d+)/);
  const url = `mqtts://127.0.0.1:${server.port}`;
  const tls = { caCerts: [await made.pem("ca")] };
  await using before = await connect(url, { tls });
  assertEquals(await nameShown(server.port), "localhost");
  await site.write("cert", await made.pem("next"));
  await site.reload(/stays as it was/);
  assertMatch(server.stdout, /keyfile: cannot use .*key: /);
  assertEquals(await nameShown(server.port), "localhost");
  await site.write("key", await Deno.readTextFile(made.path("next.key")));
  await site.reload(/Configuration reloaded/);
  assertEquals(await nameShown(server.port), "next.example");
  await before.publish("a", "still here", { qos: 1 });
});

Deno.test("persistence keeps what is retained and who is subscribed, below persistence_location", async () => {
  await using site = await Site.make({
    "fairway.conf": `${OPEN}persistence true\npersistence_location FOLDER/data/\n`,
  });
  const first = await site.start();
  {
    await using client = await connect(`mqtt://127.0.0.1:${first.port}`);
    await client.publish("a", "kept", { qos: 1, retain: true });
  }
  first.signal("SIGTERM");
  assertEquals((await first.outcome(SERVER_DEADLINE_MS)).code, 0);
  assertEquals((await Deno.stat(`${site.folder}/data/fairway`)).isDirectory, true);
  const second = await site.start();
  await using client = await connect(`mqtt://127.0.0.1:${second.port}`);
  const { value } = await (await client.subscribe("a")).next();
  assertEquals(new TextDecoder().decode(value!.payload), "kept");
});

Deno.test("tokens, SCRAM and a service over HTTP say who has an account, and what it may do", async () => {
  const secret = "0123456789abcdef0123456789abcdef";
  await using service = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { action, username, topic } = await request.json();
      const allow = action === "connect" ? username === "carl" : topic !== "forbidden";
      return Response.json({ allow });
    },
  );
  const url = `http://127.0.0.1:${service.addr.port}/mqtt`;
  await using site = await Site.make({
    "fairway.conf": `${OPEN.replace("true", "false")}fairway_jwt_secret_file FOLDER/secret\n` +
      `fairway_scram_file FOLDER/scram\nfairway_http_auth_url ${url}\nfairway_http_acl_url ${url}\n`,
    "secret": `${secret}\n`,
    "scram": `ann:${await scramLine("pencil")}\n`,
  });
  const server = await site.start();
  assertMatch(
    server.stdout,
    /for users of the SCRAM file, and clients with a token, and users of the HTTP service/,
  );
  const broker = `mqtt://127.0.0.1:${server.port}`;
  const token = await signed({ sub: "bob", exp: 4_000_000_000 }, secret);
  for (
    const options of [
      { authentication: scramSha256("ann", "pencil") },
      { username: "bob", password: token },
      { username: "carl", password: "any" },
    ]
  ) {
    await using client = await connect(broker, { ...options, reconnect: false });
    await client.publish("allowed", "x", { qos: 1 });
    const forbidden = await client.publish("forbidden", "x", { qos: 1 }).then(
      () => "allowed",
      () => "refused",
    );
    assertEquals(forbidden, "refused");
  }
  const refused = await connect(broker, { username: "dora", password: "x", reconnect: false }).then(
    () => "let in",
    () => "refused",
  );
  assertEquals(refused, "refused");
});

/** The name in the certificate that a server shows. */
async function nameShown(port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
    resolve(String(socket.getPeerCertificate().subject.CN));
  });
  socket.on("error", reject);
  const closed = new Promise((done) => socket.on("close", done));
  const name = await promise;
  socket.destroy();
  await closed;
  return name;
}

/** A credential as a SCRAM file has it. */
async function scramLine(password: string): Promise<string> {
  const { iterations, salt, storedKey, serverKey } = await scramCredential(password);
  return `SCRAM-SHA-256$${iterations}:${salt.toBase64()}$${storedKey.toBase64()}:${serverKey.toBase64()}`;
}

/** A token, signed with a secret. */
async function signed(claims: Record<string, unknown>, secret: string): Promise<string> {
  const encoder = new TextEncoder();
  const part = (bytes: Uint8Array) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  const head = [{ alg: "HS256", typ: "JWT" }, claims];
  const text = head.map((value) => part(encoder.encode(JSON.stringify(value)))).join(".");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, [
    "sign",
  ]);
  const signature = await crypto.subtle.sign("HMAC", key, encoder.encode(text));
  return `${text}.${part(new Uint8Array(signature))}`;
}
