/** Opens the store of a server, and a broker with its contents. */
import { exposureOf } from "../cli/exposed.ts";
import { FlagError } from "../cli/flag_error.ts";
import { Broker, type BrokerOptions } from "../mod.ts";
import { SqliteStore, StoreDamagedError, StoreLockedError } from "../store/mod.ts";
import { whyNot } from "../config/errors/why.ts";
import { StartError } from "./start_error.ts";

/** Reports about a store when it is opened. */
export interface StoreTeller {
  /** Information for the operator. */
  inform(text: string): void;
  /** A problem that the operator must solve. */
  warn(text: string): void;
}

/**
 * Opens a store, reports damage, and creates a broker with its contents.
 *
 * @param isStrict Whether a damaged store is refused.
 * @throws If the store cannot be opened.
 */
export async function openStoredBroker(
  directory: string,
  isStrict: boolean,
  options: BrokerOptions,
  teller: StoreTeller,
): Promise<Broker> {
  const store = await openStore(directory, isStrict);
  const broker = await Broker.open(store, options);
  const { storeDamage: damage } = broker;
  if (damage !== null) {
    const { reason, setAside, rowsSaved } = damage;
    teller.warn(
      `The store was damaged (${reason}): it is set aside as ${setAside}, ${rowsSaved} rows were saved`,
    );
    await broker.publish("$SYS/broker/store/damage", `${reason}; set aside as ${setAside}`, {
      retain: true,
    });
  }
  const exposure = await exposureOf(directory);
  if (exposure !== null) teller.warn(exposure);
  if (store.thread === "main") {
    const folder = new URL("../store", import.meta.url).pathname;
    teller.inform(`Everything waits for the disk: with --allow-read=${folder} only commits do`);
  }
  return broker;
}

/** The Session Expiry Interval of a session that never expires, in seconds. */
const NEVER_SECONDS = 0xffff_ffff;

/** How long sessions of clients that stay away are kept, in words. */
export function forgottenAfter({ limits }: Broker): string {
  const seconds = limits.sessionExpirySecondsMax;
  if (seconds >= NEVER_SECONDS) return "sessions of clients that stay away are never forgotten";
  return `sessions of clients that stay away are forgotten after ${seconds / 86_400} days`;
}

async function openStore(directory: string, strict: boolean): Promise<SqliteStore> {
  for (const name of ["read", "write"] as const) {
    const { state } = await Deno.permissions.query({ name, path: directory });
    if (state === "granted") continue;
    throw new FlagError(
      `Cannot keep state in ${directory}: allow --allow-read=${directory} --allow-write=${directory}, or use --memory (persistence false)`,
    );
  }
  try {
    return await SqliteStore.open(directory, { strict });
  } catch (error) {
    throw new StartError(storeFault(directory, strict, error), { cause: error });
  }
}

/** Explains why a store cannot be opened, and what helps. */
export function storeFault(directory: string, strict: boolean, error: unknown): string {
  if (error instanceof StoreLockedError) {
    return `${directory} is in use by another broker: stop it, or choose another folder`;
  }
  if (strict && error instanceof StoreDamagedError) {
    return `${error.message} (a start that is not strict saves what can be saved)`;
  }
  // The message of the store, or the system's message about its folder.
  const isOfSystem = error instanceof Error && /\(os error \d+\)/.test(error.message);
  if (!isOfSystem) return error instanceof Error ? error.message : String(error);
  return `cannot keep state in ${directory}: ${whyNot(error, "make the folder")}`;
}
