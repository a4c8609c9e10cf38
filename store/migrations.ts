import type { DatabaseSync } from "node:sqlite";
import { StoreVersionError } from "./store.ts";

/**
 * Tables whose rows hold payloads. They have their keys in an index beside
 * them: a row of any length then fills its pages well. The others are trees of
 * their keys, which is smaller and takes one page less to change.
 */
const WIDE = ["messages", "retained", "wills"];
const NARROW = ["meta", "sessions", "joins", "subscriptions", "entries"];

const COLUMNS = "(key BLOB PRIMARY KEY NOT NULL, sum INTEGER NOT NULL, value BLOB NOT NULL)";

/**
 * Step by step from an empty file to the newest: the first makes version 1, the
 * second version 2 of it, and so on. A step that was released is never changed.
 */
export const MIGRATIONS: readonly string[] = [
  [
    ...WIDE.map((table) => `CREATE TABLE ${table} ${COLUMNS}`),
    ...NARROW.map((table) => `CREATE TABLE ${table} ${COLUMNS} WITHOUT ROWID`),
  ].join(";\n"),
];

/** The version of a file's tables; 0 if it has none yet. */
export function versionOf(db: DatabaseSync): number {
  return db.prepare("PRAGMA user_version").get()!["user_version"] as number;
}

/**
 * Brings a file to the newest version, each step in a transaction of its own.
 *
 * @throws {StoreVersionError} If the file is newer than the newest step.
 */
export function migrate(db: DatabaseSync, path: string, steps: readonly string[]): void {
  const version = versionOf(db);
  if (version > steps.length) {
    throw new StoreVersionError(
      `Cannot open ${path}: it has version ${version}, this Fairway knows up to ` +
        `${steps.length}; run the newer Fairway that wrote it, or give another directory`,
    );
  }
  for (let done = version; done < steps.length; done++) step(db, steps[done]!, done + 1);
}

function step(db: DatabaseSync, statements: string, version: number): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(`${statements}; PRAGMA user_version = ${version}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
