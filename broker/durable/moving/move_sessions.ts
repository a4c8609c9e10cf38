/** Moves the sessions of one store, with all that waits for them, to the stores of their new owners. */
import { numberKey, numberOfKey, RecordWriter } from "../../../store/record.ts";
import type { Store, Table } from "../../../store/store.ts";
import type { Message } from "../../base/message.ts";
import { isNodeClientId } from "../../base/node_peer.ts";
import { isReaderClientId, shownClientId } from "../../base/stream_reader.ts";
import { writeMessage } from "../records.ts";
import { readSession, type SessionRecord } from "../session_record.ts";
import { readSharedStart, writeSharedStart } from "../shared_start.ts";
import { BitSet } from "./bit_set.ts";
import { eachRow } from "./each_row.ts";
import { IdCollector, type MovedIds } from "./moved_ids.ts";
import { ChunkCounts, MovedMessages } from "./moved_messages.ts";
import { moveChunk, movedStart, movePage, writeLonePage } from "./moved_records.ts";
import { renumbered, writeMovedSession } from "./moved_session.ts";
import { ReferenceInliner } from "./reference_inliner.ts";
import { SAME_TIME } from "./same_time.ts";
import type { StoreFillers } from "./store_filler.ts";
import { readsElsewhere, readsHere, type StreamReaders } from "./stream_readers.ts";

/** Stands for a session that does not move. */
const NOWHERE = 0xffff;

/** Where sessions go. */
export interface MoveTargets {
  /** The new stores. */
  readonly fillers: StoreFillers;
  /** Which of them a client's session belongs to, by its client identifier. */
  ownerOf(clientId: string): number;
  /** What clients read of the streams, which are in the first store, before and after. */
  readonly readers: StreamReaders;
}

/**
 * Moves the sessions of one store. It goes through its tables several times and keeps no row: only some
 * 40 bytes for each identifier, and a bit for each message and new store.
 */
export class SessionMove {
  /** How many sessions have moved. */
  sessions = 0;
  /** How many entries of logs were written: messages, once for each log and new store. */
  entries = 0;
  readonly #store: Store;
  readonly #targets: MoveTargets;
  readonly #writer = new RecordWriter();
  readonly #ids: MovedIds;
  /** The first identifier that no row of the new stores has. */
  #end: number;
  readonly #newId = (id: number) => this.#ids.of(id);
  /** The new store of each session, by the place of its identifier. */
  readonly #homes: Uint16Array;
  /** The logs that sessions in each new store read, by the places of their identifiers. */
  readonly #logs: readonly BitSet[];

  private constructor(store: Store, targets: MoveTargets, ids: MovedIds) {
    this.#store = store;
    this.#targets = targets;
    this.#ids = ids;
    this.#end = ids.end;
    this.#homes = new Uint16Array(ids.count).fill(NOWHERE);
    this.#logs = targets.fillers.all.map(() => new BitSet(ids.count));
  }

  /**
   * Moves all sessions but those that nodes have with each other.
   *
   * @param first The first identifier that no row of the new stores has.
   * @returns The identifiers, for rows that belong to no session.
   * @throws {StoreError} If a store cannot be read or written, or a row makes no sense.
   */
  static async run(
    store: Store,
    targets: MoveTargets,
    first: number,
  ): Promise<{ move: SessionMove; ids: MovedIds }> {
    const chunks = new ChunkCounts();
    const ids = (await collectIds(store, chunks)).finish(first);
    const move = new SessionMove(store, targets, ids);
    await move.#moveSessions();
    await move.#moveStarts();
    await move.#moveSubscriptions();
    await move.#moveMessages(new MovedMessages(ids, chunks, move.#logs.length));
    return { move, ids };
  }

  /** The first identifier that no row of the new stores has any more. */
  get end(): number {
    return this.#end;
  }

  async #moveSessions(): Promise<void> {
    await this.#each("sessions", (key, value) => {
      const record = readSession(value);
      const { clientId, isLeaving } = record;
      const isReader = isReaderClientId(clientId);
      if (isNodeClientId(clientId) && !isReader) return;
      const id = numberOfKey(key);
      const home = this.#targets.ownerOf(shownClientId(clientId));
      if (isReader) {
        // Where the streams are, it becomes a part of the session of its client.
        if (home > 0) this.#put(0, id, record);
        return;
      }
      if (home === 0 && readsElsewhere(record)) return this.#join(id, record);
      if (home > 0 && !isLeaving && readsHere(record)) return this.#split(home, id, record);
      this.#put(home, id, record);
    });
  }

  async #join(id: number, own: SessionRecord): Promise<void> {
    const joined = await this.#targets.readers.joined(own);
    if (joined !== null) this.#put(0, id, joined);
  }

  /** The session of the client takes messages of streams with it, in a log of their own. */
  async #split(home: number, id: number, session: SessionRecord): Promise<void> {
    const { readers, fillers } = this.#targets;
    // Its identifier is not given to any other log.
    const log = { id: this.#end++, position: 0, weight: 0 };
    const put = (message: Message) => this.#putMessage(home, log, message);
    const { own, reader } = await readers.split(renumbered(session, this.#newId), put);
    this.#putRenumbered(home, id, own, session);
    if (reader === null) return;
    const stamp = this.#end++;
    writeMovedSession(this.#writer.reset(), { ...reader, stamp });
    fillers.all[0]!.put("sessions", numberKey(stamp), this.#writer.bytes);
  }

  /** Stores a message in flight, at the end of a log. */
  #putMessage(
    home: number,
    log: { readonly id: number; position: number; weight: number },
    message: Message,
  ): { logId: number; position: number } {
    const filler = this.#targets.fillers.all[home]!;
    const writer = this.#writer.reset();
    const chunkId = this.#end++;
    const start = writer.beginLongPiece();
    writeMessage(writer, message, SAME_TIME);
    writer.endLongPiece(start);
    filler.put("messages", numberKey(chunkId), writer.bytes);
    const { weight, expirySeconds, deadlineMs } = message;
    const expiresWallMs = expirySeconds < 0 ? Infinity : deadlineMs;
    writeLonePage(writer.reset(), { weightBefore: log.weight, expiresWallMs, chunkId, weight });
    const position = log.position++;
    log.weight += weight;
    filler.put("entries", numberKey(log.id, position), writer.bytes);
    this.entries++;
    return { logId: log.id, position };
  }

  /** Writes a session, and remembers where it is. */
  #put(home: number, id: number, session: SessionRecord): void {
    this.#putRenumbered(home, id, renumbered(session, this.#newId), session);
  }

  /** @param session The session with its old identifiers. */
  #putRenumbered(
    home: number,
    id: number,
    moved: SessionRecord,
    { clientId, readers, exchanges }: SessionRecord,
  ): void {
    this.#homes[this.#ids.rankOf(id)] = home;
    for (const { logId } of readers) this.#wantLog(home, logId);
    for (const { logId } of exchanges) if (logId !== 0) this.#wantLog(home, logId);
    writeMovedSession(this.#writer.reset(), moved);
    const filler = this.#targets.fillers.all[home]!;
    filler.put("sessions", numberKey(this.#newId(id)), this.#writer.bytes);
    if (!isReaderClientId(clientId)) this.sessions++;
  }

  async #moveStarts(): Promise<void> {
    const { all } = this.#targets.fillers;
    await this.#each("joins", (key, value) => {
      const start = readSharedStart(value);
      const newKey = numberKey(this.#newId(numberOfKey(key)));
      for (const [home, filler] of all.entries()) {
        const sessions = start.sessions.filter((id) => this.#homeOf(id) === home);
        if (sessions.length === 0) continue;
        this.#wantLog(home, start.logId);
        writeSharedStart(this.#writer.reset(), movedStart(start, sessions, this.#newId));
        filler.put("joins", newKey, this.#writer.bytes);
      }
    });
  }

  async #moveSubscriptions(): Promise<void> {
    const { all } = this.#targets.fillers;
    await this.#each("subscriptions", (key, value) => {
      const id = numberOfKey(key);
      const home = this.#homeOf(id);
      if (home === NOWHERE) return;
      const newKey = key.slice();
      newKey.set(numberKey(this.#newId(id)));
      all[home]!.put("subscriptions", newKey, value);
    });
  }

  async #moveMessages(messages: MovedMessages): Promise<void> {
    const { all } = this.#targets.fillers;
    await this.#each("entries", (key, value) => {
      const logId = numberOfKey(key);
      // A log that no session reads.
      if (!this.#ids.has(logId)) return;
      const log = this.#ids.rankOf(logId);
      const newKey = numberKey(this.#newId(logId), numberOfKey(key, 1));
      for (const [home, filler] of all.entries()) {
        if (!this.#logs[home]!.has(log)) continue;
        this.entries += messages.want(home, value);
        movePage(this.#writer.reset(), value, this.#newId);
        filler.put("entries", newKey, this.#writer.bytes);
      }
    });
    const inliner = new ReferenceInliner(this.#store);
    const put = (id: number, value: Uint8Array) => {
      for (const [home, filler] of all.entries()) {
        const isWanted = messages.wantedOf(home, id);
        if (isWanted === null) continue;
        moveChunk(this.#writer.reset(), value, isWanted);
        filler.put("messages", numberKey(this.#newId(id)), this.#writer.bytes);
      }
    };
    await this.#each("messages", (key, value) => {
      const id = numberOfKey(key);
      if (!inliner.refers(value)) return put(id, value);
      return inliner.inline(value).then((whole) => put(id, whole));
    });
  }

  #wantLog(home: number, logId: number): void {
    this.#logs[home]!.add(this.#ids.rankOf(logId));
  }

  /** A damaged store was repaired: then rows may belong to a session that is lost. */
  #homeOf(sessionId: number): number {
    return this.#ids.has(sessionId) ? this.#homes[this.#ids.rankOf(sessionId)]! : NOWHERE;
  }

  #each(
    table: Table,
    take: (key: Uint8Array, value: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    return eachRow(this.#store, table, take, () => this.#targets.fillers.makeRoom());
  }
}

/**
 * All identifiers in the rows of a store that have to do with sessions, wills and messages. There are
 * far more entries of logs than chunks, so those are read once, when they move.
 */
async function collectIds(store: Store, chunks: ChunkCounts): Promise<IdCollector> {
  const ids = new IdCollector();
  const addKey = (key: Uint8Array) => ids.add(numberOfKey(key));
  await eachRow(store, "sessions", (key, value) => {
    addKey(key);
    const { readers, exchanges } = readSession(value);
    for (const { logId } of readers) ids.add(logId);
    for (const { logId } of exchanges) ids.add(logId);
  });
  await eachRow(store, "joins", (key, value) => {
    addKey(key);
    ids.add(readSharedStart(value).logId);
  });
  await eachRow(store, "messages", (key, value) => {
    addKey(key);
    chunks.add(numberOfKey(key), value);
  });
  await eachRow(store, "wills", addKey);
  await eachRow(store, "delayed", addKey);
  return ids;
}
