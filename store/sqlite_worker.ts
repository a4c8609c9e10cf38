/**
 * The worker of a store: it has a directory open, and answers requests.
 *
 * @module
 */
import { Batch } from "./batch.ts";
import { pack, unpack } from "./packed.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import {
  type Answer,
  type AnswerValue,
  type LargeValues,
  type Request,
  toFailure,
} from "./worker_messages.ts";

/**
 * Values with at least so many bytes on average are not packed: a copy of them would cost more than
 * a buffer for each.
 */
const LARGE_BYTES = 16 * 1024;

/** The global scope of a worker. The available types are those of a main thread. */
interface WorkerScope {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(answer: Answer, transfer: ArrayBuffer[]): void;
}

const scope = globalThis as unknown as WorkerScope;
let directory: SqliteDirectory | undefined;

scope.onmessage = ({ data }) => {
  answer(data);
  if (data.kind === "commit") directory?.tidy();
};

function answer(request: Request): void {
  try {
    const value = act(request);
    scope.postMessage({ ok: true, value }, buffersOf(value));
  } catch (error) {
    scope.postMessage(toFailure(error), []);
  }
}

/** The buffers of an answer, which pass to the other thread with it. */
function buffersOf(value: AnswerValue): ArrayBuffer[] {
  if (value instanceof Uint8Array) return [value.buffer];
  return Array.isArray(value) ? value.flatMap((one) => one === null ? [] : [one.buffer]) : [];
}

/** Packs values, unless they are large. */
function packSmall(values: (Uint8Array | null)[]): Uint8Array<ArrayBuffer> | LargeValues {
  const bytes = values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
  return bytes < LARGE_BYTES * values.length ? pack(values) : values as LargeValues;
}

function act(request: Request): AnswerValue {
  if (request.kind === "open") {
    directory = new SqliteDirectory(request.directory, { strict: request.strict });
    return directory.damage;
  }
  if (request.kind === "repair") {
    directory = directory!.repair();
    return directory.damage;
  }
  return actOn(directory!, request);
}

function actOn(
  directory: SqliteDirectory,
  request: Exclude<Request, { kind: "open" | "repair" }>,
): AnswerValue {
  switch (request.kind) {
    case "commit":
      directory.commit(new Batch(request.changes));
      return request.changes;
    case "scan": {
      const [from, to] = unpack(request.range);
      const rows = directory.scan(request.table, from!, to!, request.limit);
      return pack(rows.flatMap(({ key, value }) => [key, value]));
    }
    case "get":
      return packSmall(directory.get(request.table, unpack(request.keys) as Uint8Array[]));
    case "size":
      return directory.size();
    case "close":
      directory.close();
      return null;
  }
}
