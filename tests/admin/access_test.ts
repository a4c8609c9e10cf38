/**
 * Who may use the admin listener.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AclFile, staticUsers } from "../../auth/mod.ts";
import { formatTokenLine, hashToken, listenAdmin } from "../../admin/mod.ts";
import { LoopbackServer } from "../../admin/http/loopback_server.ts";
import { Broker } from "../../mod.ts";
import { AdminStage, statusOf } from "./_admin.ts";

const TOKEN = "fairway_secret";
const PATH = "/api/v1/nothing";

function basic(name: string, password: string): RequestInit {
  return { headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` } };
}

async function withTokens(text: string, test: (stage: AdminStage) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, text);
    await using stage = await AdminStage.open({ tokenFile: file });
    await test(stage);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("health and readiness take no token", async () => {
  await using stage = await AdminStage.open();
  const health = await fetch(stage.url("/health"));
  assertEquals([health.status, await health.json()], [200, { status: "ok" }]);
  const ready = await fetch(stage.url("/ready"));
  assertEquals([ready.status, await ready.json()], [200, { status: "ready", reasons: [] }]);
});

Deno.test("a broker that closes is alive, and not ready", async () => {
  await using stage = await AdminStage.open();
  await stage.broker.close();
  const ready = await fetch(stage.url("/ready"));
  assertEquals(ready.status, 503);
  assertMatch((await ready.json()).reasons[0], /closes/);
  assertEquals(await statusOf(fetch(stage.url("/health"))), 200);
});

Deno.test("without tokens and accounts a random token is the way in", async () => {
  await using stage = await AdminStage.open();
  assertMatch(stage.admin.token!, /^fairway_[\w-]{43}$/);
  assertEquals(await statusOf(fetch(stage.url(PATH))), 401);
  assertEquals(await statusOf(stage.fetch(PATH)), 404);
});

Deno.test("without tokens and accounts it is not open to other machines", async () => {
  await using broker = new Broker();
  const error = await assertRejects(
    () => listenAdmin(broker, { port: 0, hostname: "0.0.0.0" }),
    TypeError,
  );
  assertMatch(error.message, /0\.0\.0\.0 without a file of tokens/);
});

Deno.test("a bearer token has the scope that its line says", async () => {
  const hash = await hashToken(TOKEN);
  await withTokens(formatTokenLine({ name: "grafana", scope: "read", hash }), async (stage) => {
    assertEquals(stage.admin.token, null);
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    assertEquals(await statusOf(stage.fetch(PATH, bearer(TOKEN))), 404);
    assertEquals(await statusOf(stage.fetch(PATH, bearer(`${TOKEN}x`))), 401);
    assertEquals(await statusOf(stage.fetch(PATH, basic("grafana", TOKEN))), 404);
    assertEquals(await statusOf(stage.fetch(PATH, basic("other", TOKEN))), 401);
  });
});

Deno.test("a file of tokens that cannot be used is refused, with the line", async () => {
  const file = await Deno.makeTempFile();
  await using broker = new Broker();
  await Deno.writeTextFile(file, `# tokens\na:read:${"0".repeat(64)}\nb:all:x\n`);
  const error = await assertRejects(() => listenAdmin(broker, { port: 0, tokenFile: file }));
  await Deno.remove(file);
  assertEquals((error as Error).message, `${file}:3: the scope of a token is read or write`);
});

Deno.test("an account needs a right to $CONTROL/admin, that a wildcard does not give", async () => {
  const accounts = staticUsers({ ada: "1", ben: "2", cy: "3" });
  const rules = AclFile.parse(
    "user ada\ntopic readwrite $CONTROL/admin\nuser ben\ntopic read $CONTROL/admin\n" +
      "user cy\ntopic readwrite #\n",
  );
  await using stage = await AdminStage.open({ accounts, rules });
  assertEquals(stage.admin.token, null);
  assertEquals(await statusOf(stage.fetch(PATH, basic("ada", "1"))), 404);
  assertEquals(await statusOf(stage.fetch(PATH, basic("ben", "2"))), 404);
  assertEquals(await statusOf(stage.fetch(PATH, basic("cy", "3"))), 403);
  assertEquals(await statusOf(stage.fetch(PATH, basic("ada", "2"))), 401);
});

Deno.test("accounts without rules have no right", async () => {
  await using stage = await AdminStage.open({ accounts: staticUsers({ ada: "1" }) });
  assert(stage.admin.token !== null);
  assertEquals(await statusOf(stage.fetch(PATH, basic("ada", "1"))), 401);
});

Deno.test("who guesses is told 429", async () => {
  await using stage = await AdminStage.open();
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) statuses.push(await statusOf(stage.fetch(PATH, basic("a", `${i}`))));
  assertEquals(statuses, [...Array(10).fill(401), 429]);
});

Deno.test("allowAnonymous lets everyone in who sends nothing", async () => {
  await using stage = await AdminStage.open({ allowAnonymous: true });
  assertEquals(await statusOf(fetch(stage.url(PATH))), 404);
});

Deno.test("a name that somebody has pointed here is refused, as DNS rebinding needs it", async () => {
  await using stage = await AdminStage.open({ allowAnonymous: true, names: ["broker.example"] });
  const get = async (host: string) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: stage.admin.port });
    const request = `GET ${PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await conn.write(new TextEncoder().encode(request));
    return (await new Response(conn.readable).text()).slice(9, 12);
  };
  assertEquals(await get("evil.example:9883"), "421");
  assertEquals(await get("broker.example"), "404");
  assertEquals(await get("192.0.2.7:9883"), "404");
  assertEquals(await get("localhost:9883"), "404");
});

Deno.test("a web page of another origin is refused", async () => {
  await using stage = await AdminStage.open({ allowAnonymous: true });
  const own = `http://127.0.0.1:${stage.admin.port}`;
  const from = (headers: Record<string, string>) => statusOf(fetch(stage.url(PATH), { headers }));
  assertEquals(await from({ origin: "https://evil.example" }), 403);
  assertEquals(await from({ origin: "null" }), 403);
  assertEquals(await from({ "sec-fetch-site": "cross-site" }), 403);
  assertEquals(await from({ origin: own }), 404);
});

Deno.test("the server backend the listener answers nobody who comes by another way", async () => {
  const server = new LoopbackServer(() => Promise.resolve(new Response("secret")));
  assertEquals(await statusOf(fetch(`http://127.0.0.1:${server.port}/`)), 403);
  await server.close();
});
