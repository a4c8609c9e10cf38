import { assert, assertEquals, assertThrows } from "@std/assert";
import { Batch } from "./batch.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import { type Store, StoreGoneError } from "./store.ts";
import { SqliteStore } from "./sqlite_store.ts";

const ALL = { rows: Infinity, bytes: Infinity };

function row(number: number): Batch {
  const batch = new Batch();
  batch.put("meta", Uint8Array.of(number), Uint8Array.of(number));
  return batch;
}

/** The numbers of the rows that a directory has, opened anew. */
function numbersIn(directory: string): number[] {
  const store = new SqliteDirectory(directory);
  try {
    return store.scan("meta", new Uint8Array(), null, ALL).map(({ key }) => key[0]!);
  } finally {
    store.close();
  }
}

/** Runs a test with an open store that has row 1 committed, in a directory that may be moved. */
function withStore(
  fn: (store: SqliteDirectory, directory: string, close: () => void) => void,
): void {
  const parent = Deno.makeTempDirSync();
  try {
    const store = new SqliteDirectory(`${parent}/data`, { schedule: () => () => {} });
    let isOpen = true;
    const close = () => {
      if (isOpen) store.close();
      isOpen = false;
    };
    try {
      store.commit(row(1));
      fn(store, `${parent}/data`, close);
    } finally {
      close();
    }
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

function assertGone(store: SqliteDirectory, number: number, reason: string): void {
  assertThrows(() => store.commit(row(number)), StoreGoneError, reason);
}

Deno.test("SqliteDirectory commits nothing while its directory is away, and goes on when it is back", () => {
  withStore((store, directory, close) => {
    Deno.renameSync(directory, `${directory}-away`);
    assertGone(store, 2, `${directory} was removed or moved away`);
    Deno.mkdirSync(directory);
    assertGone(store, 3, `${directory}/fairway.db was removed or moved away`);
    Deno.removeSync(directory);
    Deno.renameSync(`${directory}-away`, directory);
    store.commit(row(4));
    close();
    assertEquals(numbersIn(directory), [1, 4]);
  });
});

Deno.test("SqliteDirectory commits nothing once its directory is removed", () => {
  withStore((store, directory) => {
    Deno.removeSync(directory, { recursive: true });
    assertGone(store, 2, `${directory} was removed or moved away while the broker was running`);
    assertGone(store, 2, "put back what was there, or start the broker again");
  });
});

for (const file of ["fairway.db", "fairway.db-wal"]) {
  Deno.test(`SqliteDirectory commits nothing while ${file} is away or another one`, () => {
    withStore((store, directory) => {
      const path = `${directory}/${file}`;
      Deno.renameSync(path, `${path}.away`);
      assertGone(store, 2, `${path} was removed or moved away`);
      Deno.copyFileSync(`${path}.away`, path);
      assertGone(store, 2, `${path} was replaced by another one`);
      Deno.renameSync(`${path}.away`, path);
      store.commit(row(3));
    });
  });
}

Deno.test("SqliteDirectory loses nothing with its log: what was committed is in the database", () => {
  withStore((store, directory) => {
    Deno.removeSync(`${directory}/fairway.db-wal`);
    assertGone(store, 2, "fairway.db-wal was removed");
    // As a kill would leave it.
    Deno.mkdirSync(`${directory}-copy`);
    Deno.copyFileSync(`${directory}/fairway.db`, `${directory}-copy/fairway.db`);
    assertEquals(numbersIn(`${directory}-copy`), [1]);
  });
});

Deno.test("SqliteDirectory leaves the files alone that took the place of its own, when it is closed", () => {
  withStore((store, directory, close) => {
    const other = `${directory}-other`;
    const there = new SqliteDirectory(other, { schedule: () => () => {} });
    there.commit(row(9));
    Deno.removeSync(directory, { recursive: true });
    Deno.mkdirSync(directory);
    for (const file of ["fairway.db", "fairway.db-wal"]) {
      Deno.copyFileSync(`${other}/${file}`, `${directory}/${file}`);
    }
    there.close();
    assertGone(store, 2, "fairway.db was replaced by another one");
    close();
    assertEquals(numbersIn(directory), [9]);
  });
});

for (const thread of ["main", "worker"] as const) {
  Deno.test(`SqliteStore in the ${thread} thread tells by the class that its files are gone`, async () => {
    const directory = await Deno.makeTempDir();
    const store: Store = await SqliteStore.open(directory, { thread });
    await store.commit(row(1));
    await Deno.remove(directory, { recursive: true });
    const error = await store.commit(row(2)).catch((error) => error);
    assert(error instanceof StoreGoneError, String(error));
    // What is there can still be read, for those who fetch it.
    assertEquals((await store.scan("meta", new Uint8Array(), null, ALL)).length, 1);
    await store.close();
  });
}
