import { assert, assertEquals, assertThrows } from "@std/assert";
import { testWithSmallDisk } from "../tests/harness/small_disk.ts";
import { Batch } from "./batch.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import { StoreError, StoreFullError } from "./store.ts";

const KIB = 1024;
const DISK_BYTES = 2048 * KIB;
const OPTIONS = { reserveBytes: 512 * KIB, logPagesMax: 16, freePagesMax: 8 };
const ALL = { rows: Infinity, bytes: Infinity };
const NONE = new Uint8Array();

function keyOf(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number);
}

function message(number: number): Batch {
  const batch = new Batch();
  batch.put("messages", keyOf(number), new Uint8Array(3000).fill(number));
  return batch;
}

function removal(...numbers: number[]): Batch {
  const batch = new Batch();
  for (const number of numbers) batch.remove("messages", keyOf(number));
  return batch;
}

/** Commits messages until the disk is full; how many it took. */
function fill(store: SqliteDirectory, from = 0): number {
  for (let number = from;; number++) {
    try {
      store.commit(message(number));
      store.tidy();
    } catch (error) {
      if (error instanceof StoreFullError) return number;
      throw error;
    }
  }
}

function count(store: SqliteDirectory): number {
  return store.scan("messages", NONE, null, ALL).length;
}

testWithSmallDisk("A full disk refuses a commit, and nothing has changed", DISK_BYTES, (disk) => {
  const store = new SqliteDirectory(`${disk.path}/data`, OPTIONS);
  const numbers = fill(store);
  assert(numbers > 100, `only ${numbers} messages`);
  assertEquals(count(store), numbers);
  for (let again = 0; again < 20; again++) {
    assertThrows(() => store.commit(message(numbers)), StoreFullError);
  }
  assertEquals(count(store), numbers);
  store.close();
});

testWithSmallDisk("Rows can be removed while the disk is full", DISK_BYTES, (disk) => {
  // Somebody else takes all that is left, so that no byte is free but those of the reserve.
  const store = new SqliteDirectory(`${disk.path}/data`, OPTIONS);
  const numbers = fill(store);
  using _hog = takeTheRest(disk.path);
  for (let number = 0; number < numbers; number++) {
    store.commit(removal(number));
    store.tidy();
  }
  assertEquals(count(store), 0);
  store.close();
});

testWithSmallDisk("A store works again when there is room again", DISK_BYTES, (disk) => {
  const store = new SqliteDirectory(`${disk.path}/data`, OPTIONS);
  const numbers = fill(store);
  {
    using _hog = takeTheRest(disk.path);
    store.commit(removal(...Array.from({ length: 50 }, (_, number) => number)));
    assertThrows(() => store.commit(message(0)), StoreFullError);
  }
  const refilled = fill(store, numbers);
  assertEquals(count(store), refilled - 50);
  store.close();
});

testWithSmallDisk("A store opens on a full disk with all that it had", DISK_BYTES, (disk) => {
  const first = new SqliteDirectory(`${disk.path}/data`, OPTIONS);
  const numbers = fill(first);
  using _hog = takeTheRest(disk.path);
  first.close();
  const second = new SqliteDirectory(`${disk.path}/data`, OPTIONS);
  assertEquals(second.damage, null);
  assertEquals(count(second), numbers);
  second.commit(removal(0, 1, 2));
  assertEquals(count(second), numbers - 3);
  second.close();
});

testWithSmallDisk("A disk without room for a store says so", DISK_BYTES, (disk) => {
  using _hog = takeTheRest(disk.path);
  const open = () => new SqliteDirectory(`${disk.path}/data`, OPTIONS);
  const error = assertThrows(open, StoreFullError, "disk is full");
  assert(error instanceof StoreError);
});

/** Fills what is free of a disk with a file. */
function takeTheRest(path: string): Disposable {
  using file = Deno.openSync(`${path}/hog`, { create: true, append: true });
  for (let bytes = 64 * KIB; bytes >= 1; bytes /= 4) {
    try {
      for (;;) file.writeSync(new Uint8Array(bytes));
    } catch {
      // Full for so many bytes; fewer may find room.
    }
  }
  return { [Symbol.dispose]: () => Deno.removeSync(`${path}/hog`) };
}
