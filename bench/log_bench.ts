/**
 * Measures the log: items appended and walked, encoded frames appended and read, and receipts.
 *
 *     deno bench bench/log_bench.ts
 *
 * On two cores of a 2.1 GHz x86-64 Linux machine with Deno 2.9.6 (ratios carry over, figures do not):
 *
 * | what | each |
 * |---|---|
 * | append an item, whoever is parked; push it to an array | 20 ns; 3 ns |
 * | walk over an item | 6 ns |
 * | append a frame of 32 bytes: to a shared log / from a pool / in a run | 60 / 40 / 7 ns |
 * | append a frame of 1024 bytes: to a shared log / from a pool | 220 / 60 ns |
 * | receipt: make and close / with a wait; a promise with its resolver | 1 / 125 ns; 110 ns |
 *
 * @module
 */
import { BufferPool } from "../log/buffer_pool.ts";
import { ByteLog } from "../log/byte_log.ts";
import type { Cursor } from "../log/cursor.ts";
import { Log } from "../log/log.ts";
import { Receipt } from "../log/receipt.ts";

/** Items per round. The figures are for all of them. */
const ITEMS = 1000;
const ITEM = {};

const plain = new Log<object>();
Deno.bench({
  name: `append ${ITEMS} items`,
  group: "log: append",
  baseline: true,
  fn() {
    for (let i = 0; i < ITEMS; i++) plain.append(ITEM);
  },
});

const array: object[] = [];
Deno.bench({
  name: `push ${ITEMS} items to an array`,
  group: "log: append",
  fn() {
    array.length = 0;
    for (let i = 0; i < ITEMS; i++) array.push(ITEM);
  },
});

const weighed = new Log<object>({ weigh: () => 100, segmentItems: 64, segmentWeight: 65_536 });
Deno.bench({
  name: `append ${ITEMS} items that are weighed`,
  group: "log: append",
  fn() {
    for (let i = 0; i < ITEMS; i++) weighed.append(ITEM);
  },
});

for (const readers of [0, 1, 1000]) {
  const log = new Log<object>();
  const waiter = { wake: () => {} };
  Deno.bench({
    name: `append ${ITEMS} items, ${readers} parked before`,
    group: "log: append past who is parked",
    baseline: readers === 0,
    fn() {
      for (let i = 0; i < readers; i++) log.park(waiter);
      for (let i = 0; i < ITEMS; i++) log.append(ITEM);
    },
  });
}

/** Walks to the end of a log. */
function walk(cursor: Cursor<object>): void {
  let items = 0;
  while (cursor.next() !== undefined) items++;
  if (items !== ITEMS) throw new Error(`Cannot walk: ${items} items`);
}

for (const readers of [1, 10, 100]) {
  const log = new Log<object>();
  const cursors = Array.from({ length: readers }, () => log.cursor());
  Deno.bench({
    name: `append ${ITEMS} items and walk them with ${readers} cursors`,
    group: "log: walk",
    baseline: readers === 1,
    fn() {
      for (let i = 0; i < ITEMS; i++) log.append(ITEM);
      for (const cursor of cursors) walk(cursor);
    },
  });
}

for (const bytes of [32, 1024]) {
  const source = new Uint8Array(bytes);

  const shared = new ByteLog();
  const cursor = shared.cursor();
  Deno.bench({
    name: `append ${ITEMS} frames of ${bytes} bytes one by one`,
    group: `byte log: ${bytes} bytes`,
    baseline: true,
    fn() {
      for (let i = 0; i < ITEMS; i++) shared.append(source, 0, bytes, 1);
      while (cursor.position < shared.end) cursor.take(shared.end, shared.frames);
    },
  });

  const run = new Uint8Array(ITEMS * bytes);
  const runs = new ByteLog();
  const behind = runs.cursor();
  Deno.bench({
    name: `append a run of ${ITEMS} frames of ${bytes} bytes`,
    group: `byte log: ${bytes} bytes`,
    fn() {
      runs.append(run, 0, run.length, ITEMS);
      while (behind.position < runs.end) behind.take(runs.end, runs.frames);
    },
  });

  const pooled = new ByteLog(new BufferPool());
  const only = pooled.cursor();
  Deno.bench({
    name: `append ${ITEMS} frames of ${bytes} bytes one by one, from a pool`,
    group: `byte log: ${bytes} bytes`,
    fn() {
      for (let i = 0; i < ITEMS; i++) pooled.append(source, 0, bytes, 1);
      while (only.position < pooled.end) only.take(pooled.end, pooled.frames);
      only.recycle();
    },
  });
}

Deno.bench("make and close", { group: "receipt", baseline: true }, () => {
  new Receipt().close();
});

Deno.bench("make, close and wait", { group: "receipt" }, async () => {
  const receipt = new Receipt();
  receipt.close();
  await receipt.wait();
});

Deno.bench("make, wait and close", { group: "receipt" }, async () => {
  const receipt = new Receipt();
  const waiting = receipt.wait();
  receipt.close();
  await waiting;
});

Deno.bench("a promise with its resolver", { group: "receipt" }, async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  resolve();
  await promise;
});
