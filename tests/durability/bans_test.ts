/**
 * Bans survive a restart.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import type { Ban } from "../../broker/limits/ban_list.ts";
import { numberKey } from "../../store/record.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

/** The time of the wall clock when a test begins. */
const NOON = Date.UTC(2026, 0, 2, 12);

/** Opens a broker on what a store has, so many milliseconds after noon. */
async function open(store: MemoryStore, afterMs = 0): Promise<[Broker, VirtualClock]> {
  const clock = new VirtualClock();
  const wallClock = () => NOON + afterMs + clock.now();
  return [await Broker.open(store, { clock, wallClock, hooks: { failed: () => {} } }), clock];
}

const shown = ({ id, kind, value, reason }: Ban) => `${id} ${kind} ${value} ${reason}`;

Deno.test("bans are in effect after a restart, with their numbers, times and reasons", async () => {
  const store = new MemoryStore();
  const [broker, clock] = await open(store);
  const { bans } = broker.inspection;
  bans.add({ kind: "clientId", value: "c", untilMs: Infinity, reason: "for ever" });
  const gone = bans.add({ kind: "username", value: "u", untilMs: Infinity, reason: "" });
  bans.add({
    kind: "address",
    value: "192.0.2.0/24",
    untilMs: clock.now() + 5000,
    reason: "block",
  });
  bans.add({ kind: "clientId", value: "short", untilMs: clock.now() + 1000, reason: "" });
  bans.add({ kind: "clientId", value: "c", untilMs: Infinity, reason: "replaced" });
  bans.delete(gone.id);
  assert(await broker.inspection.whenStored());
  const left = store.snapshot();
  await broker.close();

  const [again, later] = await open(MemoryStore.from(left), 2000);
  const restored = again.inspection.bans;
  assertEquals(restored.all().map(shown), [
    "3 address 192.0.2.0/24 block",
    "5 clientId c replaced",
  ]);
  const visitor = { clientId: "v", username: null, address: "192.0.2.9:1234" };
  assert(restored.isBanned(visitor));
  assert(restored.isBanned({ ...visitor, clientId: "c", address: "203.0.113.1:1" }));
  await later.advance(3000);
  assert(!restored.isBanned(visitor));
  assertEquals(restored.add({ kind: "clientId", value: "n", untilMs: Infinity, reason: "" }).id, 6);
  await again.close();
});

Deno.test("a ban whose time was over at the start is removed from the store", async () => {
  const store = new MemoryStore();
  const [broker] = await open(store);
  broker.inspection.bans.add({ kind: "clientId", value: "c", untilMs: 1000, reason: "" });
  assert(await broker.inspection.whenStored());
  assertEquals(store.snapshot().get("bans")?.length, 1);
  const copy = MemoryStore.from(store.snapshot());
  await broker.close();
  const [again] = await open(copy, 1000);
  assert(await again.inspection.whenStored());
  assertEquals(copy.snapshot().get("bans"), []);
  await again.close();
});

Deno.test("rows of bans that make no sense are removed, and counted", async () => {
  const store = new MemoryStore();
  const [broker] = await open(store);
  for (const value of ["a", "b", "c"]) {
    broker.inspection.bans.add({ kind: "username", value, untilMs: Infinity, reason: "" });
  }
  assert(await broker.inspection.whenStored());
  const rows = new Map(store.snapshot());
  await broker.close();
  const [one, two, three] = rows.get("bans")!;
  rows.set("bans", [
    one!,
    { key: two!.key, value: one!.value },
    { key: three!.key, value: Uint8Array.of(7) },
    { key: numberKey(4), value: Uint8Array.of(2, 3, 108, 97, 110, 0, 0) },
  ]);
  const copy = MemoryStore.from(rows);
  const [again] = await open(copy);
  assertEquals(again.inspection.bans.all().map(({ value }) => value), ["a"]);
  assertEquals(again.stats.storeRowsLost, 3);
  assert(await again.inspection.whenStored());
  assertEquals(copy.snapshot().get("bans")?.length, 1);
  await again.close();
});
