/**
 * Starts a broker: `deno task start`, or
 * `deno run --allow-net --allow-read --allow-write=fairway-data --allow-run=prlimit server.ts`.
 *
 * @module
 */
import deno from "./deno.json" with { type: "json" };
import { loginFailedLine } from "./cli/log_lines.ts";
import { type FdLimit, readFdLimit } from "./cli/fd_limit.ts";
import { ConfigError } from "./config/errors.ts";
import { FlagError, HELP, parseServerFlags, type ServerFlags } from "./cli/server_flags.ts";
import { memoryBytesHere, memoryLine, MemoryShortage } from "./cli/memory_limit.ts";
import { serveConfiguration, testConfiguration } from "./cli/serve_configuration.ts";
import { stopSignal } from "./cli/stop_signal.ts";
import { openStoredBroker } from "./cli/stored_broker.ts";
import { Broker, type BrokerHooks, SysTopics, type TcpListener } from "./mod.ts";

/** File descriptors that are left for everything but clients. */
const RESERVED_FDS = 128;
/** How long clients have to take what waits for them when the broker stops. */
const GRACE_MS = 2000;

const VERSION = `Fairway ${deno.version}`;

if (import.meta.main) await main();

async function main(): Promise<void> {
  try {
    const flags = parseServerFlags(Deno.args);
    if (flags.help) say(HELP.trimEnd());
    else if (flags.version) say(VERSION);
    else if (flags.config !== null) await configured(flags.config, flags.testConfig);
    else await serve(flags);
  } catch (error) {
    complain(describe(error));
    Deno.exit(error instanceof FlagError || error instanceof ConfigError ? 2 : 1);
  }
}

/** Runs as a configuration says, or only finds out whether that would be possible. */
async function configured(file: string, isTest: boolean): Promise<void> {
  if (!isTest) {
    return await serveConfiguration(file, {
      version: VERSION,
      connectionsMax: roomFor(await readFdLimit()),
      memoryBytesMax: await memoryBytesHere(),
    });
  }
  const { notes, effect } = await testConfiguration(file);
  if (notes !== "") complain(notes);
  say(effect.trimEnd());
}

/** How many connections there are file descriptors for. */
function roomFor({ limit }: FdLimit): number {
  return Math.min(Math.max(1, limit - RESERVED_FDS), 1_000_000);
}

async function serve(flags: ServerFlags): Promise<void> {
  const fds = await readFdLimit();
  const connectionsMax = Math.min(flags.maxConnections ?? Infinity, roomFor(fds));
  const hooks = flags.verbose ? verboseHooks() : quietHooks();
  // Before the line that says the broker is up: whoever reads it may stop it.
  const stopped = stopSignal();
  const memoryBytesMax = flags.memoryBytesMax ?? await memoryBytesHere();
  const options = { limits: { connectionsMax, memoryBytesMax }, hooks };
  const broker = flags.data === null
    ? new Broker(options)
    : await openStoredBroker(flags.data, flags.strictStore, options, {
      inform: say,
      warn: (text) => complain(`WARNING: ${text}`),
    });
  const { host, port, wsPort } = flags;
  const listener = await orInUse(broker.listen({ hostname: host, port }), host, port, "--port");
  const webSockets = wsPort === null ? null : await orInUse(
    broker.listenWebSocket({ hostname: host, port: wsPort }),
    host,
    wsPort,
    "--ws-port",
  );
  const address = host.includes(":") ? `[${listener.hostname}]` : listener.hostname;
  say(`${VERSION} listening on ${address}:${listener.port} ${whoMayConnect(flags)}`);
  if (webSockets !== null) say(`WebSocket on ws://${address}:${webSockets.port}`);
  say(memoryLine(broker, flags.memoryBytesMax !== null));
  if (!fds.isKnown) {
    say(`At most ${connectionsMax} connections: allow --allow-run=prlimit to use more`);
  } else if (flags.maxConnections !== null && flags.maxConnections > connectionsMax) {
    say(`At most ${connectionsMax} connections: the limit of open files is ${fds.limit}`);
  }
  const state = new SysTopics(broker, { version: VERSION });
  await stopped;
  state.stop();
  await broker.close({ graceMs: GRACE_MS });
}

/** Says what to do about a port that is taken. */
async function orInUse(
  listening: Promise<TcpListener>,
  host: string,
  port: number,
  flag: string,
): Promise<TcpListener> {
  try {
    return await listening;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Error(`port ${port} of ${host} is in use (choose another with ${flag})`, {
      cause: error,
    });
  }
}

function whoMayConnect({ host }: ServerFlags): string {
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  return isLocal
    ? "(anyone on this machine, without a password; --host 0.0.0.0 opens it to the network)"
    : "(anyone who can reach this address, without a password)";
}

function quietHooks(): BrokerHooks {
  const shortage = new MemoryShortage(complain);
  return {
    failed: (error) => complain(`Internal error: ${stackOf(error)}`),
    storeFull: (isFull) =>
      complain(
        isFull
          ? "WARNING: the store takes nothing more (is the disk full?): QoS 1 and 2 that must survive are refused"
          : "The store works again",
      ),
    limited: ({ reason, clientId }) => {
      if (reason === "memory") shortage.tell(clientId);
    },
    loginFailed: (failure) => complain(loginFailedLine(failure)),
    busy: (isBusy, lagMs) => {
      const what = isBusy ? "refusing new connections" : "accepting connections again";
      complain(`The event loop is ${Math.round(lagMs)} ms late: ${what}`);
    },
  };
}

function verboseHooks(): BrokerHooks {
  return {
    ...quietHooks(),
    connected: ({ clientId, address, username, protocolVersion }) => {
      const user = username === null ? "" : ` as ${username}`;
      const version = { 3: "3.1", 4: "3.1.1", 5: "5.0" }[protocolVersion];
      say(`connect ${JSON.stringify(clientId)} from ${address}${user}, MQTT ${version}`);
    },
    disconnected: ({ clientId, address }, { reasonCode, by, error }) => {
      const why = error instanceof Error ? `: ${error.message}` : "";
      const code = `0x${reasonCode.toString(16).padStart(2, "0")}`;
      say(`disconnect ${JSON.stringify(clientId)} from ${address} by ${by} (${code})${why}`);
    },
    refused: (address, clientId, reasonCode) => {
      const code = `0x${reasonCode.toString(16).padStart(2, "0")}`;
      say(`refuse ${JSON.stringify(clientId)} from ${address} (${code})`);
    },
  };
}

function describe(error: unknown): string {
  if (error instanceof FlagError || error instanceof ConfigError) return error.message;
  if (error instanceof Deno.errors.NotCapable) return `Permission denied: ${error.message}`;
  return error instanceof Error ? `Cannot start: ${error.message}` : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function complain(line: string): void {
  // deno-lint-ignore no-console
  console.error(line);
}
