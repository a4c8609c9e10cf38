/** The input of a command, and its result. */
import type { Accounts } from "./accounts.ts";
import type { Json } from "./document.ts";
import { FieldError, type Fields } from "./fields.ts";
import { VERBOSE_LIST_MAX } from "./limits.ts";
import type { Account, Group, Role } from "./model.ts";

/** The clients that a change affects, wherever they are connected. */
export interface AffectedClients {
  /** The user names of accounts. */
  readonly usernames: ReadonlySet<string>;
  /** Whether clients without a user name are among them. */
  readonly isAnonymous: boolean;
}

/** The clients that must connect again, because their permissions have changed. */
export interface Affected extends AffectedClients {
  /** The user names of accounts. */
  readonly usernames: Set<string>;
  /** Whether clients without a user name are among them. */
  isAnonymous: boolean;
  /** Whether the permissions of connected clients may have changed at all. */
  hasChanged: boolean;
}

/** What commands work with. */
export interface CommandContext {
  readonly accounts: Accounts;
  readonly affected: Affected;
  /** The addresses of the connected clients with a user name, or with any (`null`), by that name. */
  addresses(username: string | null): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Called now and then in a long loop. Resolves when the loop may continue. */
  turn(): Promise<void> | null;
}

/**
 * Executes a command.
 *
 * @returns The `data` of the answer; nothing if it has none.
 * @throws {FieldError} If it cannot be executed. Then nothing has changed.
 */
export type Command = (
  context: CommandContext,
  fields: Fields,
) => Json | void | Promise<Json | void>;

/** @throws {FieldError} If there is no such account. */
export function accountOf({ accounts }: CommandContext, username: string): Account {
  const account = accounts.account(username);
  if (account === undefined) throw new FieldError("Client not found");
  return account;
}

/** @throws {FieldError} If there is no such group. */
export function groupOf({ accounts }: CommandContext, groupname: string): Group {
  const group = accounts.group(groupname);
  if (group === undefined) throw new FieldError("Group not found");
  return group;
}

/** @throws {FieldError} If there is no such role. */
export function roleOf({ accounts }: CommandContext, rolename: string): Role {
  const role = accounts.role(rolename);
  if (role === undefined) throw new FieldError("Role not found");
  return role;
}

/** Makes the clients of an account connect again. */
export function affectAccount({ affected }: CommandContext, username: string): void {
  affected.hasChanged = true;
  affected.usernames.add(username);
}

/** Makes the clients of all members of a group connect again. */
export function affectGroup(context: CommandContext, groupname: string): void {
  const { accounts, affected } = context;
  affected.hasChanged = true;
  if (accounts.settings.anonymousGroup === groupname) affected.isAnonymous = true;
  for (const username of accounts.membersOf(groupname)) affected.usernames.add(username);
}

/** Makes the clients of all accounts with a role, or in a group with it, connect again. */
export function affectRole(context: CommandContext, rolename: string): void {
  const { accounts, affected } = context;
  affected.hasChanged = true;
  for (const username of accounts.accountsWith(rolename)) affected.usernames.add(username);
  for (const groupname of accounts.groupsWith(rolename)) affectGroup(context, groupname);
}

/** The error in place of an answer that is too long. */
export const TOO_LONG = "The answer is too long: ask for less, with count and offset";

/**
 * The part of a list that a command asks for.
 *
 * @param show Formats an entry.
 * @throws {FieldError} If it is too long.
 */
export function listPage(
  names: readonly string[],
  fields: Fields,
  show: (name: string) => unknown,
): { readonly totalCount: number; readonly page: unknown[] } {
  const count = fields.number("count", -1);
  const offset = Math.max(0, fields.number("offset", 0));
  // As in mosquitto, a count of 0 is one.
  const end = count < 0 ? names.length : offset + Math.max(1, count);
  const isVerbose = fields.flag("verbose", false);
  const page = names.slice(offset, end);
  if (isVerbose && page.length > VERBOSE_LIST_MAX) throw new FieldError(TOO_LONG);
  return { totalCount: names.length, page: isVerbose ? page.map(show) : page };
}
