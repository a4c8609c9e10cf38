/** How a broker restores the contents of its store, in order, when it starts. */
import { numberOfKey, RecordReader } from "../../store/record.ts";
import { type Store, StoreError } from "../../store/store.ts";
import type { DurableHost } from "./durable_host.ts";
import { DurableLog } from "./durable_log.ts";
import { NEXT_ID_KEY } from "./id_allocator.ts";
import { Journal, type JournalHost } from "./journal.ts";
import { MessagePage } from "./message_page.ts";
import { type PageSummary, summarisePage } from "./message_page_record.ts";
import { restoreBans } from "./stored_bans.ts";
import { readDelayed, StoredDelayed } from "./stored_delayed.ts";
import { StoredRows } from "./stored_rows.ts";
import {
  continueSessions,
  restoreSessions,
  restoreSharedStarts,
  restoreSubscriptions,
} from "./restore_sessions.ts";
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
  const logs = await restoreLogs(rows, journal, broker);
  if (store.damage !== null) await removeUnreferenced(rows, journal);
  const sessions = await restoreSessions(broker, rows, journal, logs);
  await restoreSharedStarts(rows, journal, logs, sessions);
  await restoreSubscriptions(broker, rows, sessions);
  const wills = await readWills(rows);
  const delayed = await readDelayed(rows, broker.context.calendar);
  // A damaged part of the file may have contained the row with the reserved identifiers.
  journal.ids.skip(rows.idMost);
  for (const log of logs.values()) log.begin();
  restoreWills(broker, wills);
  continueSessions(broker, sessions);
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

/** The logs with their pages, each held until all readers are known. */
async function restoreLogs(
  rows: StoredRows,
  journal: Journal,
  broker: DurableHost,
): Promise<Map<number, DurableLog>> {
  const logs = new Map<number, DurableLog>();
  let pages: MessagePage[] = [];
  let logId = -1;
  const finish = () => {
    if (pages.length === 0) return;
    const log = new DurableLog(journal.pages, logId);
    log.restore(pages);
    logs.set(logId, log);
    journal.pages.watch(log);
    pages = [];
  };
  await rows.each("entries", (key, value) => {
    const id = rows.idOf(key);
    if (id !== logId) finish();
    logId = id;
    const summary = summarisePage(value);
    const first = numberOfKey(key, 1);
    if (summary.count === 0 || first < (pages.at(-1)?.end ?? 0)) return false;
    for (const chunkId of summary.chunkIds) rows.inUse(chunkId);
    pages.push(pageOf(journal, broker, first, summary));
    return mustFit(broker);
  });
  finish();
  return logs;
}

function pageOf(
  journal: Journal,
  broker: DurableHost,
  first: number,
  summary: PageSummary,
): MessagePage {
  const page = new MessagePage(first, summary.weightBefore);
  page.entries = null;
  page.count = summary.count;
  page.weight = summary.weight;
  page.isSealed = true;
  const { expiresWallMs } = summary;
  page.expiresMs = expiresWallMs === Infinity
    ? Infinity
    : broker.context.calendar.toClock(expiresWallMs);
  page.refs = summary.chunkIds.map((id) => {
    const chunk = journal.chunks.get(id);
    chunk.live++;
    return chunk;
  });
  journal.pages.countStored(summary.weight);
  return page;
}
