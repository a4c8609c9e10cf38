/** Opens the accounts of dynamic security for a server, and imports mosquitto's file once. */
import { openDynamicSecurity } from "../admin/mod.ts";
import type { OperatorLog } from "../admin/operator_log.ts";
import { line, quoted } from "../admin/visible.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { firstAuthenticator } from "../auth/chain.ts";
import type { DynamicSecurity } from "../auth/dynsec/dynamic_security.ts";
import type { SecurityInEffect } from "../auth/dynsec/security_in_effect.ts";
import type { AccountChange } from "../auth/dynsec/security_host.ts";
import { FieldError } from "../auth/dynsec/fields.ts";
import { FILE_BYTES_MAX } from "../auth/dynsec/limits.ts";
import type { AccountStore } from "../auth/dynsec/rows.ts";
import { OwnAccountStore } from "../auth/dynsec/store_rows.ts";
import type { Configuration, ListenerConfiguration } from "../config/options/configuration.ts";
import { ConfigError } from "../config/errors/errors.ts";
import { whyNot } from "../config/errors/why.ts";
import type { Broker } from "../mod.ts";
import { SqliteStore } from "../store/mod.ts";
import type { ListenerMaterial } from "./listener_files.ts";
import type { AccountsSource } from "./server_surroundings.ts";
import { storeFault } from "./stored_broker.ts";

/** The option that names the file. */
const WORD = "fairway_dynamic_security_file";

/** The listener of a configuration that has dynamic security, the first one; `undefined` if none has. */
export function accountsListener(
  { listeners }: Configuration,
): ListenerConfiguration | undefined {
  return listeners.find(({ security }) => security[WORD] !== null);
}

/**
 * Workers open their accounts when they start.
 *
 * @throws {ConfigError} If a configuration has dynamic security now.
 */
export function refuseNewAccounts(configuration: Configuration): void {
  const listener = accountsListener(configuration);
  if (listener === undefined) return;
  const text = "with fairway_workers dynamic security begins with a restart";
  throw new ConfigError([{ place: placeOf(listener, configuration), word: WORD, text }]);
}

function placeOf(listener: ListenerConfiguration, { places }: Configuration) {
  return listener.places.get(WORD) ?? places.get(WORD) ?? listener.place;
}

/**
 * Opens the accounts of a configuration.
 *
 * @param source Where they come from on a node; `null` without workers.
 * @returns `null` if no listener has any.
 * @throws {ConfigError} If they cannot be opened, or the file cannot be imported.
 */
export async function openAccounts(
  broker: Broker,
  configuration: Configuration,
  log: OperatorLog,
  source: AccountsSource | null,
): Promise<SecurityInEffect | null> {
  const listener = accountsListener(configuration);
  if (listener === undefined) return null;
  const replica = source?.follow(broker) ?? null;
  if (replica !== null) return await replica;
  const path = listener.security[WORD]!;
  const fault = (text: string, cause: unknown) => {
    const place = placeOf(listener, configuration);
    return new ConfigError([{ place, word: WORD, text }], { cause });
  };
  const peers = source?.peers ?? null;
  const store = broker.inspection.accountRows === null ? await openOwnStore(path, fault) : null;
  try {
    const security = await openDynamicSecurity(broker, {
      ...store === null ? {} : { store },
      ...peers === null ? {} : { peers },
      changed: (change) => log.write("notice", changeLine(change)),
    });
    const { unreadable } = security;
    if (unreadable > 0) {
      log.write("warning", `Dynamic security: ${unreadable} rows of the store cannot be read`);
    }
    if (security.isNew) await importFile(security, path, log, fault);
    else {
      const counts = countsOf(security);
      log.write("information", line`Dynamic security: ${counts} in the store; ${path} is not read`);
    }
    source?.onOpened(security);
    return security;
  } catch (error) {
    await store?.close();
    throw error;
  }
}

type Fault = (text: string, cause: unknown) => ConfigError;

/** The accounts outlive the server, also where nothing else does. */
async function openOwnStore(path: string, fault: Fault): Promise<AccountStore> {
  const directory = `${path}.fairway`;
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = whyNot(error, "make the folder");
    throw fault(`cannot keep accounts in ${directory}: ${why}`, error);
  }
  try {
    return new OwnAccountStore(await SqliteStore.open(directory));
  } catch (error) {
    throw fault(`cannot keep accounts: ${storeFault(directory, false, error)}`, error);
  }
}

async function importFile(
  security: DynamicSecurity,
  path: string,
  log: OperatorLog,
  fault: Fault,
): Promise<void> {
  let text: string;
  try {
    const { size } = await Deno.stat(path);
    if (size > FILE_BYTES_MAX) throw new FieldError(`it has more than ${FILE_BYTES_MAX} bytes`);
    text = new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
    const { faults } = await security.import(text);
    for (const fault of faults) log.write("warning", line`${path}: left out: ${fault}`);
  } catch (error) {
    if (error instanceof FieldError) throw fault(`cannot use ${path}: ${error.message}`, error);
    const advice = error instanceof Deno.errors.NotFound
      ? `; make it with mosquitto_ctrl dynsec init ${path} admin`
      : "";
    throw fault(`cannot use ${path}: ${whyNot(error, "read the file")}${advice}`, error);
  }
  const counts = countsOf(security);
  log.write(
    "notice",
    line`Dynamic security: imported ${counts} from ${path}; from now on the store is the truth, and the file is not read again`,
  );
}

function countsOf({ counts: { accounts, groups, roles } }: DynamicSecurity): string {
  return `${accounts} accounts, ${groups} groups and ${roles} roles`;
}

function changeLine({ command, names, by }: AccountChange) {
  const what = names.map(quoted).reduce((before, after) => line`${before} ${after}`, line``);
  return line`Dynamic security: ${command}${what} by ${by}`;
}

/** The material of each listener, with the accounts in front of what else it has. */
export function withAccounts(
  material: readonly ListenerMaterial[],
  { listeners }: Configuration,
  security: SecurityInEffect | null,
): ListenerMaterial[] {
  return material.map((one, index) => {
    return security === null ? one : withThem(one, listeners[index]!, security);
  });
}

function withThem(
  material: ListenerMaterial,
  listener: ListenerConfiguration,
  security: SecurityInEffect,
): ListenerMaterial {
  if (listener.security[WORD] === null) return material;
  const { accounts, rules } = material;
  return {
    ...material,
    accounts: inFront(security.authenticator, accounts),
    rules: security.authorizer(rules),
    control: security,
  };
}

function inFront(first: Authenticator, others: Authenticator | null): Authenticator {
  return others === null ? first : firstAuthenticator(first, others);
}
