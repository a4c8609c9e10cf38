/** The restoring of retained messages and wills. */
import { topicNameFault } from "../../router/topic.ts";
import { compareKeys } from "../../store/keys.ts";
import { RecordReader } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import { Origin } from "../base/origin.ts";
import { ClientAccess } from "../session/client_access.ts";
import type { Calendar } from "../base/calendar.ts";
import { countKept, type Message } from "../base/message.ts";
import type { RetainedDeletions } from "../delivery/retained_deletions.ts";
import type { PackedMessage } from "../delivery/retained_store.ts";
import type { DurableHost } from "./durable_host.ts";
import { PackedRow, PackedRows, type RowPlace } from "./packed_rows.ts";
import { readHead, readMessage, readWill, textOf, type WillRecord } from "./records.ts";
import { readDeletion } from "./retained_deletion_row.ts";
import type { StoredRows } from "./stored_rows.ts";

/** The restored data may use this multiple of the memory budget. */
const RESTORE_SHARE = 1.5;

/** A retained message as its row is in the store. */
class PackedRetained extends PackedRow implements PackedMessage {
  readonly #calendar: Calendar;
  readonly #origin: Origin;

  constructor(row: RowPlace, calendar: Calendar, origin: Origin, readonly weight: number) {
    super(row);
    this.#calendar = calendar;
    this.#origin = origin;
  }

  unpack(): Message {
    const reader = new RecordReader(this.row);
    reader.piece();
    return readMessage(reader, this.#calendar, this.#origin);
  }
}

/**
 * Reads the retained messages, and the deletions of others. Each message stays as its row is until
 * someone needs it.
 */
export async function restoreRetained(broker: DurableHost, rows: StoredRows): Promise<void> {
  const { calendar, clock } = broker.context;
  const deletions = new RestoredDeletions(broker.retainedDeletions);
  const packed = new PackedRows();
  let last = Origin.program;
  await rows.each("retained", (key, value) => {
    const deleted = readDeletion(value);
    if (deleted !== null) return deletions.take(key, deleted);
    const reader = new RecordReader(value);
    const text = reader.text();
    // The origin is often the same as in the row before.
    if (text !== last.toText()) last = Origin.parse(text);
    const head = readHead(reader, calendar);
    mustBeSound("topic name", topicNameFault(head.name));
    // Under another key it could not be replaced.
    if (compareKeys(key, head.topic) !== 0) throw new StoreError("A key and its row differ");
    // Rows of earlier versions do not say when it came.
    const sinceMs = reader.isAtEnd ? clock.now() : calendar.toClock(reader.number());
    // Only nodes of a cluster store a version.
    const version = reader.isAtEnd ? 0 : reader.number();
    const message = new PackedRetained(packed.keep(value), calendar, last, head.weight);
    broker.retained.restore(head, message, Math.round(sinceMs), version);
    countKept(head.weight);
    return mustFit(broker);
  });
  deletions.end();
}

/** The deletions of a store. */
class RestoredDeletions {
  readonly #deletions: RetainedDeletions;
  readonly #all: { topic: string; version: number }[] = [];

  constructor(deletions: RetainedDeletions) {
    this.#deletions = deletions;
  }

  /** Takes the deletion of the topic that is the key. Returns false if it is too old. */
  take(key: Uint8Array, version: number): boolean {
    if (this.#deletions.isOver(version)) return false;
    const topic = textOf(key);
    mustBeSound("topic name", topicNameFault(topic));
    this.#all.push({ topic, version });
    return true;
  }

  /** Adds them in their order, which is not that of the keys. */
  end(): void {
    this.#all.sort((a, b) => a.version - b.version);
    for (const { topic, version } of this.#all) this.#deletions.add(topic, version);
  }
}

/**
 * Checks the memory of restored data. Acknowledged data is restored even beyond the budget, but not
 * if the process could not survive it.
 *
 * @throws {Error} If it is far too much.
 */
export function mustFit({ memory }: DurableHost): true {
  const { bytes, bytesMax } = memory;
  if (bytes <= bytesMax * RESTORE_SHARE) return true;
  const text = `The store holds more than fits into memory: over ${megabytes(bytes)} MB, of ` +
    `${megabytes(bytesMax)} MB (memoryBytesMax, fairway_limit_memory_bytes_max, --max-memory): ` +
    "give it more, and V8 by --v8-flags=--max-old-space-size=MEGABYTES";
  throw new RangeError(text);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

/** The stored wills, by their numbers. */
export async function readWills(rows: StoredRows): Promise<Map<number, WillRecord>> {
  const wills = new Map<number, WillRecord>();
  const clients = new Set<string>();
  await rows.each("wills", (key, value) => {
    const id = rows.idOf(key);
    const record = readWill(new RecordReader(value));
    mustBeSound("topic name", topicNameFault(record.will.topic));
    // A client has at most one, besides those that were due when the disk was full.
    if (record.dueWallMs === 0 && clients.has(record.clientId)) return false;
    if (record.dueWallMs === 0) clients.add(record.clientId);
    wills.set(id, record);
    return true;
  });
  return wills;
}

/** Returns wills to restored sessions, and publishes those of lost clients. */
export function restoreWills(broker: DurableHost, wills: Map<number, WillRecord>): void {
  const { context, sessions } = broker;
  const now = context.clock.now();
  for (const [id, { clientId, username, will, dueWallMs }] of wills) {
    const access = accessOf(broker, clientId, username);
    const known = sessions.get(clientId);
    if (known === undefined || known.will !== null) {
      // A will without a stored session belongs to a clean session, which has ended.
      sessions.wills.publish(
        sessions.wills.restore(will, id, { clientId, username, access }, null),
      );
      mustFit(broker);
      continue;
    }
    sessions.setUser(known, username);
    known.permit(access);
    const delayMs = (will.properties.willDelayInterval ?? 0) * 1000;
    const pending = sessions.wills.restore(will, id, known, known);
    mustFit(broker);
    pending.restoredDueMs = dueWallMs === 0 ? now + delayMs : context.calendar.toClock(dueWallMs);
  }
}

/** @throws {StoreError} If there is a fault. */
export function mustBeSound(what: string, fault: string | null): void {
  if (fault !== null) throw new StoreError(`The store has a ${what} with a fault: ${fault}`);
}

/** The known permissions of a client until it reconnects. */
function accessOf(
  broker: DurableHost,
  clientId: string,
  username: string | null,
): ClientAccess | null {
  const { authorizer } = broker.context.settings;
  if (authorizer === null) return null;
  return new ClientAccess(broker.context, authorizer, {
    clientId,
    username,
    address: "",
    protocolVersion: 5,
  });
}
