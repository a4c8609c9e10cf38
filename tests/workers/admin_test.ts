/**
 * The admin listener of a server with workers: one broker for operators, too.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { WebSocketClient, webSocketRequest } from "../harness/websocket_client.ts";
import { connected, DEADLINE_MS, idOn, listening, run, start, test } from "./_server.ts";

/** MQTT over WebSocket, as the page uses it. */
function dialDoor(port: number): Promise<WebSocketClient> {
  const request = webSocketRequest("mqtt", "/mqtt").map((line) =>
    line.startsWith("Host:") ? `Host: 127.0.0.1:${port}` : line
  );
  return WebSocketClient.dial(port, "mqtt", request);
}

/** The admin listener of a server, and its HTTP client. */
class Admin {
  readonly port: number;
  readonly token: string;

  private constructor(port: number, token: string) {
    this.port = port;
    this.token = token;
  }

  static async of(server: Child): Promise<Admin> {
    const [, port] = await server.waitFor(/http:\/\/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
    const [token] = await server.waitFor(/fairway_[\w-]{43}/, "stdout", DEADLINE_MS);
    return new Admin(Number(port), token!);
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    return fetch(`http://127.0.0.1:${this.port}${path}`, { headers, ...init });
  }

  // deno-lint-ignore no-explicit-any
  async json(path: string): Promise<any> {
    return await (await this.fetch(path)).json();
  }

  /** Sends a change; returns its status, and the answer. */
  async send(method: string, path: string, body?: unknown) {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await this.fetch(path, init);
    const text = await response.text();
    return { status: response.status, data: text === "" ? null : JSON.parse(text).data };
  }

  /** The value of a series in `/metrics`. */
  async metric(series: string): Promise<number> {
    const lines = (await (await this.fetch("/metrics")).text()).split("\n");
    return Number(lines.find((line) => line.startsWith(`${series} `))?.split(" ").at(-1));
  }
}

test("the streams of the API are those of the first worker, with members of all", async () => {
  await using server = start("--admin-port", "0", "--stream", "day=s/#");
  const port = await listening(server);
  const admin = await Admin.of(server);
  await using client = await connected(port, idOn(1, "member"));
  await client.send(packets.subscribe({ "$share/g/$replay/day/earliest/s/#": 1 }));
  await client.expect("90 03 00 01 01");
  await client.send(packets.publish("s/x", "one", { qos: 1, packetId: 7 }));
  const frames = [await client.readFrame(), await client.readFrame()];
  assertEquals(frames.map((frame) => frame[0]! >> 4).toSorted(), [3, 4]);
  const { data: [day] } = await admin.json("/api/v1/streams");
  assertEquals([day.name, day.last], ["day", 1]);
  const { data: [group] } = await admin.json("/api/v1/streams/day/groups");
  assertEquals([group.name, group.members], ["g", 1]);
  const { data: clients } = await admin.json("/api/v1/clients");
  assertEquals(clients.length, 1, "what reads for the client is in no list");
});

test("lists, metrics and single clients of the API are those of all workers", async () => {
  await using server = start("--admin-port", "0");
  const port = await listening(server);
  const admin = await Admin.of(server);
  assertEquals(await (await admin.fetch("/health")).json(), { status: "ok" });
  assertEquals(await (await admin.fetch("/ready")).json(), { status: "ready", reasons: [] });
  const ids = [0, 1, 0, 1, 0].map((node, i) => idOn(node, `c${i}-`));
  const clients: RawClient[] = [];
  for (const id of ids) {
    const client = await connected(port, id);
    await client.send(packets.subscribe({ [`t/${id}`]: 0 }));
    await client.expect("90 03 00 01 00");
    clients.push(client);
  }
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { data, meta } = await admin.json(`/api/v1/clients?limit=2${query}`);
    assert(data.length <= 2);
    for (const { clientId } of data) seen.push(clientId);
    cursor = meta.next;
  } while (cursor !== null);
  assertEquals(seen, ids.toSorted(), "each once, in the order of the list");
  const { data: subscriptions } = await admin.json("/api/v1/subscriptions");
  assertEquals(subscriptions.length, 5, "those of the workers are not among them");
  const filtered = await admin.json(`/api/v1/clients?id=${ids[1]}`);
  assertEquals(filtered.data.length, 1);
  for (const wrong of ["cursor=x", "limit=0", "unknown=1"]) {
    const response = await admin.fetch(`/api/v1/clients?${wrong}`);
    assertEquals([response.status, (await response.json()).error.field], [
      400,
      wrong.split("=")[0],
    ]);
  }
  assertEquals(await admin.metric("fairway_clients"), 5);
  assertEquals(await admin.metric("fairway_subscriptions"), 5);
  assertEquals(await admin.metric("fairway_ready"), 1);
  assert(await admin.metric('fairway_admin_requests_total{status="200"}') > 0);
  // A worker tells the others its state once a second.
  await eventually("$SYS is that of all workers", async () => {
    const systree = await admin.json("/api/v1/systree");
    const stored = systree["$SYS/broker/messages/stored"];
    return systree["$SYS/broker/clients/connected"] === 5 &&
      stored === systree["$SYS/broker/retained messages/count"];
  });
  await eventually("the most clients are those of all workers at one time", async () => {
    return await admin.metric("fairway_clients_most") === 5;
  });
  for (const id of ids.slice(0, 2)) {
    assertEquals((await admin.json(`/api/v1/clients/${id}`)).data.clientId, id);
    const path = `/api/v1/clients/${id}/disconnect`;
    assertEquals((await admin.send("POST", path, {})).status, 204);
  }
  for (const client of clients.slice(0, 2)) await client.expectClose();
  const closed = await admin.json("/api/v1/closed-connections");
  const closedIds = closed.data.map(({ clientId }: { clientId: string }) => clientId);
  assertEquals(closedIds, [ids[1], ids[0]], "the latest first, of both workers");
  assertEquals((await admin.send("GET", "/api/v1/clients/nobody")).status, 404);
  const reload = await admin.fetch("/api/v1/reload", { method: "POST" });
  assertEquals(reload.status, 404);
  assertMatch((await reload.json()).error.message, /no configuration file/);
  assertEquals((await admin.json("/api/v1/streams")).data, []);
  const head = await admin.fetch("/api/v1/live", { method: "HEAD" });
  assertEquals([head.status, head.headers.get("content-type")], [200, "application/x-ndjson"]);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test("what is published, retained and banned by the API holds at all workers", async () => {
  await using server = start("--admin-port", "0");
  const port = await listening(server);
  const admin = await Admin.of(server);
  const message = { topic: "a", payload: "x", retain: true, qos: 1 };
  assertEquals((await admin.send("POST", "/api/v1/publish", message)).status, 200);
  const wanted = "/api/v1/retained/message?topic=a";
  assertEquals((await admin.json(wanted)).data.topic, "a");
  for (const node of [0, 1]) {
    await using client = await connected(port, idOn(node, "reader"));
    await client.send(packets.subscribe({ a: 0 }));
    await client.expect("90 03 00 01 00");
    await client.expect(packets.publish("a", "x", { retain: true }));
  }
  const deleted = await admin.send("DELETE", "/api/v1/retained?filter=a");
  assertEquals(deleted.data, { deleted: 1 });
  for (const node of [0, 1]) {
    await using client = await connected(port, idOn(node, "late"));
    await client.send(packets.subscribe({ a: 0 }));
    await client.expect("90 03 00 01 00");
    await client.send("c0 00");
    await client.expect("d0 00");
  }
  const before = await Promise.all([0, 1].map((node) => connected(port, idOn(node, "banned"))));
  const { status, data: ban } = await admin.send("POST", "/api/v1/bans", { address: "127.0.0.1" });
  assertEquals(status, 201);
  for (const client of before) {
    await client.expectClose();
    await client[Symbol.asyncDispose]();
  }
  const { data: bans } = await admin.json("/api/v1/bans");
  assertEquals(bans, [ban], "one ban, although each worker has it");
  assertEquals((await admin.send("DELETE", `/api/v1/bans/${ban.id}`)).status, 204);
  assertEquals((await admin.json("/api/v1/bans")).data, []);
  for (const node of [0, 1]) {
    await (await connected(port, idOn(node, "again")))[Symbol.asyncDispose]();
  }
});

test("the page, its live view and its MQTT are there, for callers with the token", async () => {
  await using server = start("--admin-port", "0");
  const port = await listening(server);
  const admin = await Admin.of(server);
  const page = await fetch(`http://127.0.0.1:${admin.port}/`);
  assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  await page.body?.cancel();
  for (const path of ["/metrics", "/api/v1/clients", "/api/v1/live"]) {
    const response = await fetch(`http://127.0.0.1:${admin.port}${path}`);
    await response.body?.cancel();
    assertEquals(response.status, 401, path);
  }
  const live = await admin.fetch("/api/v1/live?topics=true");
  const publishers = await Promise.all([0, 1].map((node) => connected(port, idOn(node, "p"))));
  // Every worker watches topics when the answer has begun.
  for (const publisher of publishers) await publisher.send(packets.publish("same", "x"));
  const lines = live.body!.pipeThrough(new TextDecoderStream()).getReader();
  const topics = new Map<string, number>();
  let clients = 0;
  let rest = "";
  while (clients !== 2 || topics.get("") !== 2 || topics.get("same") !== 2) {
    const { value, done } = await lines.read();
    assert(!done);
    const whole = (rest + value).split("\n");
    rest = whole.pop()!;
    for (const line of whole.map((text) => JSON.parse(text))) {
      if (line.event === "snapshot") clients = line.sizes.clients;
      else for (const [, , name, total] of line.nodes) topics.set(name, total);
    }
  }
  await lines.cancel();
  const { data: last } = await admin.json("/api/v1/topics/last?topic=same");
  assertEquals([last.messages, last.last.bytes], [2, 1]);
  for (const publisher of publishers) await publisher[Symbol.asyncDispose]();
  const door = new RawClient(await dialDoor(admin.port));
  await door.send(packets.connect({ clientId: "page", username: "", password: admin.token }));
  await door.expect("20 02 00 00");
  await door[Symbol.asyncDispose]();
  const stranger = new RawClient(await dialDoor(admin.port));
  await stranger.send(packets.connect({ clientId: "stranger" }));
  await stranger.expect("20 02 00 04");
  await stranger[Symbol.asyncDispose]();
  server.signal("SIGTERM");
  assertEquals((await server.outcome(DEADLINE_MS)).code, 0);
});

test("an admin port that is in use ends the server with one line", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await run(
    ...["--native-sockets", "--workers", "2", "--memory", "--port", "0"],
    ...["--admin-port", `${taken.addr.port}`],
  );
  assertEquals([code, stderr.trimEnd().split("\n").length], [1, 1], stderr);
  assertMatch(stderr, /--admin-port/);
});

test("a trace of a filter tells what clients of all workers publish, with one begin and one end", async () => {
  await using server = start("--admin-port", "0");
  const port = await listening(server);
  const admin = await Admin.of(server);
  const trace = await admin.fetch("/api/v1/trace?filter=t&seconds=2");
  for (const node of [0, 1]) {
    await using client = await connected(port, idOn(node, "p"));
    await client.send(packets.publish("t", "x", { qos: 1, packetId: 1 }));
    await client.expect("40 02 00 01");
  }
  const lines = (await trace.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ event }) => event), ["begin", "publish", "publish", "end"]);
  const ids = lines.slice(1, 3).map(({ clientId }) => clientId);
  assertEquals(ids.toSorted(), [0, 1].map((node) => idOn(node, "p")).toSorted());
});
