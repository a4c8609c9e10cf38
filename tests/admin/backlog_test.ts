/**
 * `/api/v1/clients/ID/backlog`: a look at what waits for a client.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { hashToken, newToken, TokenFile } from "../../admin/mod.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import type { Store } from "../../store/store.ts";
import * as packets from "../harness/packets.ts";
import { AdminStage, statusOf } from "./_admin.ts";
import { allGone, join, listen } from "./_mqtt.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const PATH = "/api/v1/clients/away/backlog";
/** More than a page of the store has. */
const MANY = 700;

/** Subscribes a client to several filters, and has it go. */
async function leave(stage: AdminStage, filters: Record<string, 0 | 1 | 2>): Promise<void> {
  await using client = await join(await listen(stage), "away");
  for (const [filter, qos] of Object.entries(filters)) {
    await client.send(packets.subscribe({ [filter]: qos }, { level: 5 }));
    await client.readFrame();
  }
  client.close();
  await allGone(stage);
}

/** The topics of all pages, of so many messages each. */
async function topics(stage: AdminStage, limit: number, meanwhile = () => {}): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const { data, meta } = await stage.json(`${PATH}?limit=${limit}${from}`);
    found.push(...data.map(({ topic }: Json) => topic));
    cursor = meta.next;
    meanwhile();
  }
  return found;
}

for (const kind of ["in memory", "in a store"] as const) {
  const open = (store: Store | null = kind === "in memory" ? null : new MemoryStore()) =>
    AdminStage.open({}, {}, store);

  Deno.test(`the backlog of a client ${kind} is listed, oldest first, page by page`, async () => {
    await using stage = await open();
    await leave(stage, { "a/#": 1, "b/#": 2, "c/#": 0 });
    const published: string[] = [];
    for (let i = 0; i < MANY; i++) {
      const topic = `${"ab"[i % 2]}/${i}`;
      published.push(topic);
      await stage.broker.publish(topic, `payload ${i}`, { qos: 1 });
      stage.broker.publish(`c/${i}`, "QoS 0 does not wait");
    }
    assertEquals(await topics(stage, 1000), published);
    assertEquals(await topics(stage, 61), published);
    const { data: { backlog } } = await stage.json("/api/v1/clients/away");
    assertEquals(backlog.messages, MANY);
  });

  Deno.test(`a page of a backlog ${kind} goes on where the one before has ended, while messages come`, async () => {
    await using stage = await open();
    await leave(stage, { "#": 1 });
    for (let i = 0; i < 10; i++) await stage.broker.publish(`${i}`, "x", { qos: 1 });
    let next = 10;
    const more = () => {
      if (next < 12) stage.broker.publish(`${next++}`, "x", { qos: 1 });
    };
    assertEquals(await topics(stage, 4, more), [...Array(12).keys()].map(String));
  });

  Deno.test(`a message of a backlog ${kind} is described, with its payload if it is asked for`, async () => {
    await using stage = await open();
    await leave(stage, { "$share/g/t": 2 });
    const properties = { messageExpiryInterval: 60 };
    await stage.broker.publish("t", "secret", { qos: 2, properties });
    const { data: [plain], meta } = await stage.json(PATH);
    const { expires, ...rest } = plain;
    assertEquals(meta, { limit: 100, next: null });
    assertEquals(rest, {
      topic: "t",
      qos: 2,
      isRetained: false,
      bytes: 6,
      publisher: null,
      shared: "$share/g/t",
    });
    assertEquals(typeof expires, "string");
    const { data: [whole] } = await stage.json(`${PATH}?payload=true`);
    assertEquals(whole.payload, btoa("secret"));
  });
}

Deno.test("a page of a backlog with payloads has one mebibyte of them, and goes on from there", async () => {
  await using stage = await AdminStage.open();
  await leave(stage, { "#": 1 });
  const payload = new Uint8Array(400_000);
  for (let i = 0; i < 5; i++) await stage.broker.publish(`${i}`, payload, { qos: 1 });
  const first = await stage.json(`${PATH}?payload=true`);
  assertEquals(first.data.map(({ topic }: Json) => topic), ["0", "1", "2"]);
  const second = await stage.json(`${PATH}?payload=true&cursor=${first.meta.next}`);
  assertEquals(second.data.map(({ topic }: Json) => topic), ["3", "4"]);
  assertEquals(second.meta.next, null);
});

Deno.test("a backlog that was restored is listed from the store", async () => {
  const store = new MemoryStore();
  const stage = await AdminStage.open({}, {}, store);
  await leave(stage, { "#": 1 });
  for (let i = 0; i < MANY; i++) await stage.broker.publish(`${i}`, "x", { qos: 1 });
  const left = store.snapshot();
  await stage[Symbol.asyncDispose]();
  await using again = await AdminStage.open({}, {}, MemoryStore.from(left));
  const names = [...Array(MANY).keys()].map(String);
  assertEquals(await topics(again, 300), names);
});

Deno.test("a look into a backlog takes a client that there is, and a token with write for payloads", async () => {
  const token = newToken();
  const entry = { name: "viewer", scope: "read", hash: await hashToken(token) } as const;
  await using stage = await AdminStage.open({ tokenFile: new TokenFile([entry]) });
  await using _client = await join(await listen(stage), "away");
  const headers = { authorization: `Bearer ${token}` };
  assertEquals(await statusOf(stage.fetch(`${PATH}?payload=true`, { headers })), 403);
  const { data } = await stage.json(PATH, { headers });
  assertEquals(data, []);
  assertEquals(await statusOf(stage.fetch("/api/v1/clients/no/backlog", { headers })), 404);
  assertEquals(await statusOf(stage.fetch(`${PATH}?cursor=x`, { headers })), 400);
});
