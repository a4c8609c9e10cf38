/**
 * Commits to a store until it is killed, and prints the number of each commit
 * that is finished: `store_writer.ts DIRECTORY THREAD FIRST`.
 *
 * @module
 */
import { Batch } from "../../store/batch.ts";
import { SqliteStore } from "../../store/sqlite_store.ts";
import { numberKey, rowOf, ROWS_OF_A_COMMIT } from "./numbered_commits.ts";

/** Commits whose messages stay; those of older ones are removed. */
const KEPT = 40;

/** The commit of a number: some rows, and others go. */
function batchOf(number: number): Batch {
  const batch = new Batch();
  batch.put("meta", new Uint8Array(), numberKey(number));
  for (let row = 0; row < ROWS_OF_A_COMMIT; row++) {
    const { key, value } = rowOf(number, row);
    batch.put("messages", key, value);
    batch.put("entries", key, key);
  }
  batch.removeRange("messages", numberKey(0), numberKey(Math.max(0, number - KEPT)));
  return batch;
}

const [directory, thread, first] = Deno.args;
const store = await SqliteStore.open(directory!, { thread: thread as "worker" | "main" });
const encoder = new TextEncoder();
Deno.stdout.writeSync(encoder.encode(`open\n`));
for (let number = Number(first);; number++) {
  await store.commit(batchOf(number));
  Deno.stdout.writeSync(encoder.encode(`${number}\n`));
}
