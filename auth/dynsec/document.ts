/**
 * Accounts, groups and roles as JSON, as mosquitto writes them to its file and into answers. Rows
 * of the store have the same form.
 *
 * @module
 */
import { formatPasswordHash, parsePasswordHash, type PasswordHash } from "../password_hash.ts";
import type { Accounts } from "./accounts.ts";
import { FieldError, Fields } from "./fields.ts";
import {
  GROUPS_PER_ACCOUNT_MAX,
  NAME_CHARS_MAX,
  ROLE_ACLS_MAX,
  ROLES_PER_HOLDER_MAX,
  TEXT_CHARS_MAX,
} from "./limits.ts";
import {
  type Account,
  type Acl,
  ACTIONS,
  type DefaultAccess,
  type Described,
  type Group,
  groupOrder,
  INITIAL_ACCESS,
  type Membership,
  orderAcls,
  type Role,
  roleOrder,
  type RoleUse,
} from "./model.ts";

/** The priority of roles and groups that is not written. */
export const USUAL_PRIORITY = -1;
/** The priority of an ACL that has none. */
const ACL_PRIORITY = 0;

/** A JSON object. */
export type Json = Record<string, unknown>;

/** An account as an answer shows it: without its password. */
export function showAccount(account: Account): Json {
  const { username, clientId, isDisabled, roles, groups } = account;
  return {
    username,
    ...clientId === null ? {} : { clientid: clientId },
    ...showTexts(account),
    ...isDisabled ? { disabled: true } : {},
    roles: roles.map(showPriority),
    groups: groups.map(showPriority),
  };
}

/** An account as it is stored, with the hash of its password. */
export function writeAccount(account: Account): Json {
  const { password } = account;
  const encoded = password === null ? {} : { encoded_password: formatPasswordHash(password) };
  return { ...showAccount(account), ...encoded };
}

/** A group. Its members are listed if `accounts` has them. */
export function showGroup(group: Group, accounts: Accounts | null): Json {
  const { groupname, roles } = group;
  const members = accounts === null ? {} : {
    clients: [...accounts.membersOf(groupname)].sort().map((username) => ({ username })),
  };
  return { groupname, ...showTexts(group), ...members, roles: roles.map(showPriority) };
}

/** A role with its ACLs. */
export function showRole(role: Role): Json {
  const { rolename, allowsWildcards, acls } = role;
  return {
    rolename,
    ...showTexts(role),
    allowwildcardsubs: allowsWildcards,
    acls: acls.map(({ type, topic, priority, allow }) => ({
      acltype: type,
      topic,
      priority,
      allow,
    })),
  };
}

/** Reads a name and a description. */
export function readTexts(fields: Fields): Described {
  return {
    textName: fields.optionalText("textname", TEXT_CHARS_MAX),
    textDescription: fields.optionalText("textdescription", TEXT_CHARS_MAX),
  };
}

/**
 * Reads the roles of an account or a group. Of several with one name, the first counts.
 *
 * @returns `null` if there is no such list.
 * @throws {FieldError} If the list is faulty.
 */
export function readRoles(fields: Fields): RoleUse[] | null {
  const list = fields.list("roles", ROLES_PER_HOLDER_MAX);
  const uses = list?.map((use) => ({
    rolename: use.text("rolename", NAME_CHARS_MAX),
    priority: use.priority(USUAL_PRIORITY),
  }));
  return uses === undefined ? null : firsts(uses, ({ rolename }) => rolename).sort(roleOrder);
}

/** Reads the groups of an account, as {@linkcode readRoles}. */
export function readGroups(fields: Fields): Membership[] | null {
  const list = fields.list("groups", GROUPS_PER_ACCOUNT_MAX);
  const groups = list?.map((group) => ({
    groupname: group.text("groupname", NAME_CHARS_MAX),
    priority: group.priority(USUAL_PRIORITY),
  }));
  return groups === undefined
    ? null
    : firsts(groups, ({ groupname }) => groupname).sort(groupOrder);
}

/** Reads one ACL. */
export function readAcl(fields: Fields): Acl {
  return {
    type: fields.aclType(),
    topic: fields.aclTopic(),
    priority: fields.priority(ACL_PRIORITY),
    allow: fields.flag("allow", false),
  };
}

/** Reads the ACLs of a role, as {@linkcode readRoles}. */
export function readAcls(fields: Fields): Acl[] | null {
  const acls = fields.list("acls", ROLE_ACLS_MAX)?.map(readAcl);
  if (acls === undefined) return null;
  return orderAcls(firsts(acls, ({ type, topic }) => `${type} ${topic}`));
}

/**
 * Reads an account of a file or a row.
 *
 * @throws {FieldError} If it is faulty, without what may be a secret.
 */
export function readAccount(fields: Fields): Account {
  const username = readName(fields, "username");
  return {
    username,
    clientId: fields.optionalText("clientid", NAME_CHARS_MAX) || null,
    ...readTexts(fields),
    isDisabled: fields.flag("disabled", false),
    password: readPassword(fields),
    roles: readRoles(fields) ?? [],
    groups: readGroups(fields) ?? [],
  };
}

/** Reads a group of a file or a row, without its members. */
export function readGroup(fields: Fields): Group {
  const groupname = readName(fields, "groupname");
  return { groupname, ...readTexts(fields), roles: readRoles(fields) ?? [] };
}

/** Reads a role of a file or a row. */
export function readRole(fields: Fields): Role {
  const rolename = readName(fields, "rolename");
  return {
    rolename,
    ...readTexts(fields),
    allowsWildcards: fields.flag("allowwildcardsubs", true),
    acls: readAcls(fields) ?? [],
  };
}

/** Reads the default access of a file or a row. */
export function readDefaultAccess(value: unknown): DefaultAccess {
  const fields = Fields.of(value);
  if (fields === null) return INITIAL_ACCESS;
  const access = { ...INITIAL_ACCESS };
  for (const action of ACTIONS) {
    access[action] = fields.flag(action.toLowerCase(), INITIAL_ACCESS[action]);
  }
  return access;
}

/**
 * Reads a name that must not be empty.
 *
 * @throws {FieldError} If it is.
 */
export function readName(fields: Fields, field: string): string {
  const name = fields.text(field, NAME_CHARS_MAX);
  if (name === "") throw new FieldError(`Empty ${field}`);
  return name;
}

/** The hash of a password, as mosquitto 2.0 writes it (three fields) or 2.1 (one). */
function readPassword(fields: Fields): PasswordHash | null {
  const encoded = fields.get("encoded_password");
  const [password, salt] = [fields.get("password"), fields.get("salt")];
  const iterations = fields.get("iterations");
  const isOld = typeof password === "string" && typeof salt === "string";
  if (encoded === undefined && !isOld) return null;
  const text = encoded ?? `$7$${iterations}$${salt}$${password}`;
  const hash = typeof text === "string" ? parsePasswordHash(text) : "it is not a text";
  if (typeof hash === "string") throw new FieldError(`Cannot use the password: ${hash}`);
  return hash;
}

function showTexts({ textName, textDescription }: Described): Json {
  return {
    ...textName === null ? {} : { textname: textName },
    ...textDescription === null ? {} : { textdescription: textDescription },
  };
}

/** The usual priority is not written. */
function showPriority<T extends { readonly priority: number }>({ priority, ...named }: T): Json {
  return priority === USUAL_PRIORITY ? named : { ...named, priority };
}

/** Those whose name was not there before. */
function firsts<T>(list: readonly T[], nameOf: (one: T) => string): T[] {
  const names = new Set<string>();
  return list.filter((one) => {
    const name = nameOf(one);
    const isFirst = !names.has(name);
    names.add(name);
    return isFirst;
  });
}
