/**
 * The records of dynamic security: accounts, groups, roles and their ACLs. They are immutable: a
 * change replaces the whole record.
 *
 * @module
 */
import type { PasswordHash } from "../password_hash.ts";
import { PRIORITY_MAX } from "./limits.ts";

/** The types of ACLs, in the order in which mosquitto lists them. */
export const ACL_TYPES = [
  "publishClientSend",
  "publishClientReceive",
  "subscribeLiteral",
  "subscribePattern",
  "unsubscribeLiteral",
  "unsubscribePattern",
] as const;

/** The type of an ACL. */
export type AclType = typeof ACL_TYPES[number];

/** What {@linkcode DefaultAccess} distinguishes. */
export const ACTIONS = [
  "publishClientSend",
  "publishClientReceive",
  "subscribe",
  "unsubscribe",
] as const;

/** Something that a client does. */
export type Action = typeof ACTIONS[number];

/** The default access: whether an action without a matching ACL is allowed. */
export type DefaultAccess = Readonly<Record<Action, boolean>>;

/** The default access of a new file of mosquitto. */
export const INITIAL_ACCESS: DefaultAccess = {
  publishClientSend: false,
  publishClientReceive: true,
  subscribe: false,
  unsubscribe: true,
};

/** One rule of a role. */
export interface Acl {
  readonly type: AclType;
  /** A topic filter; in all types but the literal ones with `%u` and `%c` for the client's names. */
  readonly topic: string;
  readonly priority: number;
  readonly allow: boolean;
}

/** A name and a description for people; `null` for none. */
export interface Described {
  readonly textName: string | null;
  readonly textDescription: string | null;
}

/** A set of rules. */
export interface Role extends Described {
  readonly rolename: string;
  /** Whether its holders may subscribe to filters with wildcards at all. */
  readonly allowsWildcards: boolean;
  /** In the order of {@linkcode orderAcls}; no two of one type have the same topic. */
  readonly acls: readonly Acl[];
}

/** A role of an account or a group. */
export interface RoleUse {
  readonly rolename: string;
  readonly priority: number;
}

/** A group of accounts, which have its roles. */
export interface Group extends Described {
  readonly groupname: string;
  /** In the order of {@linkcode byPriority}. */
  readonly roles: readonly RoleUse[];
}

/** The membership of an account in a group. */
export interface Membership {
  readonly groupname: string;
  readonly priority: number;
}

/** An account, whose clients may connect; mosquitto calls it a client. */
export interface Account extends Described {
  readonly username: string;
  /** The only client identifier that it may use; `null` for any. */
  readonly clientId: string | null;
  readonly isDisabled: boolean;
  /** `null` for none: then nobody can log in. */
  readonly password: PasswordHash | null;
  /** In the order of {@linkcode byPriority}. */
  readonly roles: readonly RoleUse[];
  /** In the order of {@linkcode byPriority}. */
  readonly groups: readonly Membership[];
}

/** Everything besides accounts, groups and roles. */
export interface SecuritySettings {
  readonly defaultAccess: DefaultAccess;
  /** The group whose roles clients without a user name have; `null` for none. */
  readonly anonymousGroup: string | null;
  /** Counts the messages that have changed something. */
  readonly changeIndex: number;
}

/** The settings of a new file of mosquitto. */
export const INITIAL_SETTINGS: SecuritySettings = {
  defaultAccess: INITIAL_ACCESS,
  anonymousGroup: null,
  changeIndex: 0,
};

/** The nearest priority that is allowed. */
export function withinPriorities(priority: number): number {
  return Math.max(-PRIORITY_MAX, Math.min(PRIORITY_MAX, Math.trunc(priority)));
}

/** Orders by priority, the highest first, and then by name. */
function byPriority<T extends { readonly priority: number }>(
  nameOf: (one: T) => string,
): (one: T, other: T) => number {
  return (one, other) => other.priority - one.priority || compareNames(nameOf(one), nameOf(other));
}

/** The order of role uses. */
export const roleOrder = byPriority<RoleUse>(({ rolename }) => rolename);
/** The order of memberships. */
export const groupOrder = byPriority<Membership>(({ groupname }) => groupname);

/** Orders ACLs by type, then by priority, the highest first; otherwise the first one stays first. */
export function orderAcls(acls: readonly Acl[]): Acl[] {
  const place = (acl: Acl) => ACL_TYPES.indexOf(acl.type);
  return acls.toSorted((one, other) => place(one) - place(other) || other.priority - one.priority);
}

/** The order of names in lists. */
export function compareNames(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
