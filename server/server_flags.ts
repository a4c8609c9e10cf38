/** The command line of `server.ts`. */
import { parseArgs } from "@std/cli";
import { WORKERS_MAX } from "../config/options/options.ts";
import { workersOf } from "./workers/worker_count.ts";
import { FlagError } from "../cli/flag_error.ts";

/** The command line of `server.ts`. */
export interface ServerFlags {
  /** The configuration file; `null` for none. */
  readonly config: string | null;
  /** Whether to check the configuration only. */
  readonly testConfig: boolean;
  readonly host: string;
  readonly port: number;
  /** The port for WebSockets; `null` for none. */
  readonly wsPort: number | null;
  /** The port of the admin listener; `null` for none. */
  readonly adminPort: number | null;
  /** The maximum number of connections; `null` for as many as the file descriptors allow. */
  readonly maxConnections: number | null;
  /** The memory budget for clients, in bytes; `null` for the default of this machine. */
  readonly memoryBytesMax: number | null;
  /** The directory of the store; `null` to keep everything in memory. */
  readonly data: string | null;
  /** Whether a damaged store is refused. */
  readonly strictStore: boolean;
  /** Streams, each as NAME=FILTER. */
  readonly streams: readonly string[];
  /** Whether to use native sockets. */
  readonly nativeSockets: boolean;
  /** How many workers serve clients, each a whole broker; 1 for none beside the main thread. */
  readonly workers: number;
  readonly verbose: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** The text of `--help`. */
export const HELP = `Usage: deno task start [flags]

Starts an MQTT broker for 3.1, 3.1.1 and 5.0. It lets everyone in who can
connect, which by default is this machine only.

  -c, --config FILE    run as this file says, in the language of mosquitto.conf;
                       SIGHUP has it read again
  --test-config        check the file of -c, and print what is in effect
  --host H             address to listen on (127.0.0.1; 0.0.0.0 for every one)
  --port N             port to listen on (1883; 0 for any that is free)
  --ws-port N          port for WebSockets (none; 0 for any that is free)
  --admin-port N       port for the page, health, metrics and the API, for this
                       machine only (none; 9883 is usual, 0 for any that is free)
  --data DIR           where sessions and messages survive a restart (fairway-data)
  --memory             keep everything in memory; a restart forgets it
  --strict-store       refuse a damaged store, instead of saving what can be saved
  --stream NAME=FILTER keep what is published to these topics, for 7 days and up to
                       1 GiB, to be read later; several are possible, also with -c
  --max-connections N  clients at once (as many as the file descriptors allow)
  --max-memory MB      memory for what clients make it hold (a share of the heap)
  --native-sockets     sockets of the C library instead of the runtime's: they cost less, and
                       need Linux and the permission --allow-ffi (deno task start:native)
  --workers N          as many brokers, each in a thread of its own, that are one for
                       clients; auto for one a core (1). Needs --native-sockets
  --verbose            one line for each connect and disconnect
  --help               this text
  --version            the version

Examples:
  deno task start
  deno task serve /etc/mosquitto/mosquitto.conf
  deno task start --host 0.0.0.0 --port 1884 --verbose
`;

const BOOLEAN = [
  "test-config",
  "memory",
  "strict-store",
  "native-sockets",
  "verbose",
  "help",
  "version",
] as const;
const STRING = [
  "config",
  "host",
  "port",
  "ws-port",
  "admin-port",
  "data",
  "max-connections",
  "max-memory",
  "stream",
  "workers",
] as const;

/** Flags that have an equivalent option in the configuration. */
const NOT_WITH_CONFIG = [
  ...["host", "port", "ws-port", "admin-port", "max-connections", "max-memory"],
  ...["data", "memory", "strict-store", "native-sockets", "workers", "verbose"],
];
const SEVERAL = ["stream"] as const;

/**
 * Parses the command line.
 *
 * @throws {FlagError} If a flag is unknown, or its value is invalid.
 */
export function parseServerFlags(args: string[]): ServerFlags {
  const flags = parseArgs(args, {
    boolean: BOOLEAN,
    string: STRING,
    collect: SEVERAL,
    alias: { c: "config" },
    unknown: (argument) => {
      throw new FlagError(`Unknown argument: ${argument} (see --help)`);
    },
  });
  const config = flags.config ?? null;
  checkConfig(config, flags);
  const host = flags.host ?? "127.0.0.1";
  if (host === "") throw new FlagError("--host needs an address, such as 127.0.0.1");
  const { data = "fairway-data", memory } = flags;
  if (data === "") throw new FlagError("--data needs a directory, such as fairway-data");
  if (memory && flags.data !== undefined) {
    throw new FlagError("--data and --memory exclude each other");
  }
  const limit = flags["max-connections"];
  const wsPort = flags["ws-port"];
  const adminPort = flags["admin-port"];
  const megabytes = flags["max-memory"];
  return {
    config,
    testConfig: flags["test-config"],
    host,
    port: flags.port === undefined ? 1883 : wholeNumber("--port", flags.port, 0, 65_535),
    wsPort: wsPort === undefined ? null : wholeNumber("--ws-port", wsPort, 0, 65_535),
    adminPort: adminPort === undefined ? null : wholeNumber("--admin-port", adminPort, 0, 65_535),
    maxConnections: limit === undefined
      ? null
      : wholeNumber("--max-connections", limit, 1, 10_000_000),
    memoryBytesMax: megabytes === undefined
      ? null
      : wholeNumber("--max-memory", megabytes, 1, 1_000_000) * 2 ** 20,
    data: memory ? null : data,
    strictStore: flags["strict-store"],
    streams: flags.stream,
    nativeSockets: flags["native-sockets"],
    workers: countWorkers(flags),
    verbose: flags.verbose,
    help: flags.help,
    version: flags.version,
  };
}

function countWorkers(flags: Record<string, unknown>): number {
  const { workers } = flags;
  if (workers === undefined) return 1;
  const isAuto = workers === "auto";
  const count = workersOf(isAuto ? "auto" : wholeNumber("--workers", workers, 1, WORKERS_MAX));
  if (count === 1) return 1;
  if (flags["native-sockets"] !== true) {
    throw new FlagError("--workers needs --native-sockets: workers share the ports by them");
  }
  return count;
}

/** With a configuration file, flags must not set the same things. */
function checkConfig(config: string | null, flags: Record<string, unknown>): void {
  if (config === "") throw new FlagError("-c needs a file, such as /etc/mosquitto/mosquitto.conf");
  if (config === null && flags["test-config"] === true) {
    throw new FlagError("--test-config needs -c FILE");
  }
  if (config === null) return;
  for (const flag of NOT_WITH_CONFIG) {
    if (flags[flag] === undefined || flags[flag] === false) continue;
    throw new FlagError(`--${flag} cannot go with -c: the file says it`);
  }
}

function wholeNumber(flag: string, value: unknown, min: number, max: number): number {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= min && number <= max) return number;
  throw new FlagError(`${flag} needs a whole number from ${min} to ${max}, not "${value}"`);
}
