/** The accounts, groups and roles in effect, and the changes since the last commit. */
import {
  type Account,
  type Group,
  INITIAL_SETTINGS,
  type Role,
  type SecuritySettings,
} from "./model.ts";
import { NameIndex } from "./name_index.ts";
import { SortedNames } from "./sorted_names.ts";

/** The kinds of records. */
export interface Records {
  account: Account;
  group: Group;
  role: Role;
  settings: SecuritySettings;
}

/** The name of a kind. */
export type Kind = keyof Records;

/** A record before a change; `null` if there was none. */
interface Before {
  readonly kind: Kind;
  readonly name: string;
  readonly record: Records[Kind] | null;
}

/** A record that was added, replaced or removed (`null`). */
export interface Change {
  readonly kind: Kind;
  /** The name of the account, group or role; `""` for the settings. */
  readonly name: string;
  readonly record: Records[Kind] | null;
}

/**
 * The state of dynamic security. Changes are in effect at once, and are gathered until {@linkcode
 * Accounts.keep} or {@linkcode Accounts.undo}. It checks no limits: the commands do.
 */
export class Accounts {
  readonly #accounts = new Map<string, Account>();
  readonly #groups = new Map<string, Group>();
  readonly #roles = new Map<string, Role>();
  readonly #usernames = new SortedNames();
  readonly #groupnames = new SortedNames();
  readonly #rolenames = new SortedNames();
  readonly #members = new NameIndex();
  readonly #accountsOfRole = new NameIndex();
  readonly #groupsOfRole = new NameIndex();
  #settings: SecuritySettings = INITIAL_SETTINGS;
  /** The first record before all changes, by kind and name. */
  readonly #before = new Map<string, Before>();
  #version = 0;

  /** Counts changes. Values that were derived from an older version are outdated. */
  get version(): number {
    return this.#version;
  }

  /** Everything besides accounts, groups and roles. */
  get settings(): SecuritySettings {
    return this.#settings;
  }

  /** An account by its user name. */
  account(username: string): Account | undefined {
    return this.#accounts.get(username);
  }

  /** A group by its name. */
  group(groupname: string): Group | undefined {
    return this.#groups.get(groupname);
  }

  /** A role by its name. */
  role(rolename: string): Role | undefined {
    return this.#roles.get(rolename);
  }

  /** All user names, in order. */
  get usernames(): readonly string[] {
    return this.#usernames.all;
  }

  /** All names of groups, in order. */
  get groupnames(): readonly string[] {
    return this.#groupnames.all;
  }

  /** All names of roles, in order. */
  get rolenames(): readonly string[] {
    return this.#rolenames.all;
  }

  /** The user names of the members of a group. */
  membersOf(groupname: string): ReadonlySet<string> {
    return this.#members.of(groupname);
  }

  /** The user names of the accounts that have a role themselves. */
  accountsWith(rolename: string): ReadonlySet<string> {
    return this.#accountsOfRole.of(rolename);
  }

  /** The names of the groups that have a role. */
  groupsWith(rolename: string): ReadonlySet<string> {
    return this.#groupsOfRole.of(rolename);
  }

  /** Adds or replaces an account. */
  setAccount(account: Account): void {
    this.#change("account", account.username, account);
  }

  /** Removes an account. */
  removeAccount(username: string): void {
    this.#change("account", username, null);
  }

  /** Adds or replaces a group. */
  setGroup(group: Group): void {
    this.#change("group", group.groupname, group);
  }

  /** Removes a group. Its accounts do not change: the name then refers to nothing. */
  removeGroup(groupname: string): void {
    this.#change("group", groupname, null);
  }

  /** Adds or replaces a role. */
  setRole(role: Role): void {
    this.#change("role", role.rolename, role);
  }

  /** Removes a role. Its holders do not change: the name then refers to nothing. */
  removeRole(rolename: string): void {
    this.#change("role", rolename, null);
  }

  /** Replaces the settings. */
  setSettings(settings: SecuritySettings): void {
    this.#change("settings", "", settings);
  }

  /** The changes since the last {@linkcode keep} or {@linkcode undo}. */
  changes(): Change[] {
    return [...this.#before.values()].map(({ kind, name }) => ({
      kind,
      name,
      record: this.#get(kind, name),
    }));
  }

  /** Every record, as if it had just been added. */
  all(): Change[] {
    const listOf = (kind: Kind, records: ReadonlyMap<string, Records[Kind]>): Change[] =>
      [...records].map(([name, record]) => ({ kind, name, record }));
    return [
      { kind: "settings", name: "", record: this.#settings },
      ...listOf("role", this.#roles),
      ...listOf("group", this.#groups),
      ...listOf("account", this.#accounts),
    ];
  }

  /** Removes a record by its kind and name. */
  remove({ kind, name }: Pick<Change, "kind" | "name">): void {
    if (kind !== "settings") this.#change(kind, name, null);
  }

  /** The changes are final. */
  keep(): void {
    this.#before.clear();
  }

  /** Takes all changes back. */
  undo(): void {
    for (const { kind, name, record } of this.#before.values()) this.#put(kind, name, record);
    this.#before.clear();
  }

  #change<K extends Kind>(kind: K, name: string, record: Records[K] | null): void {
    const key = `${kind} ${name}`;
    if (!this.#before.has(key)) {
      this.#before.set(key, { kind, name, record: this.#get(kind, name) });
    }
    this.#put(kind, name, record);
  }

  #get(kind: Kind, name: string): Records[Kind] | null {
    switch (kind) {
      case "account":
        return this.#accounts.get(name) ?? null;
      case "group":
        return this.#groups.get(name) ?? null;
      case "role":
        return this.#roles.get(name) ?? null;
      case "settings":
        return this.#settings;
    }
  }

  #put(kind: Kind, name: string, record: Records[Kind] | null): void {
    this.#version++;
    switch (kind) {
      case "account":
        return this.#putAccount(name, record as Account | null);
      case "group":
        return this.#putGroup(name, record as Group | null);
      case "role":
        return replace(this.#roles, this.#rolenames, name, record as Role | null);
      case "settings":
        this.#settings = record as SecuritySettings;
    }
  }

  #putAccount(username: string, account: Account | null): void {
    const before = this.#accounts.get(username);
    this.#members.change(username, groupsOf(before), groupsOf(account));
    this.#accountsOfRole.change(username, rolesOf(before), rolesOf(account));
    replace(this.#accounts, this.#usernames, username, account);
  }

  #putGroup(groupname: string, group: Group | null): void {
    this.#groupsOfRole.change(groupname, rolesOf(this.#groups.get(groupname)), rolesOf(group));
    replace(this.#groups, this.#groupnames, groupname, group);
  }
}

function groupsOf(account: Account | null | undefined): string[] {
  return account?.groups.map(({ groupname }) => groupname) ?? [];
}

function rolesOf(holder: Account | Group | null | undefined): string[] {
  return holder?.roles.map(({ rolename }) => rolename) ?? [];
}

function replace<T>(
  records: Map<string, T>,
  names: SortedNames,
  name: string,
  record: T | null,
): void {
  if (record === null) {
    if (records.delete(name)) names.remove(name);
    return;
  }
  if (!records.has(name)) names.add(name);
  records.set(name, record);
}
