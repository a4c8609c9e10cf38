/** Reads stored messages of sessions, of which some are in streams. */
import { numberKey } from "../../store/record.ts";
import { type Store, StoreError } from "../../store/store.ts";
import type { Calendar } from "../base/calendar.ts";
import { Message } from "../base/message.ts";
import type { MessageChunk } from "./message_chunk.ts";
import { readChunk } from "./message_page_record.ts";
import type { ReferredChunks } from "./referred_chunks.ts";
import type { StreamReference } from "./stream_reference.ts";

/** What is read of each chunk: messages by their index, `null` for revoked ones. */
export type ChunkMessages = Map<MessageChunk, Map<number, Message | null>>;

/** The indexes of the messages that are wanted, for each chunk. */
type Wanted = ReadonlyMap<MessageChunk, ReadonlySet<number>>;

/** A message that a stream has. */
interface Referring {
  readonly chunk: MessageChunk;
  readonly index: number;
  readonly reference: StreamReference;
}

/** The broker, as the reader of messages needs it. */
export interface MessagesHost {
  readonly store: Store;
  readonly calendar: Calendar;
  /** The chunks of streams. */
  readonly referred: ReferredChunks;
  /** A row is invalid, or a stream has lost messages. */
  reportError(error: unknown): void;
}

/**
 * Reads messages of chunks. Messages that the store has lost are missing from the result.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function readMessages(host: MessagesHost, wanted: Wanted): Promise<ChunkMessages> {
  const found: ChunkMessages = new Map();
  let missing = await addTo(found, await readRows(host, wanted, found), host);
  if (missing.length === 0) return found;
  // The stream has just dropped them. So its messages are in the row now.
  const again = new Map<MessageChunk, Set<number>>();
  for (const { chunk, index } of missing) {
    const indexes = again.get(chunk);
    if (indexes === undefined) again.set(chunk, new Set([index]));
    else indexes.add(index);
  }
  missing = await addTo(found, await readRows(host, again, found), host);
  if (missing.length > 0) {
    const [{ reference: { streamId } }] = missing as [Referring];
    const text = `Stream ${streamId} has lost messages that sessions need: ${missing.length}`;
    host.reportError(new StoreError(text));
  }
  return found;
}

/** Reads the rows of chunks. Returns what is in streams. */
async function readRows(
  host: MessagesHost,
  wanted: Wanted,
  found: ChunkMessages,
): Promise<Referring[]> {
  const { store, calendar } = host;
  const chunks = [...wanted];
  const values = await store.get("messages", chunks.map(([{ id }]) => numberKey(id)));
  const referring: Referring[] = [];
  for (const [i, [chunk, indexes]] of chunks.entries()) {
    const value = values[i] ?? null;
    if (value === null) continue;
    const messages = found.get(chunk) ?? new Map<number, Message | null>();
    try {
      for (const [index, read] of readChunk(value, indexes, calendar)) {
        if (read === null || read instanceof Message) messages.set(index, read);
        else referring.push({ chunk, index, reference: read });
      }
      found.set(chunk, messages);
    } catch (error) {
      // An invalid chunk counts as lost.
      host.reportError(error);
    }
  }
  return referring;
}

/** Adds messages of streams. Returns those that are not there. */
async function addTo(
  found: ChunkMessages,
  referring: readonly Referring[],
  host: MessagesHost,
): Promise<Referring[]> {
  const missing: Referring[] = [];
  const groups = Map.groupBy(
    referring,
    ({ reference: { streamId, first } }) => `${streamId} ${first}`,
  );
  for (const group of groups.values()) {
    const [{ reference: { streamId, first } }] = group as [Referring];
    const last = group.reduce((most, { reference: { seq } }) => Math.max(most, seq), first);
    const chunk = await host.referred.read(streamId, first, last);
    for (const one of group) {
      const message = chunk.find(one.reference);
      if (message === undefined) missing.push(one);
      else found.get(one.chunk)!.set(one.index, message);
    }
  }
  return missing;
}
