/** The versions of the tables, and how a file gets from one to the next. */
import type { DatabaseSync } from "node:sqlite";
import { StoreVersionError } from "./store.ts";

/**
 * Tables whose rows hold payloads. Their keys are in an index beside the rows, so that rows of any
 * length fill pages well. The other tables are trees of their keys, which are smaller, and a change
 * writes one page less.
 */
const WIDE = ["messages", "retained", "wills"];
const NARROW = ["meta", "sessions", "joins", "subscriptions", "entries"];

const COLUMNS = "(key BLOB PRIMARY KEY NOT NULL, sum INTEGER NOT NULL, value BLOB NOT NULL)";

/**
 * The steps from an empty file to the newest version: the first makes version 1, the second makes
 * version 2 of it, and so on. A released step must never change.
 */
export const MIGRATIONS: readonly string[] = [
  [
    ...WIDE.map((table) => `CREATE TABLE ${table} ${COLUMNS}`),
    ...NARROW.map((table) => `CREATE TABLE ${table} ${COLUMNS} WITHOUT ROWID`),
  ].join(";\n"),
  [
    `CREATE TABLE stream_chunks ${COLUMNS}`,
    `CREATE TABLE streams ${COLUMNS} WITHOUT ROWID`,
    `CREATE TABLE stream_index ${COLUMNS} WITHOUT ROWID`,
  ].join(";\n"),
  `CREATE TABLE bans ${COLUMNS} WITHOUT ROWID`,
  `CREATE TABLE stream_groups ${COLUMNS} WITHOUT ROWID`,
  // A role can have many rules, so the rows may be long.
  `CREATE TABLE accounts ${COLUMNS}`,
  `CREATE TABLE delayed ${COLUMNS}`,
  // From here on, messages of sessions may be references to streams. Earlier versions cannot read
  // them, and would remove what they refer to.
  "SELECT 1",
  // From here on, rows of retained messages may say that the message was deleted. Earlier versions
  // would take them for damaged ones.
  "SELECT 1",
];

/** The version of a file's tables; 0 if it has no tables yet. */
export function versionOf(db: DatabaseSync): number {
  return db.prepare("PRAGMA user_version").get()!["user_version"] as number;
}

/**
 * Brings a file to the newest version, each step in its own transaction.
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
