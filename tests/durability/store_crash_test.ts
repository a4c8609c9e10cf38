import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Row, StoreLockedError } from "../../store/store.ts";
import { SqliteStore } from "../../store/sqlite_store.ts";
import { Child } from "../harness/child.ts";
import { numberKey, rowOf, ROWS_OF_A_COMMIT } from "../harness/numbered_commits.ts";
import { Random } from "../harness/random.ts";

const ALL = { rows: Infinity, bytes: Infinity };
const ROUNDS = 6;

/** A process that commits and prints numbers, from `first` on. */
function writer(directory: string, thread: string, first: number): Child {
  const script = new URL("../harness/store_writer.ts", import.meta.url).pathname;
  return new Child(Deno.execPath(), [
    "run",
    "--no-prompt",
    "--no-check",
    // The thread of the store is a file that is read too.
    `--allow-read=${directory},${new URL("../../store/", import.meta.url).pathname}`,
    `--allow-write=${directory}`,
    script,
    directory,
    thread,
    `${first}`,
  ]);
}

/** The last number that a process printed, whole; -1 if it printed none. */
function lastPrinted(stdout: string): number {
  return Number(/(\d+)\n\D*\d*$/.exec(stdout)?.[1] ?? -1);
}

/** Looks at every row; tells which commit is the last. */
async function check(store: SqliteStore): Promise<number> {
  assertEquals(store.damage, null);
  const [value] = await store.get("meta", [new Uint8Array()]);
  const last = value ? new DataView(value.buffer, value.byteOffset).getUint32(0) : -1;
  const messages: Row[] = await store.scan("messages", new Uint8Array(), null, ALL);
  const entries: Row[] = await store.scan("entries", new Uint8Array(), null, ALL);
  // Of the last commit there is all, of one after it nothing.
  assertEquals(entries.length, (last + 1) * ROWS_OF_A_COMMIT);
  const oldest = Math.max(0, last - 40);
  assertEquals(messages.length, (last + 1 - oldest) * ROWS_OF_A_COMMIT);
  messages.forEach((row, at) => {
    const number = oldest + Math.floor(at / ROWS_OF_A_COMMIT);
    assertEquals(row, rowOf(number, at % ROWS_OF_A_COMMIT));
  });
  return last;
}

for (const thread of ["worker", "main"] as const) {
  Deno.test(`SqliteStore in the ${thread} thread keeps every finished commit when it is killed`, async () => {
    const directory = await Deno.makeTempDir();
    const random = new Random(11);
    let last = -1;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await using child = writer(directory, thread, last + 1);
        const lines = random.integer(0, 250);
        await child.waitFor(new RegExp(`(.*\n){${lines}}`), "stdout", 60_000);
        await child.kill();
        await using store = await SqliteStore.open(directory, { thread: "main" });
        const printed = lastPrinted(child.stdout);
        const found = await check(store);
        assert(found >= Math.max(printed, last), `round ${round}: ${found} after ${printed}`);
        last = found;
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("SqliteStore belongs to one process, until that is killed", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using child = writer(directory, "worker", 0);
    await child.waitFor(/open/);
    for (const thread of ["worker", "main"] as const) {
      const open = () => SqliteStore.open(directory, { thread });
      await assertRejects(open, StoreLockedError, `${directory}: it is in use by another broker`);
    }
    await child.kill();
    await using store = await SqliteStore.open(directory);
    assertEquals(await store.get("meta", [numberKey(0)]), [null]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
