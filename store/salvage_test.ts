import { assert, assertEquals } from "@std/assert";
import { Random } from "../tests/harness/random.ts";
import { Batch } from "./batch.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import { type Row, StoreDamagedError, type Table } from "./store.ts";

const ALL = { rows: Infinity, bytes: Infinity };
const PAGE_BYTES = 8192;

/** No page has more rows than this: the shortest take 36 bytes. */
const ROWS_ON_A_PAGE = 227;

/** Rows that a commit of the fixture puts. */
const ROWS_OF_A_COMMIT = 341;

/** Values by table and key. */
type Rows = Map<string, Uint8Array>;

/** What is in the fixture, and what was once. */
interface Content {
  readonly rows: Rows;
  readonly removed: Rows;
}

/** A directory with rows of all lengths, many of which were removed; and what is left. */
interface Fixture extends Disposable {
  readonly directory: string;
  readonly content: Content;
}

/** @param ending Whether the process closed the store, or was killed with commits in the log. */
function fixture(ending: "closed" | "killed"): Fixture {
  const directory = Deno.makeTempDirSync();
  const random = new Random(5);
  const content: Content = { rows: new Map(), removed: new Map() };
  const options = { reserveBytes: 0, logPagesMax: ending === "closed" ? 100 : Infinity };
  const store = new SqliteDirectory(`${directory}/made`, options);
  for (let commit = 0; commit < 8; commit++) {
    store.commit(randomRows(random, commit, content));
    store.tidy();
  }
  if (ending === "closed") store.close();
  copy(`${directory}/made`, `${directory}/store`);
  if (ending === "killed") store.close();
  return {
    directory: `${directory}/store`,
    content,
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

function randomRows(random: Random, commit: number, content: Content): Batch {
  const batch = new Batch();
  const put = (table: Table, key: Uint8Array<ArrayBuffer>, valueBytes: number) => {
    const value = random.bytes(valueBytes);
    batch.put(table, key, value);
    content.rows.set(name(table, key), value);
  };
  const forget = (row: string) => {
    const value = content.rows.get(row);
    if (value !== undefined) content.removed.set(row, value);
    content.rows.delete(row);
  };
  for (let at = 0; at < 300; at++) put("entries", Uint8Array.of(commit, at >> 8, at, 7), 20);
  for (let at = 0; at < 40; at++) {
    put("messages", Uint8Array.of(commit, at), random.pick([0, 100, 1000, 5000]));
  }
  put("retained", Uint8Array.of(commit), 20_000);
  for (let at = 0; at < 150; at++) {
    const key = Uint8Array.of(random.integer(0, commit), 0, at, 7);
    batch.remove("entries", key);
    forget(name("entries", key));
  }
  for (let at = 0; commit > 3 && at < 40; at++) {
    forget(name("messages", Uint8Array.of(commit - 3, at)));
  }
  if (commit > 3) {
    batch.removeRange("messages", Uint8Array.of(commit - 3), Uint8Array.of(commit - 2));
  }
  return batch;
}

function name(table: Table, key: Uint8Array): string {
  return `${table} ${key.join(".")}`;
}

function copy(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name } of Deno.readDirSync(from)) {
    Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

function rowsIn(store: SqliteDirectory): Rows {
  const found: Rows = new Map();
  for (const table of ["entries", "messages", "retained"] as const) {
    const rows: Row[] = store.scan(table, new Uint8Array(), null, ALL);
    for (const { key, value } of rows) found.set(name(table, key), value);
  }
  return found;
}

/** What became of the rows of a damaged copy. */
interface Outcome {
  /** Rows that are there. */
  kept: number;
  /** Rows that were removed, and are there again. */
  back: number;
  /** Whether anything was found damaged. */
  found: boolean;
}

/** Opens a damaged copy and looks at every row: what is there is what was put. */
function survivors(directory: string, { rows, removed }: Content): Outcome {
  const store = new SqliteDirectory(directory, { reserveBytes: 0 });
  try {
    const outcome = { kept: 0, back: 0, found: store.damage !== null };
    for (const [key, value] of rowsIn(store)) {
      assertEquals(value, rows.get(key) ?? removed.get(key), key);
      if (rows.has(key)) outcome.kept++;
      else outcome.back++;
    }
    return outcome;
  } finally {
    store.close();
  }
}

/** Opens a file for a test to do something bad to it. */
function change(path: string, act: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): void {
  Deno.writeFileSync(path, act(Deno.readFileSync(path)));
}

function zeroPage(path: string, page: number): void {
  change(path, (bytes) => bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
}

function flip(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array {
  const at = random.integer(0, bytes.length - 1);
  bytes[at]! ^= 1 << random.integer(0, 7);
  return bytes;
}

Deno.test("SqliteDirectory saves what is on the other pages when a page is zeroed, any page", () => {
  using made = fixture("closed");
  const { size } = Deno.statSync(`${made.directory}/fairway.db`);
  for (let page = 0; page < size / PAGE_BYTES; page++) {
    const directory = `${made.directory}-${page}`;
    copy(made.directory, directory);
    zeroPage(`${directory}/fairway.db`, page);
    const { kept, back, found } = openDamaged(directory, made.content);
    // What was free has nothing to lose, and nobody misses it.
    assert(found || kept === made.content.rows.size, `page ${page}`);
    assert(kept >= made.content.rows.size - ROWS_ON_A_PAGE, `page ${page}: ${kept} rows`);
    assertEquals(back, 0, `page ${page}`);
    Deno.removeSync(directory, { recursive: true });
  }
});

for (const ending of ["closed", "killed"] as const) {
  Deno.test(`SqliteDirectory opens with flipped bits, having been ${ending}`, () => {
    using made = fixture(ending);
    // The last commit of a log cannot be told from one that was cut short.
    const lostMax = ending === "killed" ? ROWS_OF_A_COMMIT : ROWS_ON_A_PAGE;
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const directory = `${made.directory}-${seed}`;
      copy(made.directory, directory);
      const file = ending === "killed" && random.chance(0.8) ? "fairway.db-wal" : "fairway.db";
      change(`${directory}/${file}`, (bytes) => flip(bytes, random));
      const { kept, back } = openDamaged(directory, made.content);
      const lost = made.content.rows.size - kept;
      assert(lost <= lostMax, `seed ${seed}: ${lost} rows lost`);
      assert(back <= (ending === "killed" ? lostMax : 0), `seed ${seed}: ${back} rows back`);
      Deno.removeSync(directory, { recursive: true });
    }
  });
}

/**
 * Opens a damaged copy, and again if a row turns out to be damaged when it is
 * read: what can be saved is there then.
 */
function openDamaged(directory: string, content: Content): Outcome {
  try {
    return survivors(directory, content);
  } catch (error) {
    if (!(error instanceof StoreDamagedError)) throw error;
    return { ...survivors(directory, content), found: true };
  }
}

Deno.test("SqliteDirectory opens a file that was cut off anywhere", () => {
  using made = fixture("closed");
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    const directory = `${made.directory}-${seed}`;
    copy(made.directory, directory);
    let left = 0;
    change(`${directory}/fairway.db`, (bytes) => {
      left = seed === 0 ? 0 : random.integer(0, bytes.length - 1);
      return bytes.subarray(0, left);
    });
    const { kept, found } = openDamaged(directory, made.content);
    assert(found || kept === made.content.rows.size, `seed ${seed}: ${left} bytes left`);
  }
});
