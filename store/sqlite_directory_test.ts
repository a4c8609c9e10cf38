import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import { Batch } from "./batch.ts";
import { MIGRATIONS } from "./migrations.ts";
import { type DirectoryOptions, SqliteDirectory } from "./sqlite_directory.ts";
import {
  StoreDamagedError,
  StoreError,
  StoreLockedError,
  StoreVersionError,
  type Table,
} from "./store.ts";

const ALL = { rows: Infinity, bytes: Infinity };
const NONE = new Uint8Array();

/** A folder of a test's own. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync();

  /** The files of a store in it. */
  files(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Opens a store, does something with it, and closes it. */
function within<T>(
  { path }: Folder,
  act: (store: SqliteDirectory) => T,
  options: DirectoryOptions = {},
): T {
  const store = new SqliteDirectory(path, { reserveBytes: 0, ...options });
  try {
    return act(store);
  } finally {
    store.close();
  }
}

function put(store: SqliteDirectory, table: Table, key: number, valueBytes: number): void {
  const batch = new Batch();
  batch.put(table, Uint8Array.of(key >> 8, key), new Uint8Array(valueBytes).fill(key));
  store.commit(batch);
}

function keys(store: SqliteDirectory, table: Table): number[] {
  return store.scan(table, NONE, null, ALL).map(({ key }) => key[0]! * 256 + key[1]!);
}

Deno.test("SqliteDirectory is open once in a process", () => {
  using folder = new Folder();
  within(folder, (store) => {
    assertThrows(() => new SqliteDirectory(folder.path), StoreLockedError, "another broker");
    put(store, "meta", 1, 1);
    assertThrows(() => new SqliteDirectory(folder.path), StoreLockedError, "another broker");
  });
  assertEquals(within(folder, (store) => keys(store, "meta")), [1]);
});

Deno.test("SqliteDirectory lets no other program write to its database", () => {
  using folder = new Folder();
  within(folder, () => {
    const other = new DatabaseSync(`${folder.path}/fairway.db`);
    assertThrows(() => other.exec("DELETE FROM meta"), Error, "locked");
    other.close();
  });
});

Deno.test("SqliteDirectory says which directory it cannot make", () => {
  using folder = new Folder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  const path = `${folder.path}/file/data`;
  assertThrows(() => new SqliteDirectory(path), StoreError, `Cannot open ${path}/fairway.db: `);
});

Deno.test("SqliteDirectory keeps its log short, and the file gets what is in it", () => {
  using folder = new Folder();
  const options = { logPagesMax: 20 };
  within(folder, (store) => {
    for (let key = 0; key < 200; key++) {
      put(store, "messages", key, 8000);
      store.tidy();
    }
    const { size } = Deno.statSync(`${folder.path}/fairway.db-wal`);
    assert(size < 40 * 8300, `${size} bytes`);
  }, options);
});

Deno.test("SqliteDirectory gives the disk back what is free, a step at a time", async () => {
  using folder = new Folder();
  const clock = new VirtualClock();
  const store = new SqliteDirectory(folder.path, {
    reserveBytes: 0,
    schedule: (inMs, callback) => clock.schedule(clock.now() + inMs, callback),
  });
  const messages = new Batch();
  for (let key = 0; key < 1000; key++) {
    messages.put("messages", Uint8Array.of(key >> 8, key), new Uint8Array(7000));
  }
  store.commit(messages);
  store.tidy();
  assert(store.size().bytes > 7_000_000);
  const batch = new Batch();
  batch.removeRange("messages", NONE, Uint8Array.of(255));
  store.commit(batch);
  store.tidy();
  await clock.advance(20);
  const { bytes, freeBytes } = store.size();
  assert(freeBytes > 5_000_000, "not all at once");
  await clock.advance(2000);
  // Two commits' worth of log, and free pages for what comes next.
  assert(store.size().bytes < bytes - 4_000_000);
  store.close();
  const { size } = await Deno.stat(`${folder.path}/fairway.db`);
  assert(size <= (256 + 40) * 8192, `${size} bytes`);
});

Deno.test("SqliteDirectory brings an older file forward, and refuses a newer one", () => {
  using folder = new Folder();
  const older = { migrations: MIGRATIONS };
  const newer = {
    migrations: [
      ...MIGRATIONS,
      // A version that thinks better of a row, and one that thinks better of a table.
      "DELETE FROM meta WHERE key = x'0002'",
      "ALTER TABLE wills ADD COLUMN note TEXT",
    ],
  };
  within(folder, (store) => [1, 2, 3].forEach((key) => put(store, "meta", key, 10)), older);
  assertEquals(within(folder, (store) => keys(store, "meta"), newer), [1, 3]);
  assertEquals(within(folder, (store) => keys(store, "meta"), newer), [1, 3]);
  const error = assertThrows(() => within(folder, () => {}, older), StoreVersionError);
  assertEquals(
    error.message,
    `Cannot open ${folder.path}/fairway.db: it has version ${MIGRATIONS.length + 2}, this ` +
      `Fairway knows up to ${MIGRATIONS.length}; run the newer Fairway that wrote it, or give ` +
      "another directory",
  );
  assertEquals(within(folder, (store) => keys(store, "meta"), newer), [1, 3]);
});

Deno.test("SqliteDirectory leaves the file at the last step that succeeded", () => {
  using folder = new Folder();
  const steps = [...MIGRATIONS, "DELETE FROM meta WHERE key = x'0001'"];
  within(folder, (store) => [1, 2].forEach((key) => put(store, "meta", key, 10)));
  const failing = [...steps, "DELETE FROM meta; SELECT abs(-9223372036854775808)"];
  assertThrows(() => within(folder, () => {}, { migrations: failing, strict: true }), StoreError);
  assertEquals(within(folder, (store) => keys(store, "meta"), { migrations: steps }), [2]);
});

/** Turns bits over in the middle of the file, where rows are. */
function damage({ path }: Folder): void {
  const bytes = Deno.readFileSync(`${path}/fairway.db`);
  const page = 8192 * Math.floor(bytes.length / 8192 / 2);
  bytes.fill(0xff, page, page + 200);
  Deno.writeFileSync(`${path}/fairway.db`, bytes);
}

Deno.test("SqliteDirectory sets a damaged file aside and tells what became of it", () => {
  using folder = new Folder();
  within(folder, (store) => {
    const batch = new Batch();
    for (let key = 0; key < 300; key++) {
      batch.put("messages", Uint8Array.of(key >> 8, key), new Uint8Array(1000).fill(key));
    }
    store.commit(batch);
  });
  damage(folder);
  const before = Deno.readFileSync(`${folder.path}/fairway.db`);
  const now = () => Date.UTC(2026, 10, 22, 2, 13, 44);
  const saved = within(folder, (store) => {
    assert(store.damage !== null);
    const { setAside, reason, rowsSaved } = store.damage;
    assertEquals(setAside, `${folder.path}/fairway.db.corrupt-20261122T021344Z`);
    assert(reason.length > 0 && !reason.includes("\n"), reason);
    assertEquals(rowsSaved, keys(store, "messages").length);
    assert(rowsSaved >= 290 && rowsSaved < 300);
    assertEquals(Deno.readFileSync(setAside), before);
    return keys(store, "messages");
  }, { now });
  within(folder, (store) => {
    assertEquals(store.damage, null);
    assertEquals(keys(store, "messages"), saved);
  });
});

Deno.test("SqliteDirectory refuses a damaged file when it is strict, and leaves it", () => {
  using folder = new Folder();
  within(folder, (store) => put(store, "messages", 1, 100_000));
  const zeroed = Deno.readFileSync(`${folder.path}/fairway.db`).fill(0, 0, 100);
  Deno.writeFileSync(`${folder.path}/fairway.db`, zeroed);
  const open = () => within(folder, () => {}, { strict: true });
  assertThrows(open, StoreDamagedError, "it is damaged: its header is not that of a database");
  assertEquals(Deno.readFileSync(`${folder.path}/fairway.db`), zeroed);
  assertEquals(folder.files().filter((name) => name.includes("corrupt")), []);
});

Deno.test("SqliteDirectory never starts empty where a file is empty", () => {
  using folder = new Folder();
  within(folder, (store) => put(store, "messages", 1, 10));
  Deno.truncateSync(`${folder.path}/fairway.db`);
  within(folder, (store) => {
    assertEquals(store.damage?.reason, "the file is empty or missing");
    assertEquals(store.damage?.rowsSaved, 0);
  });
});

Deno.test("SqliteDirectory refuses to read a row with a flipped bit, and drops it next time", () => {
  using folder = new Folder();
  within(folder, (store) => [1, 2, 3].forEach((key) => put(store, "messages", key, 3000)));
  const bytes = Deno.readFileSync(`${folder.path}/fairway.db`);
  bytes[bytes.lastIndexOf(2)]! ^= 64;
  Deno.writeFileSync(`${folder.path}/fairway.db`, bytes);
  within(folder, (store) => {
    assertEquals(store.damage, null);
    assertThrows(() => keys(store, "messages"), StoreDamagedError, "a row of messages is damaged");
    assertThrows(() => store.get("messages", [Uint8Array.of(0, 2)]), StoreDamagedError);
    assertEquals(store.get("messages", [Uint8Array.of(0, 3)])[0]?.length, 3000);
  });
  within(folder, (store) => {
    assertEquals(keys(store, "messages"), [1, 3]);
    assert(store.damage?.reason.endsWith("a row of messages is damaged"), store.damage?.reason);
    assertEquals(store.damage?.rowsSaved, 2);
  });
});

Deno.test("SqliteDirectory never takes a page that cannot be read for the end of a table", () => {
  using folder = new Folder();
  within(folder, (store) => put(store, "retained", 1, 50_000));
  // The end of the last page is that of the value: SQLite reads the page as zeros, or not at all.
  const { size } = Deno.statSync(`${folder.path}/fairway.db`);
  Deno.truncateSync(`${folder.path}/fairway.db`, size - 5000);
  within(folder, (store) => {
    assertThrows(() => keys(store, "retained"), StoreDamagedError);
    assertThrows(() => store.get("retained", [Uint8Array.of(0, 1)]), StoreDamagedError);
  });
  within(folder, (store) => {
    assert(store.damage !== null);
    assertEquals(keys(store, "retained"), []);
  });
});

Deno.test("SqliteDirectory takes up a start that was cut short", () => {
  using folder = new Folder();
  const database = `${folder.path}/fairway.db`;
  within(folder, (store) => [1, 2].forEach((key) => put(store, "meta", key, 10)));
  // Cut short between its last two steps: what was saved has not its name yet.
  Deno.renameSync(database, `${database}-new`);
  Deno.writeTextFileSync(database, "damaged");
  within(folder, (store) => {
    assertEquals(keys(store, "meta"), [1, 2]);
    assertEquals(Deno.readTextFileSync(store.damage!.setAside), "damaged");
  });
  // Cut short before: what was being saved is begun anew.
  Deno.writeTextFileSync(`${database}-new`, "half of it");
  within(folder, (store) => {
    assertEquals(keys(store, "meta"), [1, 2]);
    assertEquals(store.damage, null);
  });
});
