/** Imports the file of mosquitto's plugin, once. From then on, only the store counts. */
import type { Accounts } from "./accounts.ts";
import { readAccount, readDefaultAccess, readGroup, readRole, USUAL_PRIORITY } from "./document.ts";
import { FieldError, Fields } from "./fields.ts";
import {
  ACCOUNTS_MAX,
  GROUPS_MAX,
  GROUPS_PER_ACCOUNT_MAX,
  NAME_CHARS_MAX,
  ROLES_MAX,
} from "./limits.ts";
import { groupOrder } from "./model.ts";

/** The maximum number of faults of a file that are listed; the others are counted. */
const FAULTS_TOLD_MAX = 20;

/** The result of an import. */
export interface ImportedAccounts {
  /** How many accounts. */
  readonly accounts: number;
  /** How many groups. */
  readonly groups: number;
  /** How many roles. */
  readonly roles: number;
  /** The parts that were left out, one line each. */
  readonly faults: readonly string[];
}

/**
 * Reads a file into accounts that are empty. Parts that mosquitto would leave out are left out, and
 * reported.
 *
 * @throws {FieldError} If it is no such file at all, or too large.
 */
export async function importDocument(
  accounts: Accounts,
  text: string,
  turn: () => Promise<void> | null,
): Promise<ImportedAccounts> {
  const document = parse(text);
  const faults = new Faults();
  for (const [at, fields] of listOf(document, "roles", ROLES_MAX)) {
    faults.guard(`roles[${at}]`, () => accounts.setRole(readRole(fields)));
    await turn();
  }
  for (const [at, fields] of listOf(document, "clients", ACCOUNTS_MAX)) {
    faults.guard(`clients[${at}]`, () => takeAccount(accounts, fields, faults));
    await turn();
  }
  for (const [at, fields] of listOf(document, "groups", GROUPS_MAX)) {
    faults.guard(`groups[${at}]`, () => accounts.setGroup(readGroup(fields)));
    for (const [place, member] of listOf(fields, "clients", ACCOUNTS_MAX)) {
      faults.guard(
        `groups[${at}].clients[${place}]`,
        () => takeMember(accounts, fields.text("groupname", NAME_CHARS_MAX), member),
      );
      await turn();
    }
  }
  takeSettings(accounts, document, faults);
  tellUnknown(accounts, faults);
  return {
    accounts: accounts.usernames.length,
    groups: accounts.groupnames.length,
    roles: accounts.rolenames.length,
    faults: faults.lines,
  };
}

class Faults {
  readonly #lines: string[] = [];
  #more = 0;

  get lines(): readonly string[] {
    return this.#more === 0 ? this.#lines : [...this.#lines, `and ${this.#more} more faults`];
  }

  add(where: string, text: string): void {
    if (this.#lines.length < FAULTS_TOLD_MAX) this.#lines.push(`${where}: ${text}`);
    else this.#more++;
  }

  /** Calls a function, and reports its fault instead of throwing it. */
  guard(where: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      this.add(where, error.message);
    }
  }
}

function parse(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The message quotes the file, which has hashes of passwords.
    const [where = ""] = / at position \d+| at line \d+/.exec(String(error)) ?? [];
    throw new FieldError(`it is not JSON${where}`, { cause: null });
  }
  const document = Fields.of(value);
  if (document === null) throw new FieldError("it is not a JSON object");
  return document;
}

/** The objects of a list with their places, one at a time: other things are left out. */
function* listOf(
  fields: Fields,
  name: string,
  max: number,
): Generator<readonly [number, Fields], void, void> {
  const list = fields.get(name) ?? [];
  if (!Array.isArray(list)) throw new FieldError(`"${name}" is not an array`);
  if (list.length > max) throw new FieldError(`"${name}" has more than ${max} entries`);
  for (const [at, value] of list.entries()) {
    const one = Fields.of(value);
    if (one !== null) yield [at, one];
  }
}

/** An account whose password cannot be used stays, and nobody can log in until it gets another. */
function takeAccount(accounts: Accounts, fields: Fields, faults: Faults): void {
  const username = fields.text("username", NAME_CHARS_MAX);
  if (accounts.account(username) !== undefined) throw new FieldError("Client already exists");
  try {
    accounts.setAccount({ ...readAccount(fields), groups: [] });
  } catch (error) {
    if (!(error instanceof FieldError) || !error.message.startsWith("Cannot use the pass")) {
      throw error;
    }
    accounts.setAccount({ ...readAccount(fields.without(PASSWORD_FIELDS)), groups: [] });
    faults.add(`client "${username}"`, `${error.message}; set it anew with setClientPassword`);
  }
}

const PASSWORD_FIELDS = ["encoded_password", "password", "salt", "iterations"];

function takeMember(accounts: Accounts, groupname: string, member: Fields): void {
  const username = member.text("username", NAME_CHARS_MAX);
  const account = accounts.account(username);
  if (account === undefined) throw new FieldError(`Client not found: "${username}"`);
  if (accounts.membersOf(groupname).has(username)) return;
  if (account.groups.length >= GROUPS_PER_ACCOUNT_MAX) {
    throw new FieldError(`Too many groups of one client: at most ${GROUPS_PER_ACCOUNT_MAX}`);
  }
  const membership = { groupname, priority: member.priority(USUAL_PRIORITY) };
  const groups = [...account.groups, membership].sort(groupOrder);
  accounts.setAccount({ ...account, groups });
}

function takeSettings(accounts: Accounts, document: Fields, faults: Faults): void {
  faults.guard("settings", () => {
    const defaultAccess = readDefaultAccess(document.get("defaultaclaccess"));
    const group = document.optionalText("anonymousgroup", NAME_CHARS_MAX);
    const isKnown = group !== null && accounts.group(group) !== undefined;
    accounts.setSettings({
      ...accounts.settings,
      defaultAccess,
      anonymousGroup: isKnown ? group : null,
    });
    if (group !== null && !isKnown) throw new FieldError(`Group not found: "${group}"`);
  });
}

/** A role that does not exist means nothing; one of that name may be made later. */
function tellUnknown(accounts: Accounts, faults: Faults): void {
  const holders = [
    ...accounts.usernames.map((name) => [`client "${name}"`, accounts.account(name)!] as const),
    ...accounts.groupnames.map((name) => [`group "${name}"`, accounts.group(name)!] as const),
  ];
  for (const [where, { roles }] of holders) {
    for (const { rolename } of roles) {
      if (accounts.role(rolename) === undefined) faults.add(where, `Role not found: "${rolename}"`);
    }
  }
}
