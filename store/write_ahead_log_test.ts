import { assertEquals, assertGreater } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { readLog } from "./write_ahead_log.ts";

const PAGE_BYTES = 4096;
const SALT_AT = 16;

/** The log of a database that was left open, with some commits in it. */
async function logOfCommits(): Promise<Uint8Array<ArrayBuffer>> {
  const directory = await Deno.makeTempDir();
  const db = new DatabaseSync(`${directory}/db`);
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; CREATE TABLE t (x)`);
    for (let i = 0; i < 5; i++) db.exec(`INSERT INTO t VALUES (${i})`);
    return await Deno.readFile(`${directory}/db-wal`);
  } finally {
    db.close();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Writes a header as it is when the log begins anew: its salts are others, its checksum is right. */
function beginAnew(log: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(log.buffer);
  view.setUint32(SALT_AT, view.getUint32(SALT_AT) + 1);
  view.setUint32(SALT_AT + 4, 12345);
  const isLittle = (log[3]! & 1) === 0;
  let [first, second] = [0, 0];
  for (let at = 0; at < 24; at += 8) {
    first = (first + view.getUint32(at, isLittle) + second) >>> 0;
    second = (second + view.getUint32(at + 4, isLittle) + first) >>> 0;
  }
  view.setUint32(24, first);
  view.setUint32(28, second);
}

Deno.test("readLog() finds every commit of a log that is whole", async () => {
  const { fault, pages, pageCount } = readLog(await logOfCommits(), PAGE_BYTES);
  assertEquals(fault, null);
  assertGreater(pages.size, 0);
  assertGreater(pageCount!, 0);
});

Deno.test("readLog() takes a log that has just begun anew for empty, not for damaged", async () => {
  const log = await logOfCommits();
  beginAnew(log);
  const { fault, pages, pageCount } = readLog(log, PAGE_BYTES);
  assertEquals([fault, pages.size, pageCount], [null, 0, null]);
});

Deno.test("readLog() sees that the first of several commits is damaged", async () => {
  const log = await logOfCommits();
  log[32 + 24 + 100]! ^= 1;
  assertEquals(/before \d commits/.test(readLog(log, PAGE_BYTES).fault ?? ""), true);
  const salted = await logOfCommits();
  // The salt of its first frame.
  salted[32 + 8]! ^= 1;
  assertEquals(/before \d commits/.test(readLog(salted, PAGE_BYTES).fault ?? ""), true);
});
