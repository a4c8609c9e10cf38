/**
 * `protocol http_api` of a configuration with workers: its listener serves the API of all of them.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatTokenLine, hashToken } from "../../admin/access/token_file.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { Site } from "../harness/server_site.ts";
import { CONFIG, portOf, startConfigured } from "./_configured.ts";
import { connected, DEADLINE_MS, idOn, test } from "./_server.ts";

const WORKERS = `${CONFIG}allow_anonymous true\nlistener 0 127.0.0.1\n`;

const ADMIN = "listener 0 127.0.0.1\nprotocol http_api\n";

async function makeTokens(): Promise<string> {
  const lineOf = async (scope: "read" | "write") =>
    formatTokenLine({ name: `my-${scope}`, scope, hash: await hashToken(`${scope}-token`) });
  return `${await lineOf("read")}\n${await lineOf("write")}\n`;
}

/** Asks the API with one of the tokens. */
async function ask(port: number, path: string, init: RequestInit = {}, token = "write-token") {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

test("an admin listener of a configuration serves the API of all workers, by its own tokens", async () => {
  await using site = await Site.make({
    "fairway.conf": `${WORKERS}max_connections 11\n${ADMIN}fairway_admin_tokens FOLDER/tokens\n`,
    tokens: await makeTokens(),
  });
  await using server = startConfigured(site);
  const port = await portOf(server, "mqtt");
  const admin = await portOf(server, "http");
  const ids = [0, 1].map((node) => idOn(node, "c"));
  const clients = await Promise.all(ids.map((id) => connected(port, id)));
  const { body: list } = await ask(admin, "/api/v1/clients");
  assertEquals(list.data.map(({ clientId }: { clientId: string }) => clientId), ids.toSorted());
  const { body: listeners } = await ask(admin, "/api/v1/listeners");
  assertEquals(
    listeners.listeners.map(({ protocol }: { protocol: string }) => protocol),
    ["mqtt", "httpapi"],
  );
  assertEquals((await ask(admin, "/ready")).body, { status: "ready", reasons: [] });
  const { body: metrics } = await ask(admin, "/metrics");
  assertMatch(metrics, /^fairway_clients 2$/m);
  assertMatch(metrics, /^fairway_admin_requests_total\{status="200"\} 3$/m);
  const { body: caller } = await ask(admin, "/api/v1/caller", {}, "read-token");
  assertEquals(caller.data, { name: "my-read", scope: "read" });
  const { body: config } = await ask(admin, "/api/v1/config");
  assertStringIncludes(
    JSON.stringify(config),
    "max_connections 11\\n",
    "the whole, not the share of a worker",
  );
  const [stranger, reader] = [
    await ask(admin, "/api/v1/clients", {}, "other-token"),
    await ask(admin, `/api/v1/clients/${ids[1]}/disconnect`, { method: "POST" }, "read-token"),
  ];
  assertEquals([stranger!.status, reader!.status], [401, 403]);
  const ended = await ask(admin, `/api/v1/clients/${ids[1]}/disconnect`, { method: "POST" });
  assertEquals(ended.status, 204);
  await clients[1]!.expectClose();
  await server.waitFor(
    /admin: "my-write" from 127\.0\.0\.1:\d+: POST \S+\/disconnect 204/,
    "stdout",
  );
  assertEquals(server.stdout.split("/disconnect 204").length - 1, 1, "logged once");
  for (const client of clients) await client[Symbol.asyncDispose]();
  server.signal("SIGTERM");
  const { code, stderr } = await server.outcome(DEADLINE_MS);
  assertEquals([code, stderr], [0, ""]);
});

test("a caller that may only read is given no payload by any worker", async () => {
  await using site = await Site.make({
    "fairway.conf": `${WORKERS}${ADMIN}fairway_admin_tokens FOLDER/tokens\n`,
    tokens: await makeTokens(),
  });
  await using server = startConfigured(site);
  const port = await portOf(server, "mqtt");
  const admin = await portOf(server, "http");
  for (const node of [0, 1]) {
    await using client = await connected(port, idOn(node, "c"));
    const live = await fetch(`http://127.0.0.1:${admin}/api/v1/live?topics=true`, {
      headers: { authorization: "Bearer read-token" },
    });
    await client.send(packets.publish(`t/${node}`, "secret", { qos: 1, packetId: 1 }));
    await client.expect("40 02 00 01");
    const path = `/api/v1/topics/last?topic=t/${node}`;
    const { body } = await ask(admin, path, {}, "read-token");
    assertEquals([body.data.last.bytes, body.data.last.payload], [6, undefined]);
    const { body: whole } = await ask(admin, path);
    assertEquals(atob(whole.data.last.payload), "secret");
    await live.body!.cancel();
  }
});

test("a reload by the API is one of all workers, and says what is wrong", async () => {
  const conf = `${WORKERS}acl_file FOLDER/acl\n${ADMIN}fairway_admin_tokens FOLDER/tokens\n`;
  await using site = await Site.make({
    "fairway.conf": conf,
    acl: "topic readwrite #\n",
    tokens: await makeTokens(),
  });
  await using server = startConfigured(site);
  const port = await portOf(server, "mqtt");
  const admin = await portOf(server, "http");
  const reload = () => ask(admin, "/api/v1/reload", { method: "POST" });
  await site.write("fairway.conf", `${conf}max_connections none\n`);
  const refused = await reload();
  assert(refused.status >= 400);
  assertStringIncludes(JSON.stringify(refused.body), "max_connections");
  await site.write("fairway.conf", conf);
  await site.write("acl", "topic readwrite open\n");
  assert((await reload()).status < 300);
  for (const node of [0, 1]) {
    await using client = await connected(port, idOn(node, "c"));
    await client.send(packets.subscribe({ secret: 0, open: 0 }));
    // What is not allowed is granted, and nothing comes.
    await client.expect("90 04 00 01 00 00");
    await client.send(packets.publish("secret", "s"), packets.publish("open", "o"));
    await client.expect(packets.publish("open", "o"));
  }
});

test("a reload opens an admin listener, changes who may use it, and closes it", async () => {
  await using site = await Site.make({
    "fairway.conf": WORKERS,
    tokens: await makeTokens(),
  });
  await using server = startConfigured(site);
  const port = await portOf(server, "mqtt");
  await site.write("fairway.conf", `${WORKERS}${ADMIN}`);
  server.signal("SIGHUP");
  const admin = await portOf(server, "http");
  const [token] = await server.waitFor(/fairway_[\w-]{43}/, "stdout", DEADLINE_MS);
  await using client = await connected(port, idOn(1, "c"));
  const { body: { data } } = await ask(admin, "/api/v1/clients", {}, token);
  assertEquals(data.length, 1);
  const live = await fetch(`http://127.0.0.1:${admin}/api/v1/live`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await site.write("fairway.conf", `${WORKERS}${ADMIN}fairway_admin_tokens FOLDER/tokens\n`);
  server.signal("SIGHUP");
  // Whoever looks has to show the new token.
  await live.text();
  await eventually("the file of tokens holds", async () => {
    return (await ask(admin, "/api/v1/clients")).status === 200;
  });
  assertEquals((await ask(admin, "/api/v1/clients", {}, token)).status, 401);
  await site.write("fairway.conf", WORKERS);
  server.signal("SIGHUP");
  await server.waitFor(/Closed .*http_api/, "stdout", DEADLINE_MS);
  await client.send(packets.pingreq());
  await client.expect("d0 00");
});
