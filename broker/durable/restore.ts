/** How a broker restores the contents of its store, in order, when it starts. */
import { RecordReader } from "../../store/record.ts";
import { type Store, StoreError } from "../../store/store.ts";
import type { DurableHost } from "./durable_host.ts";
import { NEXT_ID_KEY } from "./id_allocator.ts";
import { Journal, type JournalHost } from "./journal.ts";
import { restoreBans } from "./stored_bans.ts";
import { readDelayed, StoredDelayed } from "./stored_delayed.ts";
import { StoredRows } from "./stored_rows.ts";
import { RestoredLogs } from "./restored_logs.ts";
import { SessionRestore } from "./restore_sessions.ts";
import { mustFit, readWills, restoreRetained, restoreWills } from "./restore_retained.ts";

/**
 * Restores the contents of a store: sessions with their subscriptions, positions and messages in
 * flight, retained messages and wills. Waiting messages stay in the store.
 *
 * @returns The journal, which the broker uses from then on.
 * @throws {StoreError} If the store cannot be read.
 */
export async function restore(
  broker: DurableHost,
  store: Store,
  journalHost: JournalHost,
): Promise<Journal> {
  const rows = new StoredRows(store);
  const journal = new Journal(store, journalHost, await nextIdOf(store));
  broker.journal = journal;
  await restoreBans(broker.limiters.bans, broker.context.calendar, rows, journal);
  await restoreRetained(broker, rows);
  const logs = new RestoredLogs(journal, broker.context.calendar);
  await logs.read(rows, () => mustFit(broker));
  if (store.damage !== null) await removeUnreferenced(rows, journal);
  const sessions = new SessionRestore(broker, rows, journal, logs);
  await sessions.readSessions();
  await sessions.readSharedStarts();
  await sessions.readSubscriptions();
  const wills = await readWills(rows);
  const delayed = await readDelayed(rows, broker.context.calendar);
  // A damaged part of the file may have contained the row with the reserved identifiers.
  journal.ids.skip(rows.idMost);
  logs.begin();
  restoreWills(broker, wills);
  sessions.continue();
  broker.delayed.keeper = new StoredDelayed(broker, journal);
  for (const one of delayed) broker.delayed.restore(one);
  mustFit(broker);
  discard(rows, journal, broker);
  journal.begin();
  return journal;
}

async function nextIdOf(store: Store): Promise<number> {
  const [value] = await store.get("meta", [NEXT_ID_KEY]);
  if (!value) return 1;
  try {
    return Math.max(1, new RecordReader(value).number());
  } catch {
    // Like a missing row: the identifiers in use give a lower bound.
    return 1;
  }
}

/** Removes rows without use, and reports missing ones. */
function discard(rows: StoredRows, journal: Journal, broker: DurableHost): void {
  for (const [table, key] of rows.useless) journal.discard(table, key);
  const { unreadable } = rows;
  if (unreadable === 0) return;
  broker.context.stats.storeRowsLost += unreadable;
  broker.context.reportError(
    new StoreError(`The store has ${unreadable} rows that make no sense: removed`),
  );
}

/** In a damaged file there may be messages without references. */
async function removeUnreferenced(rows: StoredRows, journal: Journal): Promise<void> {
  await rows.each("messages", (key) => journal.chunks.has(rows.idOf(key)));
}
