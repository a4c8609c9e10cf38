/**
 * The page as it is served: its files, what they may do, what they weigh, and MQTT at `/mqtt`.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hashToken, TokenFile } from "../../admin/mod.ts";
import { Page } from "../../admin/page/page.ts";
import { PAGE_CLIENTS_MAX } from "../../admin/page/mqtt_door.ts";
import { connect, ConnectError, type ConnectOptions } from "../../client/mod.ts";
import * as packets from "../harness/packets.ts";
import { WebSocketClient, webSocketRequest } from "../harness/websocket_client.ts";
import { AdminStage, statusOf } from "./_admin.ts";

const FILES = [
  "/",
  "/page/style.css",
  "/page/preact.js",
  "/page/uplot.js",
  "/page/client.js",
  "/page/app.js",
];
/** What a browser is sent for the page, compressed as every browser takes it. */
const SENT_BYTES_MAX = 120_000;

/** Bytes that go over the network for a file. */
async function sentBytes(stage: AdminStage, path: string): Promise<number> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: stage.admin.port });
  const head =
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n`;
  await conn.write(new TextEncoder().encode(head));
  let bytes = 0;
  for await (const chunk of conn.readable) bytes += chunk.length;
  return bytes;
}

Deno.test("the files of the page take no token, and weigh less than 120 KB as they are sent", async () => {
  await using stage = await AdminStage.open();
  let sum = 0;
  for (const path of FILES) {
    const response = await fetch(stage.url(path));
    await response.body?.cancel();
    assertEquals([path, response.status], [path, 200]);
    const policy = response.headers.get("content-security-policy")!;
    assert(policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self';"), policy);
    assert(!/unsafe|\*|https?:/.test(policy), policy);
    const tag = response.headers.get("etag")!;
    const headers = { "if-none-match": tag };
    assertEquals(await statusOf(fetch(stage.url(path), { headers })), 304);
    sum += await sentBytes(stage, path);
  }
  assert(sum < SENT_BYTES_MAX, `${sum} bytes`);
  assertEquals(await statusOf(fetch(stage.url("/page/other.js"))), 401);
  assertEquals(await statusOf(fetch(stage.url("/"), { method: "POST" })), 401);
});

Deno.test("the page has no script and no style within its HTML", async () => {
  await using stage = await AdminStage.open();
  const html = await (await fetch(stage.url("/"))).text();
  assertEquals(html.match(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/g), null);
});

Deno.test("the page is for names that are known here", async () => {
  await using stage = await AdminStage.open();
  const headers = { host: "evil.example" };
  const client = Deno.createHttpClient({ allowHost: true });
  try {
    assertEquals(await statusOf(fetch(stage.url("/"), { headers, client })), 421);
  } finally {
    client.close();
  }
});

Deno.test("a folder of files is served in place of the page", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/index.html`, "another page");
    await using stage = await AdminStage.open({ directory });
    assertEquals(await (await stage.fetch("/")).text(), "another page");
    assertEquals(await statusOf(fetch(stage.url("/"))), 401);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a page whose libraries cannot be loaded says so, and tries again", async () => {
  const reported: unknown[] = [];
  let attempts = 0;
  const page = new Page(
    () => ++attempts < 3 ? Promise.reject(new Error("no <npm> here")) : Promise.resolve(new Map()),
    (error) => reported.push(error),
  );
  const request = new Request("http://127.0.0.1/");
  const ask = () => page.answer(request, new URL(request.url));
  for (let i = 1; i <= 2; i++) {
    const response = (await ask())!;
    assertEquals([response.status, reported.length], [503, i]);
    const text = await response.text();
    assert(text.includes("no &#60;npm&#62; here") && text.includes("/api/v1"), text);
  }
  assertEquals(await ask(), null);
});

/** Connects to `/mqtt`. */
function dial(stage: AdminStage, options: ConnectOptions) {
  const url = `ws://127.0.0.1:${stage.admin.port}/mqtt`;
  return connect(url, { reconnect: false, ...options });
}

/** The Reason Code with which a connection to `/mqtt` is refused. */
async function refusal(stage: AdminStage, options: ConnectOptions): Promise<number | null> {
  const error = await assertRejects(() => dial(stage, options), ConnectError);
  return (error as ConnectError).reasonCode;
}

Deno.test("MQTT at /mqtt takes a token with the scope write, and no other", async () => {
  const entries = [
    { name: "reader", scope: "read", hash: await hashToken("r-token") },
    { name: "writer", scope: "write", hash: await hashToken("w-token") },
  ] as const;
  await using stage = await AdminStage.open({ tokenFile: new TokenFile([...entries]) });
  assertEquals(await refusal(stage, {}), 0x86);
  assertEquals(await refusal(stage, { password: "x-token" }), 0x86);
  assertEquals(await refusal(stage, { password: "two\nlines" }), 0x86);
  assertEquals(await refusal(stage, { password: "r-token" }), 0x87);
  assertEquals(await refusal(stage, { username: "reader", password: "w-token" }), 0x86);
  await using client = await dial(stage, { password: "w-token", clientId: "pane" });
  const { connection, username } = stage.broker.inspection.session("pane")!;
  assertEquals([username, connection?.client.listener], ["writer", "page"]);
  const messages = client.subscribe("#");
  await messages.ready;
  await client.publish("a/b", "hello", { qos: 2 });
  assertEquals((await messages.next()).value?.topic, "a/b");
  await using named = await dial(stage, { username: "writer", password: "w-token" });
  assertEquals(named.state.kind, "connected");
});

Deno.test("the live view and traces end when tokens change", async () => {
  const tokenFile = new TokenFile([{ name: "w", scope: "write", hash: await hashToken("old") }]);
  await using stage = await AdminStage.open({ tokenFile });
  const headers = { authorization: "Bearer old" };
  const paths = ["/api/v1/live?topics=true", "/api/v1/trace?filter=%23"];
  const views = [];
  for (const path of paths) views.push(await stage.fetch(path, { headers }));
  const renewed = new TokenFile([{ name: "w", scope: "write", hash: await hashToken("new") }]);
  await stage.admin.changeAccess({ tokenFile: renewed });
  for (const view of views) assert((await view.text()).endsWith("\n"));
  for (const path of paths) assertEquals(await statusOf(stage.fetch(path, { headers })), 401);
  const again = await stage.fetch(paths[0]!, { headers: { authorization: "Bearer new" } });
  assertEquals(again.status, 200);
  await again.body!.cancel();
});

Deno.test("MQTT at /mqtt ends when tokens change, and when the listener closes", async () => {
  const tokenFile = new TokenFile([{ name: "w", scope: "write", hash: await hashToken("old") }]);
  const stage = await AdminStage.open({ tokenFile });
  try {
    const first = await dial(stage, { password: "old" });
    const renewed = new TokenFile([{ name: "w", scope: "write", hash: await hashToken("new") }]);
    const ended = first.subscribe("#").next();
    await stage.admin.changeAccess({ tokenFile: renewed });
    await assertRejects(() => ended);
    assertEquals(await refusal(stage, { password: "old" }), 0x86);
    const second = await dial(stage, { password: "new" });
    const closed = second.subscribe("#").next();
    await stage.admin.close();
    await assertRejects(() => closed);
  } finally {
    await stage[Symbol.asyncDispose]();
  }
});

Deno.test("MQTT at /mqtt is not for pages of another origin, nor for names that are not known", async () => {
  await using stage = await AdminStage.open({ allowAnonymous: true });
  /** Whether a request for a WebSocket with a Host and other headers leads to a CONNACK. */
  const leadsIn = async (host: string, ...others: string[]) => {
    const request = webSocketRequest("mqtt", "/mqtt").map((line) =>
      line.startsWith("Host:") ? `Host: ${host}` : line
    );
    const { port } = stage.admin;
    using client = await WebSocketClient.dial(port, "mqtt", [...request, ...others]);
    await client.write(packets.connect({ level: 5, clientId: "a" })).catch(() => {});
    const frame = await client.readFrame().catch(() => null);
    return frame !== null && frame.payload[0] === 0x20;
  };
  const own = `127.0.0.1:${stage.admin.port}`;
  assert(await leadsIn(own));
  assert(await leadsIn(own, `Origin: http://${own}`));
  assert(!await leadsIn(own, "Origin: http://evil.example"));
  assert(!await leadsIn("evil.example"));
  assert(!await leadsIn("evil.example", "Origin: http://evil.example"));
});

Deno.test(`MQTT at /mqtt is for ${PAGE_CLIENTS_MAX} clients at once`, async () => {
  await using stage = await AdminStage.open();
  const password = stage.admin.token!;
  const clients = [];
  for (let i = 0; i < PAGE_CLIENTS_MAX; i++) clients.push(await dial(stage, { password }));
  assertEquals(await refusal(stage, { password }), 0x97);
  for (const client of clients) await client.close();
});
