/** Commands about the default access, and about everything. */
import type { Command } from "./command.ts";
import { FieldError, type Fields } from "./fields.ts";
import { type Action, ACTIONS } from "./model.ts";

/** What a list of default accesses may repeat. */
const LIST_MAX = 64;

export const setDefaultACLAccess: Command = ({ accounts, affected }, fields) => {
  const list = fields.list("acls", LIST_MAX);
  if (list === null) throw new FieldError("Invalid/missing acls");
  const defaultAccess: Record<Action, boolean> = { ...accounts.settings.defaultAccess };
  for (const one of list) {
    const given = one.get("acltype");
    const [action, allow] = [actionOf(given), allowOf(one)];
    if (action === null) throw new FieldError("Unknown acltype");
    if (allow === null) throw new FieldError("Invalid/missing allow");
    defaultAccess[action] = allow;
  }
  accounts.setSettings({ ...accounts.settings, defaultAccess });
  affected.hasChanged = true;
};

export const getDefaultACLAccess: Command = ({ accounts }) => ({
  acls: ACTIONS.map((acltype) => ({ acltype, allow: accounts.settings.defaultAccess[acltype] })),
});

export const getDetails: Command = ({ accounts }) => ({
  clientCount: accounts.usernames.length,
  groupCount: accounts.groupnames.length,
  roleCount: accounts.rolenames.length,
  changeIndex: accounts.settings.changeIndex,
});

function actionOf(given: unknown): Action | null {
  if (typeof given !== "string") return null;
  return ACTIONS.find((known) => known.toLowerCase() === given.toLowerCase()) ?? null;
}

/** mosquitto_ctrl of 2.0 says `"access": "deny"`, which mosquitto itself does not understand. */
function allowOf(fields: Fields): boolean | null {
  const [allow, access] = [fields.get("allow"), fields.get("access")];
  if (typeof allow === "boolean") return allow;
  return access === "allow" || access === "deny" ? access === "allow" : null;
}
