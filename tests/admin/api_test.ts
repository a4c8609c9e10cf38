/**
 * `/api/v1`: clients, sessions, subscriptions, bans, messages, limits and what has happened.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { formatTokenLine, hashToken, newToken, TokenFile } from "../../admin/mod.ts";
import { Broker } from "../../mod.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { AdminStage, statusOf } from "./_admin.ts";
import { allGone, join, listen } from "./_mqtt.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const idsOf = ({ data }: Json): string[] => data.map(({ clientId }: Json) => clientId);

Deno.test("clients are listed, page by page, and selected", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using a = await join(port, "sensor-a");
  await using b = await join(port, "sensor-b", { username: "ada", password: "" });
  await using c = await join(port, "c", { level: 4 });
  const first = await stage.json("/api/v1/clients?limit=2");
  assertEquals([idsOf(first), first.meta.limit], [["c", "sensor-a"], 2]);
  const second = await stage.json(`/api/v1/clients?limit=2&cursor=${first.meta.next}`);
  assertEquals([idsOf(second), second.meta.next], [["sensor-b"], null]);
  const cases: Record<string, string[]> = {
    "id=sensor": ["sensor-a", "sensor-b"],
    "user=ada": ["sensor-b"],
    "version=4": ["c"],
    "listener=lan&version=5": ["sensor-a", "sensor-b"],
    "listener=other": [],
    "address=127.0.0.0/8&id=c": ["c"],
    "address=192.0.2.0/24": [],
    "connected=false": [],
  };
  for (const [query, ids] of Object.entries(cases)) {
    assertEquals(idsOf(await stage.json(`/api/v1/clients?${query}`)), ids, query);
  }
  for (const client of [a, b, c]) client.close();
});

Deno.test("clients are sorted by their backlog, so that the owner of the memory comes first", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  for (const [clientId, filter] of [["little", "one"], ["much", "#"]] as const) {
    await using client = await join(port, clientId);
    await client.send(packets.subscribe({ [filter]: 1 }, { level: 5 }));
    await client.readFrame();
    client.close();
  }
  await allGone(stage);
  stage.broker.publish("one", "12345", { qos: 1 });
  stage.broker.publish("two", "12345", { qos: 1 });
  const { data } = await stage.json("/api/v1/clients?sort=backlog");
  assertEquals(
    data.map(({ clientId, backlog, isConnected }: Json) => [
      clientId,
      backlog.messages,
      isConnected,
    ]),
    [["much", 2, false], ["little", 1, false]],
  );
  assertEquals(idsOf(await stage.json("/api/v1/clients?sort=backlog-bytes&limit=1")), ["much"]);
});

Deno.test("one client is described, with its subscriptions; an unknown one gets 404", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using client = await join(port, "a/b ü");
  await client.send(packets.subscribe({ "x/#": 1, "y": 0 }, { level: 5 }));
  await client.readFrame();
  const path = `/api/v1/clients/${encodeURIComponent("a/b ü")}`;
  const { data } = await stage.json(path);
  assertEquals(
    [data.clientId, data.isConnected, data.subscriptions, data.expirySeconds, data.willTopic],
    ["a/b ü", true, 2, 3600, null],
  );
  assertEquals([data.connection.listener, data.connection.protocolVersion], ["lan", 5]);
  assertMatch(data.connection.address, /^127\.0\.0\.1:\d+$/);
  const own = await stage.json(`${path}/subscriptions`);
  assertEquals(own.data.map(({ filter, qos }: Json) => [filter, qos]), [["x/#", 1], ["y", 0]]);
  const all = await stage.json("/api/v1/subscriptions?filter=y");
  assertEquals(all.data.map(({ clientId, filter }: Json) => [clientId, filter]), [["a/b ü", "y"]]);
  const { error } = await stage.json("/api/v1/clients/nobody");
  assertEquals([error.status, error.field], [404, "id"]);
});

Deno.test("a client is disconnected with 0x98 and the reason, and is listed as closed", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using client = await join(port, "c");
  const gone = stage.send("POST", "/api/v1/clients/c/disconnect", { reason: "noisy" });
  assertEquals(await statusOf(gone), 204);
  await client.expect("e0 0a 98 08 1f 00 05", "6e 6f 69 73 79");
  await client.expectClose();
  assertEquals((await stage.json("/api/v1/clients/c")).data.isConnected, false);
  const again = await stage.send("POST", "/api/v1/clients/c/disconnect");
  assertEquals([again.status, (await again.json()).error.field], [409, "id"]);
  const { data: [closed] } = await stage.json("/api/v1/closed-connections");
  assertEquals(
    [closed.clientId, closed.by, closed.reasonCode, closed.listener],
    ["c", "broker", 0x98, "lan"],
  );
  assertEquals("number" in closed, false);
});

Deno.test("a session is ended with its connection", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using client = await join(port, "c");
  assertEquals(await statusOf(stage.fetch("/api/v1/clients/c", { method: "DELETE" })), 204);
  assertEquals((await client.readFrame())[2], 0x98);
  assertEquals(await statusOf(stage.fetch("/api/v1/clients/c")), 404);
  assertEquals(await statusOf(stage.fetch("/api/v1/clients/c", { method: "DELETE" })), 404);
});

Deno.test("a ban disconnects clients, and refuses them with 0x8A until it is deleted", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using client = await join(port, "c");
  const made = await stage.send("POST", "/api/v1/bans", { clientId: "c", seconds: 60 });
  const { data: { id } } = await made.json();
  assertEquals([made.status, (await client.readFrame())[2]], [201, 0x98]);
  {
    await using banned = await RawClient.dial(port);
    await banned.send(packets.connect({ level: 5, clientId: "c" }));
    assertEquals([...await banned.readFrame()].slice(0, 4).at(-1), 0x8a);
  }
  const { data: [ban] } = await stage.json("/api/v1/bans");
  assertEquals([ban.kind, ban.value, ban.reason], ["clientId", "c", ""]);
  const path = `/api/v1/bans/${id}`;
  assertEquals(await statusOf(stage.fetch(path, { method: "DELETE" })), 204);
  assertEquals(await statusOf(stage.fetch(path, { method: "DELETE" })), 404);
  await using back = await join(port, "c");
  assertEquals((await stage.json("/api/v1/clients/c")).data.isConnected, true);
  back.close();
});

Deno.test("a ban takes exactly one of client, user and address", async () => {
  await using stage = await AdminStage.open();
  for (const body of [{}, { clientId: "c", username: "u" }, { address: "lan" }]) {
    assertEquals(await statusOf(stage.send("POST", "/api/v1/bans", body)), 400);
  }
});

Deno.test("retained messages are listed without payloads, read, and deleted", async () => {
  await using stage = await AdminStage.open();
  for (const topic of ["a/1", "a/2", "b"]) stage.broker.publish(topic, topic, { retain: true });
  const list = await stage.json("/api/v1/retained?filter=a/%23");
  assertEquals(
    list.data.map(({ topic, bytes, payload }: Json) => [topic, bytes, payload]),
    [["a/1", 3, undefined], ["a/2", 3, undefined]],
  );
  const { data } = await stage.json("/api/v1/retained/message?topic=b");
  assertEquals([atob(data.payload), data.expires], ["b", null]);
  const gone = await stage.json("/api/v1/retained?filter=a/%2B", { method: "DELETE" });
  assertEquals([gone.data.deleted, stage.broker.stats.retainedMessages], [2, 1]);
  assertEquals(await statusOf(stage.fetch("/api/v1/retained/message?topic=a/1")), 404);
  const { error } = await stage.json("/api/v1/retained?filter=a%23");
  assertEquals([error.status, error.field], [400, "filter"]);
});

Deno.test("a token that may only look sees no payload, and changes nothing", async () => {
  const token = newToken();
  const entry = { name: "grafana", scope: "read", hash: await hashToken(token) } as const;
  assertMatch(formatTokenLine(entry), /^grafana:read:/);
  await using stage = await AdminStage.open({ tokenFile: new TokenFile([entry]) });
  stage.broker.publish("secret", "text", { retain: true });
  const headers = { authorization: `Bearer ${token}` };
  const { data } = await stage.json("/api/v1/retained/message?topic=secret", { headers });
  assertEquals([data.topic, data.payload], ["secret", undefined]);
  const changes = [
    ["POST", "/api/v1/publish"],
    ["POST", "/api/v1/bans"],
    ["PATCH", "/api/v1/limits"],
    ["POST", "/api/v1/reload"],
    ["DELETE", "/api/v1/retained?filter=%23"],
    ["DELETE", "/api/v1/clients/c"],
    ["GET", "/api/v1/trace?client=c&payload=true"],
  ] as const;
  for (const [method, path] of changes) {
    assertEquals(await statusOf(stage.fetch(path, { method, headers })), 403, path);
  }
  assertEquals(stage.broker.stats.retainedMessages, 1);
});

Deno.test("a message is published, as text or base64, with its properties", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using client = await join(port, "c");
  await client.send(packets.subscribe({ t: 1 }, { level: 5 }));
  await client.readFrame();
  const sent = [
    { topic: "t", payload: "ü", qos: 1, contentType: "text/plain", expirySeconds: 60 },
    { topic: "t", payload: "AP8=", encoding: "base64" },
  ];
  for (const body of sent) {
    assertEquals(await statusOf(stage.send("POST", "/api/v1/publish", body)), 200);
  }
  // QoS 1 with Message Expiry Interval 60, Content Type and "ü".
  const properties = packets.publish("t", "ü", {
    level: 5,
    qos: 1,
    properties: "02 00 00 00 3c 03 00 0a 74 65 78 74 2f 70 6c 61 69 6e",
  });
  await client.expect(properties);
  await client.expect(packets.publish("t", new Uint8Array([0, 255]), { level: 5 }));
});

Deno.test("a message that cannot be published is refused, with the field", async () => {
  await using stage = await AdminStage.open();
  const cases = [
    [{ payload: "x" }, "topic"],
    [{ topic: "a/#" }, "topic"],
    [{ topic: "a", qos: 3 }, "qos"],
    [{ topic: "a", payload: "!", encoding: "base64" }, "payload"],
    [{ topic: "a", responseTopic: "+" }, "responseTopic"],
    [{ topic: "a", other: 1 }, "other"],
  ] as const;
  for (const [body, field] of cases) {
    const response = await stage.send("POST", "/api/v1/publish", body);
    assertEquals([response.status, (await response.json()).error.field], [400, field]);
  }
});

Deno.test("limits are read and changed; a wrong one is named, and nothing changes", async () => {
  await using stage = await AdminStage.open();
  const before = (await stage.json("/api/v1/limits")).data;
  assertEquals(before, { ...stage.broker.limits });
  const changed = await stage.send("PATCH", "/api/v1/limits", { sessionsMax: 7 });
  assertEquals([(await changed.json()).data.sessionsMax, stage.broker.limits.sessionsMax], [7, 7]);
  for (const [body, field] of [[{ sessionsMax: -1 }, "sessionsMax"], [{ x: 1 }, "x"]] as const) {
    const response = await stage.send("PATCH", "/api/v1/limits", { inflightMax: 3, ...body });
    assertEquals([response.status, (await response.json()).error.field], [400, field]);
  }
  assertEquals(stage.broker.limits.inflightMax, before.inflightMax);
});

Deno.test("drops are counted by reason, and the latest are listed", async () => {
  await using stage = await AdminStage.open({}, {
    limits: { backlogMessagesMax: 1 },
    overflow: "drop-newest",
  });
  const port = await listen(stage);
  {
    await using client = await join(port, "c");
    await client.send(packets.subscribe({ t: 1 }, { level: 5 }));
    await client.readFrame();
    client.close();
  }
  await allGone(stage);
  for (const payload of ["1", "2", "3"]) stage.broker.publish("t", payload, { qos: 1 });
  assertEquals((await stage.json("/api/v1/drops")).data.backlog, 2);
  const { data } = await stage.json("/api/v1/drops/recent?limit=1");
  assertEquals([data[0].reason, data[0].topic, data[0].clientId], ["backlog", "t", "c"]);
});

Deno.test("streams are listed with what they have", async () => {
  await using stage = await AdminStage.open();
  await stage.broker.declareStream({
    name: "day",
    filters: ["s/#"],
    store: "memory",
    maxMessages: 10,
  });
  for (const topic of ["s/1", "other", "s/2"]) await stage.broker.publish(topic, "x");
  const { data } = await stage.json("/api/v1/streams");
  assertEquals(
    data.map(({ name, first, last, messages }: Json) => [name, first, last, messages]),
    [["day", 1, 2, 2]],
  );
});

Deno.test("a stream that is no longer declared is listed as such, and can be removed", async () => {
  await using stage = await AdminStage.open();
  const { broker } = stage;
  await broker.declareStream({ name: "day", filters: ["s/#"], store: "memory", maxMessages: 10 });
  const listed = async () => {
    const { data } = await stage.json("/api/v1/streams");
    return data.map(({ name, isDeclared }: Json) => [name, isDeclared]);
  };
  const remove = (name: string) => {
    return statusOf(stage.fetch(`/api/v1/streams/${name}`, { method: "DELETE" }));
  };
  assertEquals([await remove("day"), await listed()], [409, [["day", true]]]);
  await broker.retireStream("day");
  assertEquals([await remove("no"), await listed()], [404, [["day", false]]]);
  assertEquals([await remove("day"), await listed()], [204, []]);
  assertEquals(await remove("day"), 404);
});

Deno.test("subscriptions that read streams are listed with their stream", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await stage.broker.declareStream({
    ...{ name: "day", filters: ["s/#"], store: "memory", maxMessages: 10 },
  });
  await using reader = await join(port, "reader");
  const filters = ["$replay/day/latest/s/#", "$share/g/$replay/day/latest/s/#", "s/+"];
  const wanted = Object.fromEntries(filters.map((filter) => [filter, 1 as const]));
  await reader.send(packets.subscribe(wanted, { level: 5 }));
  await reader.readFrame();
  const seen = ({ data }: Json) => data.map(({ filter, stream }: Json) => [filter, stream]).sort();
  const expected = [[filters[0], "day"], [filters[1], "day"], [filters[2], null]];
  assertEquals(seen(await stage.json("/api/v1/clients/reader/subscriptions")), expected);
  assertEquals(seen(await stage.json("/api/v1/subscriptions")), expected);
  assertEquals((await stage.json("/api/v1/clients/reader")).data.subscriptions, 3);
});

Deno.test("groups of streams: listed, moved to another position, removed", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await stage.broker.declareStream({
    ...{ name: "day", filters: ["s/#"], store: "memory", maxMessages: 10 },
  });
  for (let i = 0; i < 3; i++) await stage.broker.publish("s/1", "x");
  await using worker = await join(port, "worker", { properties: "21 00 02" });
  const filter = "$share/g/$replay/day/earliest/s/#";
  await worker.send(packets.subscribe({ [filter]: 1 }, { level: 5 }));
  for (let frames = 0; frames < 3; frames++) await worker.readFrame();
  const groups = "/api/v1/streams/day/groups";
  const group = {
    ...{ name: "g", filter: "s/#", isExclusive: false, floor: 1, next: 3 },
    ...{ pending: 2, lag: 1, members: 1 },
  };
  assertEquals((await stage.json(groups)).data, [group]);
  assertEquals((await stage.json(`${groups}/g`)).data, group);
  const { data: [pending, ...more] } = await stage.json(`${groups}/g/pending`);
  assertMatch(pending.since, /^\d{4}-\d\d-\d\dT/);
  assertEquals([{ ...pending, since: "" }, more.length], [
    { clientId: "worker", messages: 2, oldest: 1, since: "", deliveries: 1 },
    0,
  ]);
  const seek = (position: unknown) => stage.send("POST", `${groups}/g/seek`, { position });
  assertEquals(await statusOf(seek("latest")), 204);
  assertEquals((await stage.json(`${groups}/g`)).data.floor, 4);
  assertEquals(await statusOf(seek("first")), 400);
  assertEquals(await statusOf(seek(undefined)), 400);
  assertEquals(await statusOf(stage.fetch(`${groups}/g`, { method: "DELETE" })), 204);
  assertEquals((await stage.json(groups)).data, []);
  assertEquals(await statusOf(stage.fetch(`${groups}/g`, { method: "DELETE" })), 404);
  assertEquals(await statusOf(stage.fetch("/api/v1/streams/no/groups")), 404);
  worker.close();
});

Deno.test("slow subscribers are listed with how much waits, and since when", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  await using slow = await join(port, "slow", { properties: "11 00 00 0e 10 21 00 01" });
  await using quick = await join(port, "quick");
  await slow.send(packets.subscribe({ t: 1 }, { level: 5 }));
  await slow.readFrame();
  // Its Receive Maximum is 1, and it acknowledges nothing.
  for (const payload of ["1", "2", "3"]) stage.broker.publish("t", payload, { qos: 1 });
  await slow.readFrame();
  const { data } = await stage.json("/api/v1/slow-subscribers");
  assertEquals(data.map(({ client }: Json) => [client.clientId, client.backlog.messages]), [[
    "slow",
    2,
  ]]);
  assertMatch(data[0].since, /^\d{4}-\d\d-\d\dT/);
  quick.close();
});

Deno.test("the configuration and the reload are those of the program; 404 without", async () => {
  let faults: string[] = [];
  await using broker = new Broker();
  await using stage = await AdminStage.open({
    operations: { configuration: () => "listener 1883\n", reload: () => Promise.resolve(faults) },
  });
  assertEquals((await stage.json("/api/v1/config")).data.text, "listener 1883\n");
  assertEquals(await statusOf(stage.send("POST", "/api/v1/reload")), 204);
  faults = ["fairway.conf:1: no"];
  const refused = await stage.send("POST", "/api/v1/reload");
  assertEquals(refused.status, 409);
  assertMatch((await refused.json()).error.message, /fairway\.conf:1: no/);
  await using bare = await AdminStage.open();
  assertEquals(await statusOf(bare.fetch("/api/v1/config")), 404);
  assertEquals(await statusOf(bare.send("POST", "/api/v1/reload")), 404);
  assertEquals(broker.stats.sessions, 0);
});

Deno.test("a change is a line in the log, with the name of the token", async () => {
  const lines: string[] = [];
  const audit = ({ text }: { text: string }) => lines.push(text);
  await using stage = await AdminStage.open({ operations: { audit } });
  await statusOf(stage.send("PATCH", "/api/v1/limits", { sessionsMax: 7 }));
  await statusOf(stage.fetch("/api/v1/limits"));
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /^admin: "printed-at-start" from 127.*: PATCH \/api\/v1\/limits 200$/);
});
