/**
 * A start with a smaller memory budget than the broker had when it wrote its store: all that was
 * acknowledged is there, or the start says what it needs.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Broker } from "../../mod.ts";
import { MemoryStore, type StoreSnapshot } from "../../store/mod.ts";
import * as packets from "../harness/packets.ts";
import { connackCode, Stage } from "../limits/_stage.ts";

const V5 = { level: 5 } as const;
/** A session that outlives its connection by an hour. */
const STAYS = { properties: "11 00000e10", clean: false } as const;

/** What a broker leaves that did something, and what that costs it in memory, in bytes. */
interface Left {
  readonly rows: StoreSnapshot;
  readonly bytes: number;
}

async function leave(act: (stage: Stage) => Promise<void>): Promise<Left> {
  const store = new MemoryStore();
  await using stage = await Stage.open(store, {});
  await act(stage);
  return { rows: store.snapshot(), bytes: stage.broker.stats.memory.bytes };
}

async function retain(stage: Stage): Promise<void> {
  const client = await stage.join();
  for (let i = 0; i < 300; i++) {
    const fields = { ...V5, qos: 1, retain: true, packetId: 1 } as const;
    await client.send(packets.publish(`retained/${i}`, "x".repeat(2000), fields));
  }
  await client.leave();
}

async function subscribe(stage: Stage): Promise<void> {
  const client = await stage.join({ clientId: "client", ...STAYS });
  for (let i = 0; i < 20; i++) {
    const filters = Array.from({ length: 50 }, (_, n) => `${i}/${n}/${"x".repeat(200)}`);
    await client.send(packets.subscribe(Object.fromEntries(filters.map((f) => [f, 1])), V5));
  }
  await client.leave();
}

async function come(stage: Stage): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const client = await stage.join({ clientId: `${i}`.padEnd(500, "c"), ...STAYS });
    await client.leave();
  }
}

async function promise(stage: Stage): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const will = { topic: `will/${i}`, payload: "w".repeat(5000), properties: "18 00000e10" };
    const client = await stage.join({ clientId: `${i}`, ...STAYS, will });
    await client.leave();
  }
}

const KINDS = {
  "retained messages": retain,
  subscriptions: subscribe,
  sessions: come,
  wills: promise,
};

for (const [what, act] of Object.entries(KINDS)) {
  Deno.test(`${what}: a start with less memory has them all, up to half as much again as the budget`, async () => {
    const { rows, bytes } = await leave(act);
    const memoryBytesMax = Math.ceil(bytes / 1.2);
    await using stage = await Stage.open(MemoryStore.from(rows), { memoryBytesMax });
    await using whole = await Stage.open(MemoryStore.from(rows), {});
    for (const part of ["retained", "subscriptions", "sessions"] as const) {
      assertEquals(stage.broker.stats.memory[part], whole.broker.stats.memory[part], part);
    }
    // For now nothing is added.
    assertEquals(connackCode(await stage.visit().connect({ clientId: "new", ...STAYS })), "88");
  });

  Deno.test(`${what}: a start with far too little memory fails, says what to do, and loses nothing`, async () => {
    const { rows, bytes } = await leave(act);
    const store = MemoryStore.from(rows);
    const limits = { memoryBytesMax: Math.floor(bytes / 4) };
    const error = await assertRejects(() => Broker.open(store, { limits }), RangeError);
    assertMatch(error.message, /^The store holds more than fits into memory: over .* of .* MB/);
    assertMatch(error.message, /memoryBytesMax.*--max-memory.*--max-old-space-size/);
    await using stage = await Stage.open(MemoryStore.from(store.snapshot()), {});
    assert(stage.broker.stats.memory.bytes > bytes / 2);
  });
}
