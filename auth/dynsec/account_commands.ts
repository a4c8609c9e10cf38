/** Commands about accounts, which mosquitto calls clients. */
import { hashPassword, type PasswordHash } from "../password_hash.ts";
import {
  accountOf,
  affectAccount,
  type Command,
  type CommandContext,
  groupOf,
  listPage,
  roleOf,
} from "./command.ts";
import {
  type Json,
  readGroups,
  readName,
  readRoles,
  readTexts,
  showAccount,
  USUAL_PRIORITY,
} from "./document.ts";
import { FieldError, type Fields } from "./fields.ts";
import {
  ACCOUNTS_MAX,
  NAME_CHARS_MAX,
  PASSWORD_CHARS_MAX,
  ROLES_PER_HOLDER_MAX,
} from "./limits.ts";
import { type Account, type Membership, roleOrder, type RoleUse } from "./model.ts";

/** Iterations of PBKDF2 for new passwords, as mosquitto 2.1 has them. */
const ITERATIONS = 1000;

const encoder = new TextEncoder();

export const createClient: Command = async (context, fields) => {
  const { accounts } = context;
  const username = readName(fields, "username");
  const password = fields.optionalText("password", PASSWORD_CHARS_MAX);
  const clientId = fields.optionalText("clientid", NAME_CHARS_MAX) || null;
  const texts = readTexts(fields);
  if (accounts.account(username) !== undefined) throw new FieldError("Client already exists");
  if (accounts.usernames.length >= ACCOUNTS_MAX) {
    throw new FieldError(`Too many clients: at most ${ACCOUNTS_MAX}`);
  }
  const roles = knownRoles(context, fields) ?? [];
  const groups = knownGroups(context, fields) ?? [];
  const hash = password === null ? null : await hashOf(password);
  const isDisabled = false;
  accounts.setAccount({ username, clientId, ...texts, isDisabled, password: hash, roles, groups });
};

export const deleteClient: Command = (context, fields) => {
  const { username } = named(context, fields);
  affectAccount(context, username);
  context.accounts.removeAccount(username);
};

export const setClientId: Command = (context, fields) => {
  const clientId = fields.optionalText("clientid", NAME_CHARS_MAX) || null;
  replace(context, { ...named(context, fields), clientId });
};

export const setClientPassword: Command = async (context, fields) => {
  const username = fields.text("username", NAME_CHARS_MAX);
  const password = fields.text("password", PASSWORD_CHARS_MAX);
  if (password === "") throw new FieldError("Empty password is not allowed");
  const account = accountOf(context, username);
  replace(context, { ...account, password: await hashOf(password) });
};

export const modifyClient: Command = async (context, fields) => {
  const account = named(context, fields);
  const clientId = fields.optionalText("clientid", NAME_CHARS_MAX);
  const password = fields.optionalText("password", PASSWORD_CHARS_MAX) || null;
  const { textName, textDescription } = readTexts(fields);
  const roles = knownRoles(context, fields);
  const groups = knownGroups(context, fields);
  replace(context, {
    ...account,
    clientId: clientId === null ? account.clientId : clientId || null,
    textName: textName ?? account.textName,
    textDescription: textDescription ?? account.textDescription,
    password: password === null ? account.password : await hashOf(password),
    roles: roles ?? account.roles,
    groups: groups ?? account.groups,
  });
};

export const enableClient: Command = (context, fields) => {
  context.accounts.setAccount({ ...named(context, fields), isDisabled: false });
};

export const disableClient: Command = (context, fields) => {
  replace(context, { ...named(context, fields), isDisabled: true });
};

export const getClient: Command = async (context, fields) => {
  const { username } = named(context, fields);
  const addresses = await context.addresses(username);
  return { client: withConnections(addresses, named(context, fields)) };
};

export const listClients: Command = async (context, fields) => {
  const { accounts } = context;
  const isVerbose = fields.flag("verbose", false);
  const addresses = isVerbose ? await context.addresses(null) : new Map();
  const show = (username: string) => withConnections(addresses, accounts.account(username)!);
  const { totalCount, page } = listPage(accounts.usernames, fields, show);
  return { totalCount, clients: page };
};

export const addClientRole: Command = (context, fields) => {
  const account = named(context, fields);
  const rolename = fields.text("rolename", NAME_CHARS_MAX);
  const priority = fields.priority(USUAL_PRIORITY);
  roleOf(context, rolename);
  replace(context, { ...account, roles: withRole(account.roles, { rolename, priority }) });
};

export const removeClientRole: Command = (context, fields) => {
  const account = named(context, fields);
  const rolename = fields.text("rolename", NAME_CHARS_MAX);
  roleOf(context, rolename);
  const roles = account.roles.filter((use) => use.rolename !== rolename);
  replace(context, { ...account, roles });
};

/**
 * Adds a role to a list.
 *
 * @throws {FieldError} If it is there already, or the list is full.
 */
export function withRole(roles: readonly RoleUse[], role: RoleUse): RoleUse[] {
  if (roles.some(({ rolename }) => rolename === role.rolename)) {
    throw new FieldError("It has this role already");
  }
  if (roles.length >= ROLES_PER_HOLDER_MAX) {
    throw new FieldError(`Too many roles: at most ${ROLES_PER_HOLDER_MAX}`);
  }
  return [...roles, role].sort(roleOrder);
}

/**
 * The roles that a command lists; `null` if it lists none.
 *
 * @throws {FieldError} If one does not exist.
 */
export function knownRoles(context: CommandContext, fields: Fields): RoleUse[] | null {
  const roles = readRoles(fields);
  for (const { rolename } of roles ?? []) roleOf(context, rolename);
  return roles;
}

function knownGroups(context: CommandContext, fields: Fields): Membership[] | null {
  const groups = readGroups(fields);
  for (const { groupname } of groups ?? []) groupOf(context, groupname);
  return groups;
}

function named(context: CommandContext, fields: Fields): Account {
  return accountOf(context, fields.text("username", NAME_CHARS_MAX));
}

/** Replaces an account, whose clients have to connect again. */
function replace(context: CommandContext, account: Account): void {
  context.accounts.setAccount(account);
  affectAccount(context, account.username);
}

function withConnections(
  addresses: ReadonlyMap<string, readonly string[]>,
  account: Account,
): Json {
  const own = addresses.get(account.username) ?? [];
  return { ...showAccount(account), connections: own.map((address) => ({ address })) };
}

function hashOf(password: string): Promise<PasswordHash> {
  return hashPassword(encoder.encode(password), "sha512-pbkdf2", ITERATIONS);
}
