/** Copies what every node has, retained messages and bans, from some stores to others. */
import { compareKeys } from "../../../store/keys.ts";
import { numberKey, RecordReader } from "../../../store/record.ts";
import type { Row, Store } from "../../../store/store.ts";
import { readDeletion } from "../retained_deletion_row.ts";
import { eachRow } from "./each_row.ts";
import { RowCursor } from "./row_cursor.ts";
import type { StoreFillers } from "./store_filler.ts";

/** Microseconds of a millisecond. */
const US_PER_MS = 1000;

/**
 * Copies the retained messages of all stores to all others. Of two messages of one topic the later
 * one is copied, as nodes that are joined choose it. If the topic was deleted later than that, none
 * is; the deletion is not copied, because no node has the message any more.
 *
 * @throws {StoreError} If a store cannot be read or written, or a row makes no sense.
 */
export async function moveRetained(stores: readonly Store[], fillers: StoreFillers): Promise<void> {
  const cursors = await Promise.all(stores.map((store) => RowCursor.open(store, "retained")));
  for (;;) {
    let latest: Row | null = null;
    for (const { row } of cursors) {
      if (row === null) continue;
      const order = latest === null ? -1 : compareKeys(row.key, latest.key);
      if (order < 0 || order === 0 && isLater(row.value, latest!.value)) latest = row;
    }
    if (latest === null) return;
    if (readDeletion(latest.value) === null) fillers.putToAll("retained", latest.key, latest.value);
    for (const cursor of cursors) {
      const { row } = cursor;
      if (row !== null && compareKeys(row.key, latest.key) === 0) await cursor.next();
    }
    await fillers.makeRoom();
  }
}

/** Of two messages of one version any one may win, but always the same. */
function isLater(value: Uint8Array, other: Uint8Array): boolean {
  const [version, otherVersion] = [versionOf(value), versionOf(other)];
  if (version !== otherVersion) return version > otherVersion;
  // As between nodes, a message wins against a deletion of the same time.
  const [isGone, isOtherGone] = [readDeletion(value) !== null, readDeletion(other) !== null];
  return isGone === isOtherGone ? compareKeys(value, other) > 0 : isOtherGone;
}
/**
 * The version of a retained message or of its deletion, in microseconds since 1970. A broker that is no node stores only
 * when it came. 0 if its row does not say.
 */
function versionOf(value: Uint8Array): number {
  const deleted = readDeletion(value);
  if (deleted !== null) return deleted;
  const reader = new RecordReader(value);
  // The origin, the topic and the flags of `writeMessage`.
  reader.piece();
  reader.piece();
  reader.number();
  // The expiry: 0 for none, or it is followed by the time.
  if (reader.number() > 0) reader.number();
  reader.piece();
  reader.piece();
  if (reader.isAtEnd) return 0;
  const sinceMs = reader.number();
  return reader.isAtEnd ? sinceMs * US_PER_MS : reader.number();
}

/**
 * Copies the bans of all stores to all others: each once, under the same number everywhere. Of two
 * bans of the same client the longer one is copied.
 *
 * @throws {StoreError} If a store cannot be read or written, or a row makes no sense.
 */
export async function moveBans(stores: readonly Store[], fillers: StoreFillers): Promise<void> {
  // At most `BANS_MAX` for each store.
  const bans = new Map<string, { value: Uint8Array; untilMs: number }>();
  for (const store of stores) {
    await eachRow(store, "bans", (_key, value) => {
      const reader = new RecordReader(value);
      const banned = `${reader.number()} ${reader.text()}`;
      reader.piece();
      const untilMs = reader.number() || Infinity;
      const known = bans.get(banned);
      if (known === undefined || known.untilMs < untilMs) bans.set(banned, { value, untilMs });
    });
  }
  let id = 0;
  for (const { value } of bans.values()) fillers.putToAll("bans", numberKey(++id), value);
  await fillers.makeRoom();
}
