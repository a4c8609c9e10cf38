/** Runs a server with workers until a signal stops it. */
import { stopSignal } from "../../cli/stop_signal.ts";
import { say } from "../../cli/terminal.ts";
import type { ServerFlags } from "../server_flags.ts";
import { startLines } from "../start_lines.ts";
import { SystemdNotifier } from "../systemd_notifier.ts";
import { checkNodeStores } from "./node_stores.ts";
import { Supervisor } from "./supervisor.ts";

/** How long the brokers send what waits for clients when the server stops, in milliseconds. */
const GRACE_MS = 2000;

/** What a server with workers knows about its machine. */
export interface WorkerSurroundings {
  /** The version that the server reports. */
  readonly version: string;
  /** The maximum number of connections, of all workers together. */
  readonly connectionsMax: number;
  /** The memory budget of all workers together, in bytes; 0 for a share of each heap. */
  readonly memoryBytesMax: number;
}

/** Runs a server with workers until a signal stops it. */
export async function serveWorkers(
  { host, port, wsPort, data, strictStore, verbose, workers }: ServerFlags,
  { version, connectionsMax, memoryBytesMax }: WorkerSurroundings,
): Promise<void> {
  const stopped = stopSignal();
  if (data !== null) await checkNodeStores(data, workers);
  const { supervisor, started } = await Supervisor.start(workers, {
    config: null,
    directory: data,
    strictStore,
    // Clients are distributed by a hash, so the shares are only about equal.
    connectionsMax: Math.ceil(connectionsMax / workers),
    memoryBytesMax: Math.floor(memoryBytesMax / workers),
    verbose,
    version,
  }, [
    { hostname: host, port, webSocket: false },
    ...wsPort === null ? [] : [{ hostname: host, port: wsPort, webSocket: true }],
  ]);
  const { hostname, ports, lines, forgotten } = started;
  const facts = {
    version,
    hostname,
    host,
    port: ports[0]!,
    wsPort: ports[1] ?? null,
    directory: data,
    forgotten,
    admin: null,
  };
  for (const line of [...startLines(facts), ...lines]) say(line);
  say(`Workers: ${workers}, with native sockets: the C library is called by FFI`);
  const notifier = SystemdNotifier.start();
  await stopped;
  await notifier?.stop();
  await supervisor.stop(GRACE_MS);
}

/**
 * Runs a server with workers and a configuration file until a signal stops it. SIGHUP has all workers
 * read the file again.
 *
 * @param stopped Resolves on the signal.
 */
export async function serveConfiguredWorkers(
  path: string,
  workers: number,
  { version, connectionsMax, memoryBytesMax }: WorkerSurroundings,
  stopped: Promise<void>,
): Promise<void> {
  const { supervisor } = await Supervisor.start(workers, {
    config: path,
    directory: null,
    strictStore: false,
    connectionsMax: Math.ceil(connectionsMax / workers),
    memoryBytesMax: Math.floor(memoryBytesMax / workers),
    verbose: false,
    version,
  }, []);
  const reload = () => void supervisor.reload();
  Deno.addSignalListener("SIGHUP", reload);
  const notifier = SystemdNotifier.start();
  await stopped;
  await notifier?.stop();
  Deno.removeSignalListener("SIGHUP", reload);
  await supervisor.stop(GRACE_MS);
}
