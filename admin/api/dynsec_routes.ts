/**
 * Dynamic security over HTTP: its accounts (which it calls clients), groups and roles. Each change
 * is one of its commands, so the same limits apply, and it is stored before the answer.
 *
 * @module
 */
import type { Accounts } from "../../auth/dynsec/accounts.ts";
import { Answers } from "../../auth/dynsec/commands.ts";
import { showAccount, showGroup, showRole } from "../../auth/dynsec/document.ts";
import { type DynamicSecurity, NOT_STORED } from "../../auth/dynsec/dynamic_security.ts";
import { COMMANDS_PER_MESSAGE_MAX } from "../../auth/dynsec/limits.ts";
import type { Caller } from "../access/caller.ts";
import type { Fields } from "../http/fields.ts";
import { json, noContent } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Call, Route, Schema } from "../http/routes.ts";
import type { ApiParts } from "./api_parts.ts";
import { answerPage, dataSchema, listOf } from "./page.ts";

const PATH = "/api/v1/dynsec";

const TEXTS: Fields = {
  textname: { type: "string", description: "A name for people" },
  textdescription: { type: "string", description: "A description for people" },
};
const ROLES: Fields = {
  roles: { type: "array", description: "Its roles, each with `rolename` and `priority`" },
};

/** A kind of record. */
interface Kind {
  /** The noun in paths and commands, such as `Client`. */
  readonly noun: string;
  /** The field of its name. */
  readonly key: string;
  /** The fields of a new record, without its name. */
  readonly fields: Fields;
  /** Further fields of a change. */
  readonly more: Fields;
  names(accounts: Accounts): readonly string[];
  /** A record as JSON; `null` if there is none of this name. */
  show(accounts: Accounts, name: string): unknown;
}

const KINDS: readonly Kind[] = [{
  noun: "Client",
  key: "username",
  fields: {
    password: { type: "string", description: "Its password; without, nobody can log in" },
    clientid: { type: "string", description: "The only client identifier that it may use" },
    ...TEXTS,
    ...ROLES,
    groups: { type: "array", description: "Its groups, each with `groupname` and `priority`" },
  },
  more: { disabled: { type: "boolean", description: "Whether nobody may log in with it" } },
  names: (accounts) => accounts.usernames,
  show: (accounts, name) => shownBy(showAccount, accounts.account(name)),
}, {
  noun: "Group",
  key: "groupname",
  fields: { ...TEXTS, ...ROLES },
  more: {
    clients: { type: "array", description: "Its members, each with `username` and `priority`" },
  },
  names: (accounts) => accounts.groupnames,
  show: (accounts, name) => shownBy((group) => showGroup(group, accounts), accounts.group(name)),
}, {
  noun: "Role",
  key: "rolename",
  fields: {
    ...TEXTS,
    allowwildcardsubs: {
      type: "boolean",
      description: "Whether subscriptions with wildcards are allowed at all; true without",
    },
    acls: {
      type: "array",
      description: "Its rules, each with `acltype`, `topic`, `priority` and `allow`",
    },
  },
  more: {},
  names: (accounts) => accounts.rolenames,
  show: (accounts, name) => shownBy(showRole, accounts.role(name)),
}];

function shownBy<T>(show: (record: T) => unknown, record: T | undefined): unknown {
  return record === undefined ? null : show(record);
}

/** The parts of the API that they need. */
type DynsecParts = Pick<ApiParts, "operations" | "slices">;

/** The routes. */
export function dynsecRoutes(parts: DynsecParts): Route[] {
  return [...KINDS.flatMap((kind) => routesOf(kind, parts)), commandRoute(parts)];
}

function routesOf(kind: Kind, parts: DynsecParts): Route[] {
  const { noun, key, fields, more } = kind;
  const what = noun.toLowerCase();
  const path = `${PATH}/${what}s`;
  const one = {
    path: `${path}/:name`,
    places: { name: `The ${key}` },
  };
  const schema: Schema = {
    type: "object",
    required: [key],
    properties: { [key]: { type: "string" } },
  };
  /** What there is of the name in the path. */
  const shown = (name: string) => {
    const record = kind.show(securityOf(parts).state, name);
    if (record !== null) return record;
    throw new RequestError(404, `${noun} not found`, "name");
  };
  const nameOf = (call: Call) => call.path.name!;
  return [{
    path,
    id: `listDynsec${noun}s`,
    summary: `The ${what}s of dynamic security, by name`,
    ...listOf(schema),
    handle: ({ query }) => {
      const { state } = securityOf(parts);
      return answerPage(parts.slices, query, {
        // A copy, because records may be added and removed during the walk.
        entries: [...kind.names(state)],
        place: (name) => ({ rank: 0, key: name }),
        view: (name) => kind.show(state, name) ?? { [key]: name },
      });
    },
  }, {
    method: "POST",
    path,
    scope: "write",
    id: `createDynsec${noun}`,
    summary: `Makes a ${what} of dynamic security`,
    body: { [key]: { type: "string", required: true, description: "Its name" }, ...fields },
    status: 201,
    schema: dataSchema(schema),
    handle: async ({ body, caller }) => {
      await change(parts, caller, [{ ...body, command: `create${noun}` }]);
      return json({ data: shown(body[key] as string) }, 201);
    },
  }, {
    ...one,
    method: "GET",
    scope: "read",
    id: `getDynsec${noun}`,
    summary: `One ${what} of dynamic security`,
    schema: dataSchema(schema),
    handle: (call) => json({ data: shown(nameOf(call)) }),
  }, {
    ...one,
    method: "PATCH",
    scope: "write",
    id: `modifyDynsec${noun}`,
    summary: `Changes a ${what} of dynamic security; a list replaces the one before`,
    body: { ...fields, ...more },
    schema: dataSchema(schema),
    handle: async (call) => {
      const { disabled, ...body } = call.body;
      const named = { [key]: nameOf(call) };
      shown(nameOf(call));
      const commands: Record<string, unknown>[] = [];
      if (Object.keys(body).length > 0) {
        commands.push({ ...body, ...named, command: `modify${noun}` });
      }
      if (disabled !== undefined) {
        commands.push({ ...named, command: disabled ? "disableClient" : "enableClient" });
      }
      if (commands.length > 0) await change(parts, call.caller, commands);
      return json({ data: shown(nameOf(call)) });
    },
  }, {
    ...one,
    method: "DELETE",
    scope: "write",
    id: `deleteDynsec${noun}`,
    summary: `Deletes a ${what} of dynamic security`,
    status: 204,
    handle: async (call) => {
      await change(parts, call.caller, [{ [key]: nameOf(call), command: `delete${noun}` }]);
      return noContent();
    },
  }];
}

/** Executes commands in the format of the topic. */
function commandRoute(parts: DynsecParts): Route {
  return {
    method: "POST",
    path: `${PATH}/commands`,
    scope: "write",
    id: "runDynsecCommands",
    summary: "Does commands of dynamic security, and answers each as over MQTT",
    body: {
      commands: { type: "array", required: true, description: "The commands, in order" },
    },
    schema: {
      type: "object",
      required: ["responses"],
      properties: { responses: { type: "array", items: { type: "object" } } },
    },
    handle: async ({ body, caller }) => {
      const commands = body.commands as readonly unknown[];
      if (commands.length > COMMANDS_PER_MESSAGE_MAX) {
        throw new RequestError(400, `At most ${COMMANDS_PER_MESSAGE_MAX} commands`, "commands");
      }
      return json(JSON.parse((await run(parts, caller, commands)).text));
    },
  };
}

function securityOf({ operations }: DynsecParts): DynamicSecurity {
  const security = operations.accounts?.() ?? null;
  if (security !== null) return security;
  throw new RequestError(404, "This server has no dynamic security");
}

async function run(
  parts: DynsecParts,
  { name, address }: Caller,
  commands: readonly unknown[],
): Promise<Answers> {
  const by = `the API, ${JSON.stringify(name)} at ${address}`;
  let answers = new Answers();
  const done = securityOf(parts).run(commands, by, (all) => answers = all);
  if (done === null) throw new RequestError(503, "Too many commands wait: try again later");
  await done;
  return answers;
}

/** @throws {RequestError} If a command has failed. */
async function change(
  parts: DynsecParts,
  caller: Caller,
  commands: readonly unknown[],
): Promise<void> {
  const { error } = await run(parts, caller, commands);
  if (error !== null) throw new RequestError(statusOf(error), error);
}

function statusOf(error: string): number {
  if (error === NOT_STORED) return 503;
  if (/already exists$|^Too many|forbidden$/.test(error)) return 409;
  return /not found$|does not exist$/.test(error) ? 404 : 400;
}
