/** Joins what sessions read of streams with them, or takes it apart, when their clients move. */
import { parseSharedFilter } from "../../../router/topic.ts";
import type { Store } from "../../../store/store.ts";
import { ChunkCache } from "../../../stream/chunk_cache.ts";
import { StreamTable } from "../../../stream/stream_table.ts";
import { TopicMemo } from "../../../stream/topic_memo.ts";
import type { Message } from "../../base/message.ts";
import { isReaderClientId, readerClientId, shownClientId } from "../../base/stream_reader.ts";
import { NEVER_EXPIRES } from "../../session/session.ts";
import {
  isReadElsewhere,
  recordElsewhere,
  type ReplayRecord,
} from "../../session/session_replays.ts";
import { streamMessage, TopicPrefix } from "../../stream/stream_message.ts";
import type { StreamPlace } from "../../stream/stream_place.ts";
import { type ExchangeRecord, readSession, type SessionRecord } from "../session_record.ts";
import { eachRow } from "./each_row.ts";
import { SAME_TIME } from "./same_time.ts";

/** Stores a message in flight. Returns where its log and position are. */
export type PutMessage = (message: Message) => Pick<ExchangeRecord, "logId" | "position">;

/** A session whose client does not live where the streams are. */
export interface SplitSession {
  /** The session of the client. */
  readonly own: SessionRecord;
  /** The session that reads for it, without an identifier; `null` if it reads nothing. */
  readonly reader: SessionRecord | null;
}

/**
 * A client reads streams by its own session if it lives where they are, and otherwise by a second
 * one there. This knows the second sessions, by their clients: some 100 bytes of memory for each.
 */
export class StreamReaders {
  readonly #store: Store;
  /** The keys of the rows of the second sessions, by the identifiers of the clients. */
  readonly #rows: ReadonlyMap<string, Uint8Array>;
  #table: Promise<StreamTable> | null = null;

  private constructor(store: Store, rows: ReadonlyMap<string, Uint8Array>) {
    this.#store = store;
    this.#rows = rows;
  }

  /**
   * Looks for second sessions.
   *
   * @param store That of the node that has the streams.
   * @throws {StoreError} If it cannot be read, or a row makes no sense.
   */
  static async open(store: Store): Promise<StreamReaders> {
    const rows = new Map<string, Uint8Array>();
    await eachRow(store, "sessions", (key, value) => {
      const { clientId } = readSession(value);
      if (isReaderClientId(clientId)) rows.set(shownClientId(clientId), key.slice());
    });
    return new StreamReaders(store, rows);
  }

  /**
   * The session of a client that comes to where the streams are: with what its second session knows.
   *
   * @returns `null` if that one is gone: then the session of the client was about to end, too.
   * @throws {StoreError} If the store cannot be read.
   */
  async joined(own: SessionRecord): Promise<SessionRecord | null> {
    const key = this.#rows.get(own.clientId);
    const [value] = key === undefined ? [null] : await this.#store.get("sessions", [key]);
    if (value === null || value === undefined) return null;
    const reader = readSession(value);
    const exchanges = [...own.exchanges];
    const places = new Map<number, StreamPlace>();
    const used = new Set([...exchanges, ...reader.exchanges].map(({ packetId }) => packetId));
    const taken = new Set(exchanges.map(({ packetId }) => packetId));
    let free = 1;
    for (const exchange of reader.exchanges) {
      let { packetId } = exchange;
      const place = reader.places.get(packetId);
      if (taken.has(packetId)) {
        // The client cannot have got it: it waited for the end of the other one.
        if (place === undefined) continue;
        while (used.has(free)) free++;
        used.add(packetId = free);
      }
      exchanges.push({ ...exchange, packetId });
      if (place !== undefined) places.set(packetId, place);
    }
    const lastId = own.lastId || reader.lastId;
    return { ...own, lastId, exchanges, places, replays: reader.replays };
  }

  /**
   * The two sessions of a client that goes away from where the streams are. Messages of streams that
   * are in flight with QoS 2 go with the client, because only its session may use their packet
   * identifiers. Those with QoS 1 are read again.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  async split(session: SessionRecord, put: PutMessage): Promise<SplitSession> {
    let { replays } = session;
    const exchanges: ExchangeRecord[] = [];
    for (const exchange of session.exchanges) {
      const place = session.places.get(exchange.packetId);
      if (place === undefined || exchange.phase !== "pubrec") {
        exchanges.push(exchange);
        continue;
      }
      const message = await this.#find(place);
      if (message !== null) {
        exchanges.push({ ...exchange, ...put(message) });
        continue;
      }
      // As when a node starts: the identifier is free after PUBREL, and the reader is told of a gap.
      exchanges.push({ ...exchange, phase: "pubcomp" });
      replays = replays.map((replay) =>
        replay.key === place.source.key ? lose(replay, place.seq) : replay
      );
    }
    const { clientId, disconnectedWallMs } = session;
    const nothing = { readers: [], exchanges: [], inboundIds: [], feeds: [], places: new Map() };
    return {
      own: { ...session, exchanges, places: new Map(), replays: replays.map(elsewhere) },
      reader: replays.length === 0 ? null : {
        ...{ stamp: 0, clientId: readerClientId(clientId), expirySeconds: NEVER_EXPIRES },
        ...{ disconnectedWallMs, isLeaving: false, lastId: 0, replays, ...nothing },
      },
    };
  }

  /** The message at a place, as a client of 5.0 receives it; `null` if it is gone. */
  async #find({ source, seq, gap }: StreamPlace): Promise<Message | null> {
    this.#table ??= openTable(this.#store);
    const record = await (await this.#table).find(source.stream, source.streamId, seq);
    if (record === null) return null;
    const topic = new TopicMemo(null).find(record.bytes, record.topicStart, record.topicEnd);
    const sent = new TopicPrefix(source.prefix, source.mountBytes).before(topic);
    return streamMessage({ record, seq }, sent, true, gap, 1, { calendar: SAME_TIME });
  }
}

/** Whether a session has to do with streams where it is. */
export function readsHere({ replays, places }: SessionRecord): boolean {
  return places.size > 0 || replays.some((replay) => !isReadElsewhere(replay));
}

/** Whether another session reads streams for a session. */
export function readsElsewhere({ replays }: SessionRecord): boolean {
  return replays.some(isReadElsewhere);
}

function lose(replay: ReplayRecord, seq: number): ReplayRecord {
  const { from, to } = replay.lost ?? { from: seq, to: seq };
  return { ...replay, lost: { from: Math.min(from, seq), to: Math.max(to, seq) } };
}

/** What the session of the client keeps of a subscription. */
function elsewhere(
  { key, stream, prefix, mountBytes, qos, identifier }: ReplayRecord,
): ReplayRecord {
  // Only a filter without a prefix has the mount point.
  const asked = prefix === "" ? withoutMount(key, mountBytes) : key;
  return recordElsewhere({ key: asked, filter: key, stream, qos, identifier });
}

/** A filter as the client has sent it. */
function withoutMount(filter: string, mountBytes: number): string {
  if (mountBytes === 0) return filter;
  const shared = parseSharedFilter(filter);
  const bytes = new TextEncoder().encode(shared?.filter ?? filter).subarray(mountBytes);
  const rest = new TextDecoder().decode(bytes);
  return shared === null ? rest : `$share/${shared.group}/${rest}`;
}

/** The streams of a store, to read them only. */
function openTable(store: Store): Promise<StreamTable> {
  const fail = (error: unknown) => {
    throw error;
  };
  return StreamTable.open({
    store,
    commits: { markChanged: () => fail(new Error("A stream that moves has changed")) },
    cache: new ChunkCache(store),
    references: null,
    now: Date.now,
    reportError: fail,
    pause: () => Promise.resolve(),
    topicsMax: () => Infinity,
    aheadBytesMax: () => 0,
  });
}
