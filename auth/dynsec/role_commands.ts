/** Commands about roles and their ACLs. */
import { affectRole, type Command, type CommandContext, listPage, roleOf } from "./command.ts";
import { readAcl, readAcls, readName, readTexts, showRole } from "./document.ts";
import { FieldError, type Fields } from "./fields.ts";
import { NAME_CHARS_MAX, ROLE_ACLS_MAX, ROLES_MAX } from "./limits.ts";
import { type Account, type Acl, type Group, orderAcls, type Role } from "./model.ts";

export const createRole: Command = ({ accounts }, fields) => {
  const rolename = readName(fields, "rolename");
  const texts = readTexts(fields);
  const allowsWildcards = fields.flag("allowwildcardsubs", true);
  if (accounts.role(rolename) !== undefined) throw new FieldError("Role already exists");
  if (accounts.rolenames.length >= ROLES_MAX) {
    throw new FieldError(`Too many roles: at most ${ROLES_MAX}`);
  }
  accounts.setRole({ rolename, ...texts, allowsWildcards, acls: readAcls(fields) ?? [] });
};

export const deleteRole: Command = async (context, fields) => {
  const { accounts } = context;
  const { rolename } = named(context, fields);
  affectRole(context, rolename);
  // From now on the name means nothing to those that still have it.
  accounts.removeRole(rolename);
  for (const groupname of [...accounts.groupsWith(rolename)]) {
    accounts.setGroup(without(accounts.group(groupname)!, rolename));
    await context.turn();
  }
  for (const username of [...accounts.accountsWith(rolename)]) {
    accounts.setAccount(without(accounts.account(username)!, rolename));
    await context.turn();
  }
};

export const modifyRole: Command = (context, fields) => {
  const { accounts } = context;
  const rolename = fields.text("rolename", NAME_CHARS_MAX);
  const role = accounts.role(rolename);
  if (role === undefined) throw new FieldError("Role does not exist");
  const { textName, textDescription } = readTexts(fields);
  const acls = readAcls(fields);
  const allowsWildcards = fields.flag("allowwildcardsubs", role.allowsWildcards);
  accounts.setRole({
    rolename,
    textName: textName ?? role.textName,
    textDescription: textDescription ?? role.textDescription,
    allowsWildcards,
    acls: acls ?? role.acls,
  });
  if (acls !== null || allowsWildcards !== role.allowsWildcards) affectRole(context, rolename);
};

export const getRole: Command = (context, fields) => ({ role: showRole(named(context, fields)) });

export const listRoles: Command = ({ accounts }, fields) => {
  const show = (rolename: string) => showRole(accounts.role(rolename)!);
  const { totalCount, page } = listPage(accounts.rolenames, fields, show);
  return { totalCount, roles: page };
};

export const addRoleACL: Command = (context, fields) => {
  const role = named(context, fields);
  const acl = readAcl(fields);
  if (role.acls.some((known) => isSame(known, acl))) {
    throw new FieldError("ACL with this topic already exists");
  }
  if (role.acls.length >= ROLE_ACLS_MAX) {
    throw new FieldError(`Too many ACLs of one role: at most ${ROLE_ACLS_MAX}`);
  }
  context.accounts.setRole({ ...role, acls: orderAcls([...role.acls, acl]) });
  affectRole(context, role.rolename);
};

export const removeRoleACL: Command = (context, fields) => {
  const role = named(context, fields);
  const gone = { type: fields.aclType(), topic: fields.aclTopic() };
  const acls = role.acls.filter((known) => !isSame(known, gone));
  if (acls.length === role.acls.length) throw new FieldError("ACL not found");
  context.accounts.setRole({ ...role, acls });
  affectRole(context, role.rolename);
};

function isSame(one: Pick<Acl, "type" | "topic">, other: Pick<Acl, "type" | "topic">): boolean {
  return one.type === other.type && one.topic === other.topic;
}

function without<T extends Account | Group>(holder: T, rolename: string): T {
  return { ...holder, roles: holder.roles.filter((use) => use.rolename !== rolename) };
}

function named(context: CommandContext, fields: Fields): Role {
  return roleOf(context, fields.text("rolename", NAME_CHARS_MAX));
}
