/** Commands about groups. */
import { knownRoles, withRole } from "./account_commands.ts";
import {
  accountOf,
  affectAccount,
  affectGroup,
  type Command,
  type CommandContext,
  groupOf,
  listPage,
  roleOf,
} from "./command.ts";
import { readName, readTexts, showGroup, USUAL_PRIORITY } from "./document.ts";
import { FieldError, type Fields } from "./fields.ts";
import { ACCOUNTS_MAX, GROUPS_MAX, GROUPS_PER_ACCOUNT_MAX, NAME_CHARS_MAX } from "./limits.ts";
import { type Group, groupOrder, type Membership } from "./model.ts";

export const createGroup: Command = (context, fields) => {
  const { accounts } = context;
  const groupname = readName(fields, "groupname");
  const texts = readTexts(fields);
  if (accounts.group(groupname) !== undefined) throw new FieldError("Group already exists");
  if (accounts.groupnames.length >= GROUPS_MAX) {
    throw new FieldError(`Too many groups: at most ${GROUPS_MAX}`);
  }
  accounts.setGroup({ groupname, ...texts, roles: knownRoles(context, fields) ?? [] });
};

export const deleteGroup: Command = async (context, fields) => {
  const { accounts } = context;
  const { groupname } = named(context, fields);
  if (accounts.settings.anonymousGroup === groupname) {
    throw new FieldError("Deleting the anonymous group is forbidden");
  }
  affectGroup(context, groupname);
  accounts.removeGroup(groupname);
  for (const username of [...accounts.membersOf(groupname)]) {
    leave(context, username, groupname);
    await context.turn();
  }
};

export const modifyGroup: Command = async (context, fields) => {
  const { accounts } = context;
  const group = named(context, fields);
  const { groupname } = group;
  const { textName, textDescription } = readTexts(fields);
  const roles = knownRoles(context, fields) ?? group.roles;
  const members = readMembers(context, fields, groupname);
  affectGroup(context, groupname);
  accounts.setGroup({
    groupname,
    textName: textName ?? group.textName,
    textDescription: textDescription ?? group.textDescription,
    roles,
  });
  if (members === null) return;
  for (const username of [...accounts.membersOf(groupname)]) {
    leave(context, username, groupname);
    await context.turn();
  }
  for (const [username, priority] of members) {
    enter(context, username, { groupname, priority });
    await context.turn();
  }
  affectGroup(context, groupname);
};

export const getGroup: Command = (context, fields) => ({
  group: showGroup(named(context, fields), context.accounts),
});

export const listGroups: Command = ({ accounts }, fields) => {
  const show = (groupname: string) => showGroup(accounts.group(groupname)!, accounts);
  const { totalCount, page } = listPage(accounts.groupnames, fields, show);
  return { totalCount, groups: page };
};

export const addGroupRole: Command = (context, fields) => {
  const group = named(context, fields);
  const rolename = fields.text("rolename", NAME_CHARS_MAX);
  const priority = fields.priority(USUAL_PRIORITY);
  roleOf(context, rolename);
  const roles = withRole(group.roles, { rolename, priority });
  context.accounts.setGroup({ ...group, roles });
  affectGroup(context, group.groupname);
};

export const removeGroupRole: Command = (context, fields) => {
  const group = named(context, fields);
  const rolename = fields.text("rolename", NAME_CHARS_MAX);
  roleOf(context, rolename);
  const roles = group.roles.filter((use) => use.rolename !== rolename);
  context.accounts.setGroup({ ...group, roles });
  affectGroup(context, group.groupname);
};

export const addGroupClient: Command = (context, fields) => {
  const { username } = accountOf(context, fields.text("username", NAME_CHARS_MAX));
  const { groupname } = named(context, fields);
  const priority = fields.priority(USUAL_PRIORITY);
  if (context.accounts.membersOf(groupname).has(username)) {
    throw new FieldError("Client is already in this group");
  }
  checkRoom(context, username, groupname);
  enter(context, username, { groupname, priority });
  affectAccount(context, username);
};

export const removeGroupClient: Command = (context, fields) => {
  const { username } = accountOf(context, fields.text("username", NAME_CHARS_MAX));
  const { groupname } = named(context, fields);
  leave(context, username, groupname);
  affectAccount(context, username);
};

export const setAnonymousGroup: Command = (context, fields) => {
  const { accounts, affected } = context;
  const { groupname } = named(context, fields);
  accounts.setSettings({ ...accounts.settings, anonymousGroup: groupname });
  affected.hasChanged = affected.isAnonymous = true;
};

export const getAnonymousGroup: Command = ({ accounts }) => ({
  group: { groupname: accounts.settings.anonymousGroup ?? "" },
});

/**
 * The members that a command lists, with their priorities; `null` if it lists none.
 *
 * @throws {FieldError} If one does not exist, or is in too many groups.
 */
function readMembers(
  context: CommandContext,
  fields: Fields,
  groupname: string,
): Map<string, number> | null {
  const list = fields.list("clients", ACCOUNTS_MAX);
  if (list === null) return null;
  const members = new Map<string, number>();
  for (const one of list) {
    const { username } = accountOf(context, one.text("username", NAME_CHARS_MAX));
    checkRoom(context, username, groupname);
    if (!members.has(username)) members.set(username, one.priority(USUAL_PRIORITY));
  }
  return members;
}

function checkRoom(context: CommandContext, username: string, groupname: string): void {
  const { groups } = accountOf(context, username);
  const others = groups.filter((group) => group.groupname !== groupname);
  if (others.length < GROUPS_PER_ACCOUNT_MAX) return;
  throw new FieldError(`Too many groups of one client: at most ${GROUPS_PER_ACCOUNT_MAX}`);
}

function enter({ accounts }: CommandContext, username: string, membership: Membership): void {
  const account = accounts.account(username)!;
  const groups = [...account.groups, membership].sort(groupOrder);
  accounts.setAccount({ ...account, groups });
}

function leave({ accounts }: CommandContext, username: string, groupname: string): void {
  const account = accounts.account(username)!;
  const groups = account.groups.filter((group) => group.groupname !== groupname);
  accounts.setAccount({ ...account, groups });
}

function named(context: CommandContext, fields: Fields): Group {
  return groupOf(context, fields.text("groupname", NAME_CHARS_MAX));
}
