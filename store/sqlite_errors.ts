/** Turns errors of SQLite and the file system into those of a store. */
import { StoreDamagedError, StoreError, StoreFullError, StoreLockedError } from "./store.ts";

/**
 * SQLite's messages for its result codes. The error does not always have the code: a statement that
 * is executed without being prepared has none.
 */
const KINDS: readonly (readonly [RegExp, new (message: string) => StoreError])[] = [
  [/disk is full|No space left on device|quota exceeded/i, StoreFullError],
  [
    /malformed|not a database|no such|no column|unsupported file format|too big|too large/i,
    StoreDamagedError,
  ],
  [/is locked/i, StoreLockedError],
];

/** Codes of reads that returned too little: the disk has lost data. */
const READ_FAILURES: readonly unknown[] = [266, 522];

/** The error that a store throws for an error of SQLite or the file system. */
export function toStoreError(what: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = (error as { errcode?: unknown } | null)?.errcode;
  const kind = READ_FAILURES.includes(code)
    ? StoreDamagedError
    : KINDS.find(([words]) => words.test(reason))?.[1] ?? StoreError;
  return Object.assign(new kind(`${what}: ${reason}`), { cause: error });
}
