/**
 * The rows that dynamic security keeps in a store: one for each account, group and role, and one
 * for the settings. A row is the JSON of its record.
 *
 * @module
 */
import type { Accounts, Change } from "./accounts.ts";
import {
  type Json,
  readAccount,
  readDefaultAccess,
  readGroup,
  readRole,
  showGroup,
  showRole,
  writeAccount,
} from "./document.ts";
import { FieldError, Fields } from "./fields.ts";
import { NAME_CHARS_MAX } from "./limits.ts";
import type { Account, Group, Role, SecuritySettings } from "./model.ts";

/** A row; a value of `null` removes it. */
export interface AccountRow {
  /** Its place: the kind of record, and its name. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** The record, in JSON. */
  readonly value: Uint8Array<ArrayBuffer> | null;
}

/** The store of the rows. */
export interface AccountStore {
  /** Every row, a few at a time. */
  rows(): AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
  /**
   * Writes rows, all of them or none. Only one call may be in progress.
   *
   * @throws If they cannot be stored; nothing has changed.
   */
  commit(rows: readonly AccountRow[]): Promise<void>;
  /** Releases everything. */
  close(): Promise<void>;
}

/** The first byte of a key; a name follows. */
const KINDS = ["settings", "role", "group", "account"] as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The rows of changes. */
export function rowsOf(changes: readonly Change[]): AccountRow[] {
  return changes.map(({ kind, name, record }) => {
    const key = encoder.encode(` ${name}`);
    key[0] = KINDS.indexOf(kind);
    if (record === null) return { key, value: null };
    return { key, value: encoder.encode(JSON.stringify(jsonOf(kind, record))) };
  });
}

/** The place of a record among all of them, as text. */
export function keyOf({ kind, name }: Pick<Change, "kind" | "name">): string {
  return `${kind} ${name}`;
}

/**
 * Takes a row that was added, replaced or removed.
 *
 * @returns The place of its record; `null` if it cannot be read.
 */
export function applyRow(accounts: Accounts, { key, value }: AccountRow): string | null {
  const kind = KINDS[key[0] ?? KINDS.length];
  if (kind === undefined) return null;
  const place = { kind, name: decoder.decode(key.subarray(1)) };
  if (value === null) accounts.remove(place);
  else if (!takeRow(accounts, key, value)) return null;
  return keyOf(place);
}

function jsonOf(kind: Change["kind"], record: NonNullable<Change["record"]>): Json {
  switch (kind) {
    case "account":
      return writeAccount(record as Account);
    case "group":
      return showGroup(record as Group, null);
    case "role":
      return showRole(record as Role);
    case "settings":
      return { ...record as SecuritySettings };
  }
}

/**
 * Reads a row into the accounts.
 *
 * @returns False if it cannot be read.
 */
export function takeRow(accounts: Accounts, key: Uint8Array, value: Uint8Array): boolean {
  try {
    const fields = Fields.of(JSON.parse(decoder.decode(value)));
    if (fields === null) return false;
    take(accounts, KINDS[key[0] ?? KINDS.length], fields);
    return true;
  } catch (error) {
    const isOfRow = error instanceof FieldError || error instanceof SyntaxError ||
      error instanceof TypeError;
    if (!isOfRow) throw error;
    return false;
  }
}

function take(accounts: Accounts, kind: Change["kind"] | undefined, fields: Fields): void {
  switch (kind) {
    case "account":
      return accounts.setAccount(readAccount(fields));
    case "group":
      return accounts.setGroup(readGroup(fields));
    case "role":
      return accounts.setRole(readRole(fields));
    case "settings":
      return accounts.setSettings({
        defaultAccess: readDefaultAccess(fields.get("defaultaccess")),
        anonymousGroup: fields.get("anonymousgroup") === null
          ? null
          : fields.optionalText("anonymousgroup", NAME_CHARS_MAX),
        changeIndex: fields.number("changeindex", 0),
      });
    default:
      throw new FieldError("Unknown kind of row");
  }
}
