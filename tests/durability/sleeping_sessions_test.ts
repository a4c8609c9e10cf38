/**
 * After a start, sessions sleep until their client or a message comes. Nobody must notice.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import type { Table } from "../../store/store.ts";
import * as packets from "../harness/packets.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { Stage } from "../limits/_stage.ts";

const V5 = { level: 5 } as const;
/** A session that ends an hour after its connection. */
const STAYS = { properties: "11 00000e10", clean: false } as const;
/** More than one page of a log has. */
const MANY = 300;

/** Leaves clients that subscribe, and messages for them. */
async function leave(
  names: readonly string[],
  filtersOf: (name: string) => readonly string[],
  publications: readonly Uint8Array[],
): Promise<MemoryStore> {
  const store = new MemoryStore();
  await using stage = await Stage.open(store, {});
  for (const clientId of names) {
    const client = await stage.join({ clientId, ...STAYS });
    const filters = Object.fromEntries(filtersOf(clientId).map((filter) => [filter, 1] as const));
    await client.send(packets.subscribe(filters, V5));
    await client.leave();
  }
  const publisher = await stage.join();
  for (const publication of publications) await publisher.send(publication);
  await publisher.leave();
  return MemoryStore.from(store.snapshot());
}

function qos1(topic: string, payload: string, properties = ""): Uint8Array {
  return packets.publish(topic, payload, { ...V5, qos: 1, packetId: 1, properties });
}

/** Connects the client of a session; returns the payloads that it is sent. */
async function payloadsFor(stage: Stage, clientId: string): Promise<string[]> {
  const client = stage.visit();
  const answer = await client.connect({ clientId, ...STAYS });
  const text = new TextDecoder().decode(Uint8Array.fromHex(answer + await client.receive()));
  await client.leave();
  return text.match(/<\w+>/g) ?? [];
}

function rows(store: MemoryStore, ...tables: Table[]): number[] {
  const snapshot = store.snapshot();
  return tables.map((table) => snapshot.get(table)?.length ?? 0);
}

Deno.test("a session that sleeps is counted, and its client gets what came before and after the start", async () => {
  const names = ["a", "b", "c"];
  const publications = names.flatMap((name) => ["<1>", "<2>"].map((text) => qos1(name, text)));
  const store = await leave(names, (name) => [name], publications);
  await using stage = await Stage.open(store, {});
  const { inspection, stats } = stage.broker;
  assertEquals([stats.sessions, stats.subscriptions], [3, 3]);
  const waiting = inspection.session("b")!.waiting;
  const publisher = await stage.join();
  await publisher.send(qos1("b", "<3>"));
  const after = inspection.session("b")!.waiting;
  assertEquals([waiting.messages, after.messages], [2, 3]);
  assertEquals(after.bytes > waiting.bytes && waiting.bytes > 0, true);
  assertEquals(await payloadsFor(stage, "b"), ["<1>", "<2>", "<3>"]);
  assertEquals(await payloadsFor(stage, "a"), ["<1>", "<2>"]);
});

Deno.test("sessions that nothing touches are the same after every start", async () => {
  const names = ["a", "b", "c"];
  let store = await leave(names, (name) => [name], names.map((name) => qos1(name, "<1>")));
  const tables = ["sessions", "subscriptions", "entries", "messages"] as const;
  const before = store.snapshot();
  for (let start = 0; start < 2; start++) {
    {
      await using stage = await Stage.open(store, {});
      assertEquals(stage.broker.stats.storedBytes > 0, true);
    }
    store = MemoryStore.from(store.snapshot());
  }
  for (const table of tables) assertEquals(store.snapshot().get(table), before.get(table), table);
  await using stage = await Stage.open(store, {});
  assertEquals(await payloadsFor(stage, "c"), ["<1>"]);
});

Deno.test("a session that sleeps ends when it is due, and leaves nothing in the store [MQTT-3.1.2-23]", async () => {
  const names = ["a", "b"];
  const store = await leave(names, (name) => [name], names.map((name) => qos1(name, "<1>")));
  await using stage = await Stage.open(store, {});
  await stage.clock.advance(3_500_000);
  assertEquals(stage.broker.stats.sessions, 2);
  await stage.clock.advance(200_000);
  assertEquals([stage.broker.stats.sessions, stage.broker.stats.subscriptions], [0, 0]);
  const left = rows(store, "sessions", "subscriptions", "entries", "messages");
  assertEquals(left, [0, 0, 0, 0]);
});

Deno.test("messages that wait for a session that sleeps expire [MQTT-3.3.2-5]", async () => {
  const publications = Array.from({ length: MANY }, () => qos1("a", "<x>", "02 0000000a"));
  const store = await leave(["a"], (name) => [name], publications);
  assertEquals(rows(store, "entries"), [3]);
  await using stage = await Stage.open(store, {});
  await stage.clock.advance(20_000);
  // The last page stays until its reader comes.
  assertEquals(rows(store, "entries"), [1]);
  assertEquals(stage.broker.stats.dropped.expired, 256);
});

Deno.test("sessions that share a log sleep too, and its pages stay until they have read them", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `away${i}`);
  const news = Array.from({ length: MANY }, (_, i) => qos1("news", `<${i}>`));
  const expected = Array.from({ length: MANY }, (_, i) => `<${i}>`);
  let store = await leave(names, () => ["news"], news);
  {
    await using stage = await Stage.open(store, {});
    const each = names.map((name) => stage.broker.inspection.session(name)!.waiting.messages);
    assertEquals(each, names.map(() => MANY));
  }
  store = MemoryStore.from(store.snapshot());
  await using stage = await Stage.open(store, {});
  const publisher = await stage.join();
  await publisher.send(qos1("news", "<last>"));
  assertEquals(await payloadsFor(stage, "away0"), [...expected, "<last>"]);
});

Deno.test("sessions that begin to follow a log in their sleep have its messages, and so after a crash", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `away${i}`);
  let store = await leave(names, () => ["news"], []);
  const before = store.snapshot().get("sessions");
  {
    await using stage = await Stage.open(store, {});
    const publisher = await stage.join();
    await publisher.send(qos1("news", "<1>"));
    await publisher.send(qos1("news", "<2>"));
    const each = names.map((name) => stage.broker.inspection.session(name)!.waiting.messages);
    assertEquals(each, names.map(() => 2));
    // The rows of the sessions are as they were: they share one for all of them.
    assertEquals(rows(store, "joins", "entries"), [1, 1]);
    assertEquals(store.snapshot().get("sessions"), before);
    assertEquals(await payloadsFor(stage, "away0"), ["<1>", "<2>"]);
    // What is in the store now is all that there is after a crash.
    store = MemoryStore.from(store.snapshot());
  }
  await using stage = await Stage.open(store, {});
  const publisher = await stage.join();
  await publisher.send(qos1("news", "<3>"));
  for (const name of names.slice(1)) {
    assertEquals(await payloadsFor(stage, name), ["<1>", "<2>", "<3>"], name);
  }
});

Deno.test("a session that begins to follow a log in its sleep can be ended, and holds nothing then", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `away${i}`);
  const store = await leave(names, () => ["news"], []);
  await using stage = await Stage.open(store, {});
  const publisher = await stage.join();
  await publisher.send(qos1("news", "<1>"));
  await publisher.leave();
  stage.broker.inspection.endSession("away0");
  await stage.clock.advance(1000);
  assertEquals(stage.broker.stats.sessions, 8);
  assertEquals(await payloadsFor(stage, "away1"), ["<1>"]);
  await stage.clock.advance(3_700_000);
  assertEquals(rows(store, "sessions", "joins", "entries", "messages"), [0, 0, 0, 0]);
});

Deno.test("a session that sleeps can be ended, or begun anew", async () => {
  const names = ["a", "b"];
  const store = await leave(names, (name) => [name], names.map((name) => qos1(name, "<1>")));
  await using stage = await Stage.open(store, {});
  stage.broker.inspection.endSession("a");
  const client = stage.visit();
  // Clean Start 1: no session is present.
  const connack = await client.connect({ clientId: "b", properties: "11 00000e10" });
  assertEquals(connack.slice(4, 8), "0000");
  await stage.clock.advance(1000);
  assertEquals(stage.broker.stats.dropped["session-ended"], 2);
  assertEquals(rows(store, "sessions", "entries", "messages"), [1, 0, 0]);
});

Deno.test("a session that has ended is not kept until the messages would expire for which it slept", async () => {
  const publications = Array.from({ length: MANY }, () => qos1("a", "<x>", "02 00000e10"));
  const store = await leave(["a"], (name) => [name], publications);
  await using stage = await Stage.open(store, {});
  const { memory } = stage.broker.stats;
  stage.broker.inspection.endSession("a");
  await stage.clock.advance(2000);
  assertEquals([memory.pages > 0, stage.broker.stats.memory.pages], [true, 0]);
});

Deno.test("a session does not wake before the start knows all that waits for it", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `away${i}`);
  const own = Array.from({ length: MANY }, () => qos1("away0", "<x>", "02 0000000a"));
  const store = await leave(names, (name) => [name, "news"], [...own, qos1("news", "<1>")]);
  assertEquals(rows(store, "joins"), [1]);
  const clock = new VirtualClock();
  const scan = store.scan.bind(store);
  store.scan = async (table, ...range) => {
    // The start takes so long that messages expire meanwhile.
    if (table === "joins") await clock.advance(20_000);
    return await scan(table, ...range);
  };
  await using broker = await Broker.open(store, { clock });
  const session = broker.inspection.session("away0")!;
  await clock.advance(20_000);
  // The last page of those that have expired, and the one that it shares.
  assertEquals(session.waiting.messages, MANY - 256 + 1);
});
