/**
 * What every store must do, whatever it keeps its rows in.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Batch } from "../../store/batch.ts";
import { compareKeys } from "../../store/keys.ts";
import { type Row, type Store, StoreError, type Table, TABLES } from "../../store/store.ts";
import { Random } from "./random.ts";

/** A place where a store's rows survive from one opening to the next. */
export interface StoreHome extends AsyncDisposable {
  /** Opens the store that is there; the one opened before has been closed. */
  open(): Promise<Store>;
}

const ALL = { rows: Infinity, bytes: Infinity };
const NONE = new Uint8Array();

/** Bytes of a text, for keys and values that people can read. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** All rows of a table as texts. */
export async function textsIn(store: Store, table: Table): Promise<[string, string][]> {
  return texts(await store.scan(table, NONE, null, ALL));
}

/** Commits puts of texts. */
export async function putTexts(store: Store, table: Table, ...rows: [string, string][]) {
  const batch = new Batch();
  for (const [key, value] of rows) batch.put(table, bytesOf(key), bytesOf(value));
  await store.commit(batch);
}

function texts(rows: readonly Row[]): [string, string][] {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return rows.map(({ key, value }) => [text(key), text(value)]);
}

/** Registers the tests of the suite for the stores of one kind. */
export function testStore(name: string, makeHome: () => Promise<StoreHome>): void {
  /** Registers a test that is given an empty store, and how to close and open it again. */
  function test(
    promise: string,
    fn: (store: Store, reopen: () => Promise<Store>) => Promise<void>,
  ): void {
    Deno.test(`${name} ${promise}`, async () => {
      await using home = await makeHome();
      let store = await home.open();
      try {
        await fn(store, async () => {
          await store.close();
          return store = await home.open();
        });
      } finally {
        await store.close();
      }
    });
  }

  test("keeps what was committed when it is opened again", async (store, reopen) => {
    await putTexts(store, "retained", ["a/b", "hello"], ["a", ""]);
    const again = await reopen();
    assertEquals(await textsIn(again, "retained"), [["a", ""], ["a/b", "hello"]]);
    assertEquals(again.damage, null);
  });

  test("keeps each table to itself", async (store) => {
    for (const table of TABLES) await putTexts(store, table, ["key", table]);
    const batch = new Batch();
    batch.removeRange("wills", NONE, bytesOf("z"));
    await store.commit(batch);
    for (const table of TABLES) {
      assertEquals(await textsIn(store, table), table === "wills" ? [] : [["key", table]]);
    }
  });

  test("scans in the order of the keys' bytes, a prefix first", async (store) => {
    const keys = [[], [0], [0, 0], [0, 255], [1], [127], [128], [128, 0, 1], [255], [255, 255]]
      .map((bytes) => Uint8Array.from(bytes));
    const batch = new Batch();
    for (const key of keys.toReversed()) batch.put("entries", key, key);
    await store.commit(batch);
    const rows = await store.scan("entries", NONE, null, ALL);
    assertEquals(rows.map(({ key }) => key), keys);
    assertEquals(rows.map(({ value }) => value), keys);
  });

  test("scans from a key that is included to one that is not", async (store) => {
    await putTexts(store, "entries", ["a", "1"], ["b", "2"], ["c", "3"]);
    const scan = async (from: string, to: string | null) =>
      texts(await store.scan("entries", bytesOf(from), to === null ? null : bytesOf(to), ALL))
        .map(([key]) => key).join("");
    assertEquals(await scan("a", "c"), "ab");
    assertEquals(await scan("a", "c\0"), "abc");
    assertEquals(await scan("a\0", null), "bc");
    assertEquals(await scan("", "a"), "");
    assertEquals(await scan("b", "b"), "");
    assertEquals(await scan("c", "a"), "");
    assertEquals(await scan("d", null), "");
  });

  test("ends a scan at the limit of rows or bytes, but gives one row", async (store) => {
    await putTexts(store, "entries", ["a", "1234"], ["b", "1234"], ["c", "1234"]);
    const count = async (rows: number, bytes: number) =>
      (await store.scan("entries", NONE, null, { rows, bytes })).length;
    assertEquals(await count(2, Infinity), 2);
    assertEquals(await count(0, Infinity), 1);
    assertEquals(await count(Infinity, 10), 2);
    assertEquals(await count(Infinity, 14), 2);
    assertEquals(await count(Infinity, 15), 3);
    assertEquals(await count(Infinity, 0), 1);
  });

  test("scans any number of rows", async (store) => {
    const key = (number: number) => Uint8Array.of(number >> 8, number);
    const batch = new Batch();
    for (let number = 0; number < 1024; number++) batch.put("entries", key(number), key(number));
    await store.commit(batch);
    for (const end of [255, 256, 257, 512, 1000, 1024]) {
      const whole = await store.scan("entries", NONE, key(end), ALL);
      assertEquals(whole.map((row) => row.key), Array.from({ length: end }, (_, at) => key(at)));
      const limit = { rows: end, bytes: Infinity };
      assertEquals(await store.scan("entries", NONE, null, limit), whole);
      assertEquals(await store.scan("entries", NONE, null, { rows: 2000, bytes: 4 * end }), whole);
    }
  });

  test("gives the values of keys, in their order", async (store) => {
    await putTexts(store, "messages", ["a", "1"], ["b", ""], ["c", "3"]);
    const values = await store.get("messages", ["c", "x", "b", "c", ""].map(bytesOf));
    assertEquals(values, [bytesOf("3"), null, NONE, bytesOf("3"), null]);
    assertEquals(await store.get("messages", []), []);
  });

  test("applies the changes of a batch in their order", async (store) => {
    await putTexts(store, "meta", ["a", "1"], ["b", "1"]);
    const batch = new Batch();
    batch.put("meta", bytesOf("a"), bytesOf("2"));
    batch.put("meta", bytesOf("a"), bytesOf("3"));
    batch.remove("meta", bytesOf("b"));
    batch.put("meta", bytesOf("b"), bytesOf("4"));
    batch.put("meta", bytesOf("c"), bytesOf("5"));
    batch.remove("meta", bytesOf("c"));
    batch.remove("meta", bytesOf("never there"));
    await store.commit(batch);
    assertEquals(await textsIn(store, "meta"), [["a", "3"], ["b", "4"]]);
  });

  test("removes a range with its start and without its end", async (store) => {
    const all: [string, string][] = ["a", "aa", "b", "c"].map((key) => [key, key]);
    const left = async (from: string, to: string) => {
      await putTexts(store, "messages", ...all);
      const batch = new Batch();
      batch.removeRange("messages", bytesOf(from), bytesOf(to));
      await store.commit(batch);
      return (await textsIn(store, "messages")).map(([key]) => key).join(" ");
    };
    assertEquals(await left("a", "c"), "c");
    assertEquals(await left("aa", "c\0"), "a");
    assertEquals(await left("", "a"), "a aa b c");
    assertEquals(await left("b", "b"), "a aa b c");
    assertEquals(await left("c", "a"), "a aa b c");
  });

  test("commits a batch of nothing", async (store) => {
    await store.commit(new Batch());
    assertEquals(await textsIn(store, "meta"), []);
  });

  test("keeps keys of 0 to 1,000 bytes and values of up to 1 MB", async (store, reopen) => {
    const random = new Random(7);
    const lengths = [0, 1, 2, 255, 256, 999, 1000];
    const rows = lengths.map((length, at) => ({
      key: new Uint8Array(length).fill(at),
      value: random.bytes([0, 1, 2000, 8192, 65_536, 8000, 1_000_000][at]!),
    }));
    for (const table of ["messages", "sessions"] as const) {
      const batch = new Batch();
      for (const { key, value } of rows) batch.put(table, key, value);
      await store.commit(batch);
    }
    const again = await reopen();
    for (const table of ["messages", "sessions"] as const) {
      assertEquals(await again.scan(table, NONE, null, ALL), rows);
    }
  });

  test("gives rows that are the caller's own", async (store) => {
    await putTexts(store, "meta", ["key", "value"]);
    const [row] = await store.scan("meta", NONE, null, ALL);
    row!.value.fill(0);
    row!.key.fill(0);
    const [value] = await store.get("meta", [bytesOf("key")]);
    value!.fill(0);
    assertEquals(await textsIn(store, "meta"), [["key", "value"]]);
  });

  test("refuses a second commit while one is under way", async (store) => {
    const first = putTexts(store, "meta", ["a", "1"]);
    await assertRejects(() => putTexts(store, "meta", ["b", "2"]), TypeError, "under way");
    await first;
    assertEquals(await textsIn(store, "meta"), [["a", "1"]]);
  });

  test("finishes the commit under way when it is closed", async (store, reopen) => {
    const commit = putTexts(store, "meta", ["a", "1"]);
    const again = await reopen();
    await commit;
    assertEquals(await textsIn(again, "meta"), [["a", "1"]]);
  });

  test("closes twice, and then refuses everything", async (store) => {
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await assertRejects(() => store.commit(new Batch()), StoreError, "closed");
    await assertRejects(() => store.scan("meta", NONE, null, ALL), StoreError, "closed");
    await assertRejects(() => store.get("meta", [NONE]), StoreError, "closed");
    await assertRejects(() => store.size(), StoreError, "closed");
  });

  test("tells its size", async (store) => {
    const before = await store.size();
    const batch = new Batch();
    batch.put("messages", NONE, new Random(1).bytes(300_000));
    await store.commit(batch);
    const after = await store.size();
    // Some of it may find room in what was there for other things.
    assert(after.bytes - after.freeBytes >= before.bytes - before.freeBytes + 290_000);
    assert(after.freeBytes >= 0);
  });

  for (const seed of [1, 2, 3]) {
    test(`does as a plain map does, seed ${seed}`, async (first, reopen) => {
      const random = new Random(seed);
      const model = new Map<string, Row>();
      let store = first;
      for (let round = 0; round < 60; round++) {
        await store.commit(randomBatch(random, model));
        if (random.chance(0.1)) store = await reopen();
        await compare(store, model, random);
      }
    });
  }
}

/** A batch of random changes, which the model has seen. */
function randomBatch(random: Random, model: Map<string, Row>): Batch {
  const batch = new Batch();
  for (let changes = random.integer(0, 40); changes > 0; changes--) {
    const key = randomKey(random);
    if (random.chance(0.6)) {
      const value = random.bytes(random.pick([0, 1, 20, 200, 3000]));
      batch.put("messages", key, value);
      model.set(key.join(), { key, value });
    } else if (random.chance(0.7)) {
      batch.remove("messages", key);
      model.delete(key.join());
    } else {
      const to = randomKey(random);
      batch.removeRange("messages", key, to);
      for (const [name, row] of model) if (isIn(row.key, key, to)) model.delete(name);
    }
  }
  return batch;
}

async function compare(store: Store, model: Map<string, Row>, random: Random): Promise<void> {
  const from = randomKey(random);
  const to = random.chance(0.3) ? null : randomKey(random);
  const rows = random.integer(1, 100);
  const expected = [...model.values()]
    .filter(({ key }) => isIn(key, from, to))
    .sort((a, b) => compareKeys(a.key, b.key));
  assertEquals(
    await store.scan("messages", from, to, { rows, bytes: Infinity }),
    expected.slice(0, rows),
  );
  const keys = [randomKey(random), from];
  assertEquals(
    await store.get("messages", keys),
    keys.map((key) => model.get(key.join())?.value ?? null),
  );
}

/** A short key of few different bytes, so that keys meet. */
function randomKey(random: Random): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: random.integer(0, 4) }, () => random.pick([0, 1, 128, 255]));
}

function isIn(key: Uint8Array, from: Uint8Array, to: Uint8Array | null): boolean {
  return compareKeys(key, from) >= 0 && (to === null || compareKeys(key, to) < 0);
}
