/**
 * The worker of a store: it has a directory open, and answers requests.
 *
 * @module
 */
import { Batch } from "./batch.ts";
import { pack, unpack } from "./packed.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import { type Answer, type AnswerValue, type Request, toFailure } from "./worker_messages.ts";

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
    scope.postMessage({ ok: true, value }, value instanceof Uint8Array ? [value.buffer] : []);
  } catch (error) {
    scope.postMessage(toFailure(error), []);
  }
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
      return null;
    case "scan": {
      const [from, to] = unpack(request.range);
      const rows = directory.scan(request.table, from!, to!, request.limit);
      return pack(rows.flatMap(({ key, value }) => [key, value]));
    }
    case "get":
      return pack(directory.get(request.table, unpack(request.keys) as Uint8Array[]));
    case "size":
      return directory.size();
    case "close":
      directory.close();
      return null;
  }
}
