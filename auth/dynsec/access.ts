/**
 * Decides what a client may do: the roles of its account first, then those of its groups, each by
 * priority; in a role the ACL with the highest priority that matches. Without one, the default
 * access counts.
 *
 * @module
 */
import { hasWildcard, matchesFilter } from "../../router/topic.ts";
import { coversFilter, expandNames } from "../topic_acl.ts";
import type { ClientInfo } from "../authenticator.ts";
import type { Accounts } from "./accounts.ts";
import type { Acl, AclType, Action, Role, RoleUse } from "./model.ts";

/** The names of a client, as far as they count. */
export type ClientNames = Pick<ClientInfo, "username" | "clientId">;

/** The default access never allows anything below it: that takes an ACL. */
const CONTROL_PREFIX = "$CONTROL";

/** The ACLs of a role, by type. */
interface RuleSet {
  readonly lists: Readonly<Partial<Record<AclType, readonly Acl[]>>>;
  /** Whether a literal topic is allowed, by type and topic. */
  readonly literals: ReadonlyMap<string, boolean>;
}

/** Derived once for each role: a role never changes, it is replaced. */
const ruleSets = new WeakMap<Role, RuleSet>();

/**
 * Decides whether a client may do something.
 *
 * @param topic The topic, or the filter of a subscription, without `$share/…`.
 * @returns `null` if nothing here decides: then other rules do, and without any it is refused.
 */
export function decide(
  accounts: Accounts,
  client: ClientNames,
  action: Action,
  topic: string,
): boolean | null {
  const { username } = client;
  const { defaultAccess, anonymousGroup } = accounts.settings;
  let verdict: boolean | null = null;
  if (username !== null) {
    const account = accounts.account(username);
    if (account === undefined) return null;
    verdict = askRoles(accounts, account.roles, client, action, topic);
    for (const { groupname } of account.groups) {
      if (verdict !== null) break;
      verdict = askGroup(accounts, groupname, client, action, topic);
    }
  } else if (anonymousGroup !== null) {
    verdict = askGroup(accounts, anonymousGroup, client, action, topic);
  }
  if (verdict !== null) return verdict;
  return defaultAccess[action] && !topic.startsWith(CONTROL_PREFIX) ? true : null;
}

function askGroup(
  accounts: Accounts,
  groupname: string,
  client: ClientNames,
  action: Action,
  topic: string,
): boolean | null {
  const group = accounts.group(groupname);
  return group === undefined ? null : askRoles(accounts, group.roles, client, action, topic);
}

function askRoles(
  accounts: Accounts,
  roles: readonly RoleUse[],
  client: ClientNames,
  action: Action,
  topic: string,
): boolean | null {
  for (const { rolename } of roles) {
    const role = accounts.role(rolename);
    const verdict = role === undefined ? null : askRole(role, client, action, topic);
    if (verdict !== null) return verdict;
  }
  return null;
}

function askRole(
  role: Role,
  client: ClientNames,
  action: Action,
  topic: string,
): boolean | null {
  const { lists, literals } = ruleSetOf(role);
  if (action === "publishClientSend" || action === "publishClientReceive") {
    return firstMatch(lists[action], client, (filter) => matchesFilter(filter, topic));
  }
  if (action === "subscribe" && !role.allowsWildcards && hasWildcard(topic)) return false;
  return literals.get(`${action}Literal ${topic}`) ??
    firstMatch(lists[`${action}Pattern`], client, (filter) => coversFilter(filter, topic));
}

/** The verdict of the first ACL that matches. */
function firstMatch(
  acls: readonly Acl[] | undefined,
  client: ClientNames,
  matches: (filter: string) => boolean,
): boolean | null {
  if (acls === undefined) return null;
  for (const { topic, allow } of acls) {
    if (!topic.includes("%")) {
      if (matches(topic)) return allow;
      continue;
    }
    const filter = filterFor(topic, client);
    // A name that would change the filter must neither widen a permission nor evade a ban.
    if (filter === null && !allow) return false;
    if (filter !== null && filter !== "" && matches(filter)) return allow;
  }
  return null;
}

/**
 * Fills in the names of a client.
 *
 * @returns `""` if the client does not have the name; `null` if its name cannot be used.
 */
function filterFor(topic: string, client: ClientNames): string | null {
  if (topic.includes("%u") && (client.username ?? "") === "") return "";
  return expandNames(topic, client);
}

function ruleSetOf(role: Role): RuleSet {
  let set = ruleSets.get(role);
  if (set === undefined) ruleSets.set(role, set = newRuleSet(role));
  return set;
}

function newRuleSet({ acls }: Role): RuleSet {
  const literals = new Map<string, boolean>();
  for (const { type, topic, allow } of acls) {
    if (type.endsWith("Literal")) literals.set(`${type} ${topic}`, allow);
  }
  return { lists: Object.groupBy(acls, ({ type }) => type), literals };
}
