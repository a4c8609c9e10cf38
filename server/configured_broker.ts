/** Opens the log and the broker that a configuration describes. */
import type { OperatorLog } from "../admin/operator_log.ts";
import { exposureOf } from "../cli/exposed.ts";
import { dataFolderOf, limitsOf } from "../config/effect/broker_options.ts";
import { ConfigError } from "../config/errors/errors.ts";
import { type FileOperation, whyNot } from "../config/errors/why.ts";
import type { Configuration } from "../config/options/configuration.ts";
import { Broker, type BrokerOptions } from "../mod.ts";
import type { ServerSurroundings } from "./server_surroundings.ts";
import { forgottenAfter, openStoredBroker } from "./stored_broker.ts";

/** Opens the broker, with its store if there is one. */
export async function openBroker(
  configuration: Configuration,
  options: BrokerOptions,
  log: OperatorLog,
): Promise<Broker> {
  const folder = dataFolderOf(configuration);
  if (folder === null) {
    log.write("information", "State in memory only: persistence true keeps it");
    return new Broker(options);
  }
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const words = ["fairway_data_dir", "persistence_location", "persistence"];
    const word = words.find((word) => configuration.places.has(word))!;
    throw fault(configuration, word, "make the folder", folder, error);
  }
  const { fairway_strict_store: isStrict } = configuration.global;
  const broker = await openStoredBroker(folder, isStrict, options, {
    inform: (text) => log.write("information", text),
    warn: (text) => log.write("warning", text),
  });
  log.write("information", `State in ${folder}; ${forgottenAfter(broker)}`);
  return broker;
}

/** Logs contain data of clients, which other users must not read. */
export async function warnOfExposedLogs(
  log: OperatorLog,
  { global }: Configuration,
): Promise<void> {
  for (const destination of global.log_dest) {
    const exposure = destination.to === "file" ? await exposureOf(destination.path) : null;
    if (exposure !== null) log.write("warning", exposure);
  }
}

/** Opens the log. An error names its file. */
export function openLog<T>(configuration: Configuration, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const { log_dest: destinations } = configuration.global;
    const file = destinations.find((known) => known.to === "file");
    const isSyslog = destinations.some((known) => known.to === "syslog");
    if (isSyslog && (file === undefined || !(error as Error).message.includes(file.path))) {
      const why = error instanceof Deno.errors.NotFound
        ? "the program logger is not installed: install it (bsdutils), or use log_dest stderr"
        : "it takes --allow-run=logger";
      const text = `cannot run logger: ${why}`;
      const place = configuration.places.get("log_dest")!;
      throw new ConfigError([{ place, word: "log_dest", text }], { cause: error });
    }
    throw fault(configuration, "log_dest", "write the file", file?.path ?? "", error);
  }
}

/** An error for an option of the configuration that cannot be applied. */
export function fault(
  configuration: Configuration,
  word: string,
  operation: FileOperation,
  path: string,
  error: unknown,
): ConfigError {
  const text = `cannot ${operation} ${path}: ${whyNot(error, operation)}`;
  return new ConfigError([{ place: configuration.places.get(word)!, word, text }], {
    cause: error,
  });
}

/** The options of the broker: those of the configuration, within what the machine allows. */
export function brokerOptions(
  configuration: Configuration,
  { connectionsMax, memoryBytesMax }: ServerSurroundings,
): BrokerOptions & { limits: NonNullable<BrokerOptions["limits"]> } {
  const limits = limitsOf(configuration);
  const { global } = configuration;
  return {
    limits: {
      ...limits,
      connectionsMax: Math.min(limits.connectionsMax, connectionsMax),
      memoryBytesMax: limits.memoryBytesMax || memoryBytesMax,
    },
    overflow: global.fairway_overflow,
    retainAvailable: global.retain_available,
    delayed: global.fairway_delayed,
    retainExpiry: global.fairway_retain_expiry,
    rules: {
      queueQoS0: global.queue_qos0_messages,
      upgradeOutgoingQoS: global.upgrade_outgoing_qos,
    },
  };
}
