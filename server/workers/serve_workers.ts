/** Runs a server with workers until a signal stops it. */
import { stopSignal } from "../../cli/stop_signal.ts";
import { say } from "../../cli/terminal.ts";
import type { ListenerInfo } from "../../admin/mod.ts";
import type { Configuration } from "../../config/options/configuration.ts";
import type { StreamOptions } from "../../mod.ts";
import { accountsListener } from "../accounts.ts";
import { adminUrl } from "../admin_listener.ts";
import { bindFault } from "../bind_fault.ts";
import type { ServerFlags } from "../server_flags.ts";
import { loadConfiguration } from "../load_configuration.ts";
import { startLines } from "../start_lines.ts";
import { StartError } from "../start_error.ts";
import { SystemdNotifier } from "../systemd_notifier.ts";
import { makeAdminToken, printedEntry } from "./admin_token.ts";
import { checkNodeStores } from "./node_stores.ts";
import { Supervisor } from "./supervisor.ts";

/** How long the brokers send what waits for clients when the server stops, in milliseconds. */
const GRACE_MS = 2000;

/** The configuration file of a server with workers. */
export interface ConfiguredWorkers {
  readonly path: string;
  readonly workers: number;
  /** What it says at the start. */
  readonly configuration: Configuration;
}

/** What a server with workers knows about its machine. */
export interface WorkerSurroundings {
  /** The version that the server reports. */
  readonly version: string;
  /** The maximum number of connections, of all workers together. */
  readonly connectionsMax: number;
  /** The memory budget of all workers together, in bytes; 0 for a share of each heap. */
  readonly memoryBytesMax: number;
  /** The streams of the command line. */
  readonly streams: readonly StreamOptions[];
}

/** Runs a server with workers until a signal stops it. */
export async function serveWorkers(
  { host, port, wsPort, adminPort, data, strictStore, verbose, workers }: ServerFlags,
  { version, connectionsMax, memoryBytesMax, streams }: WorkerSurroundings,
): Promise<void> {
  const stopped = stopSignal();
  if (data !== null) await checkNodeStores(data, workers);
  const { supervisor, started } = await Supervisor.start(workers, {
    config: null,
    directory: data,
    strictStore,
    connectionsMax,
    memoryBytesMax: Math.floor(memoryBytesMax / workers),
    streams,
    verbose,
    version,
  }, [
    { hostname: host, port, webSocket: false },
    ...wsPort === null ? [] : [{ hostname: host, port: wsPort, webSocket: true }],
  ]);
  const { hostname, ports, lines, forgotten } = started;
  const admin = adminPort === null ? null : await administer(supervisor, adminPort, ports);
  const facts = {
    version,
    hostname,
    host,
    port: ports[0]!,
    wsPort: ports[1] ?? null,
    directory: data,
    forgotten,
    admin: admin === null ? null : { url: adminUrl(admin.listener, false), token: admin.token },
  };
  for (const line of [...startLines(facts), ...lines]) say(line);
  say(`Workers: ${workers}, with native sockets: the C library is called by FFI`);
  const notifier = SystemdNotifier.start();
  await stopped;
  await notifier?.stop();
  await admin?.listener.close();
  await supervisor.stop(GRACE_MS);
}

/**
 * Runs a server with workers and a configuration file until a signal stops it. SIGHUP has all workers
 * read the file again.
 *
 * @param stopped Resolves on the signal.
 */
export async function serveConfiguredWorkers(
  { path, workers, configuration }: ConfiguredWorkers,
  { version, connectionsMax, memoryBytesMax, streams }: WorkerSurroundings,
  stopped: Promise<void>,
): Promise<void> {
  const started = Promise.withResolvers<Supervisor>();
  let before: Promise<unknown> = started.promise;
  const reload = () => {
    const reloaded = before.then(async () => {
      const supervisor = await started.promise;
      const next = await read(path);
      // The first worker says what is wrong, as with every other fault.
      const isRefused = next === null || (hasAccounts(next) && !hasAccounts(configuration));
      if (isRefused) return await supervisor.reload(false);
      if (hasAdmin(next)) await supervisor.serveAdmin();
      return await supervisor.reload(true);
    });
    before = reloaded.catch(() => {});
    return reloaded;
  };
  // Before a worker reports that it listens: a reader of that line may send the signal.
  Deno.addSignalListener("SIGHUP", reload);
  const { supervisor } = await Supervisor.start(
    workers,
    {
      config: path,
      directory: null,
      strictStore: false,
      connectionsMax,
      memoryBytesMax: Math.floor(memoryBytesMax / workers),
      streams,
      verbose: false,
      version,
    },
    [],
    { hasAdmin: hasAdmin(configuration), reload },
  );
  started.resolve(supervisor);
  const notifier = SystemdNotifier.start();
  await stopped;
  await notifier?.stop();
  Deno.removeSignalListener("SIGHUP", reload);
  await supervisor.stop(GRACE_MS);
}

/**
 * Opens the admin listener, for this machine only.
 *
 * @param ports The ports of MQTT, and of MQTT over WebSocket if there is one.
 */
async function administer(supervisor: Supervisor, port: number, ports: readonly number[]) {
  const { token, hash } = await makeAdminToken();
  const info = (port: number, i: number): ListenerInfo => ({
    port,
    protocol: i === 0 ? "mqtt" : "websockets",
    tls: false,
    mtls: false,
    allow_anonymous: true,
  });
  await supervisor.administer({ tokens: [printedEntry(hash)], listeners: ports.map(info) });
  const { WorkersAdmin } = await import("./workers_admin.ts");
  try {
    return { listener: new WorkersAdmin(port, hash, supervisor.adminPorts), token };
  } catch (error) {
    const host = "127.0.0.1";
    const by = { portBy: "with --admin-port", hostBy: "with --host" };
    const why = bindFault(error, { host, port, ...by });
    throw new StartError(`cannot listen on ${host}:${port}: ${why}`, { cause: error });
  }
}

/** Reads a configuration; `null` if it cannot be used. */
async function read(path: string): Promise<Configuration | null> {
  try {
    const { configuration, material } = await loadConfiguration(path, () => {});
    material.close();
    return configuration;
  } catch {
    // The first worker finds out the same, and says it.
    return null;
  }
}

function hasAccounts(configuration: Configuration): boolean {
  return accountsListener(configuration) !== undefined;
}

function hasAdmin({ listeners }: Configuration): boolean {
  return listeners.some(({ settings }) => settings.protocol === "http_api");
}
