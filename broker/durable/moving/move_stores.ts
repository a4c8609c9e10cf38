/** Moves the contents of the stores of some nodes to the stores of another number of nodes. */
import { numberKey, numberOfKey, RecordReader, RecordWriter } from "../../../store/record.ts";
import { type Store, StoreError, type Table } from "../../../store/store.ts";
import { Origin } from "../../base/origin.ts";
import { NEXT_ID_KEY } from "../id_allocator.ts";
import { eachRow } from "./each_row.ts";
import { moveBans, moveRetained } from "./move_common_rows.ts";
import { type MoveTargets, SessionMove } from "./move_sessions.ts";
import type { MovedIds } from "./moved_ids.ts";
import { StoreFillers } from "./store_filler.ts";
import { StreamReaders } from "./stream_readers.ts";

/** What the first node alone has, for all: streams and the accounts of dynamic security. */
const OF_FIRST_NODE: readonly Table[] = [
  "streams",
  "stream_index",
  "stream_chunks",
  "stream_groups",
  "accounts",
];

/** What has moved. */
export interface Moved {
  readonly sessions: number;
  /** Entries of logs: a message that waits for many sessions counts for each of their logs. */
  readonly messages: number;
}

/**
 * Copies everything that nodes have stored to the stores of other nodes: sessions with their
 * subscriptions, waiting messages and messages in flight, wills and delayed messages to the owner of
 * the client; retained messages and bans to all. Nothing may wait for another node any more: the
 * sessions that nodes have with each other are left out, so their links begin new ones. Streams are
 * in the first store: what clients of others read of them stays there, in sessions of its own.
 *
 * The old stores stay as they are. The new ones must be empty. It needs some 40 bytes of memory for each
 * session, log and group of messages of one store at a time, some 100 for each client that reads
 * streams of another node, and some rows.
 *
 * @param ownerOf The new store of a client, by its client identifier.
 * @throws {StoreError} If a store cannot be read or written, or a row makes no sense.
 */
export async function moveStores(
  from: readonly Store[],
  to: readonly Store[],
  ownerOf: (clientId: string) => number,
): Promise<Moved> {
  const readers = await StreamReaders.open(from[0]!);
  const targets: MoveTargets = { fillers: new StoreFillers(to), ownerOf, readers };
  const { fillers } = targets;
  let sessions = 0;
  let messages = 0;
  let first = 1;
  for (const store of from) {
    const { move, ids } = await SessionMove.run(store, targets, first);
    await moveOwnedRows(store, targets, ids);
    sessions += move.sessions;
    messages += move.entries;
    first = move.end;
  }
  await moveRetained(from, fillers);
  await moveBans(from, fillers);
  for (const table of OF_FIRST_NODE) await moveTable(table, from, fillers);
  fillers.putToAll("meta", NEXT_ID_KEY, new RecordWriter().number(first).bytes);
  await fillers.finish();
  return { sessions, messages };
}

/** Moves wills and delayed messages to where their clients live. */
async function moveOwnedRows(
  store: Store,
  { fillers, ownerOf }: MoveTargets,
  ids: MovedIds,
): Promise<void> {
  const move = (table: Table, clientOf: (reader: RecordReader) => string) =>
    eachRow(store, table, (key, value) => {
      const home = ownerOf(clientOf(new RecordReader(value)));
      fillers.all[home]!.put(table, numberKey(ids.of(numberOfKey(key))), value);
    }, () => fillers.makeRoom());
  await move("wills", (reader) => reader.text());
  await move("delayed", (reader) => {
    // The time at which it is due.
    reader.number();
    return Origin.parse(reader.text()).clientId ?? "";
  });
}

/** Copies a table that only the first node has. */
async function moveTable(
  table: Table,
  from: readonly Store[],
  fillers: StoreFillers,
): Promise<void> {
  for (const [i, store] of from.entries()) {
    await eachRow(store, table, (key, value) => {
      if (i > 0) throw new StoreError(`only the first store has such rows, but store ${i} has one`);
      fillers.all[0]!.put(table, key, value);
    }, () => fillers.makeRoom());
  }
}
