/** Runs a server with a configuration file until a signal stops it. */
import { formatRemark } from "../config/errors/errors.ts";
import { printEffective } from "../config/effect/print.ts";
import { dataFolderOf } from "../config/effect/broker_options.ts";
import { checkNativeSockets } from "../transport/native/ffi_libc.ts";
import { ConfiguredServer } from "./configured_server.ts";
import type { ServerSurroundings } from "./server_surroundings.ts";
import { checkNodeStores } from "./workers/node_stores.ts";
import { workersOf } from "./workers/worker_count.ts";
import { Reloader } from "./reloader.ts";
import { loadConfiguration } from "./load_configuration.ts";
import { SystemdNotifier } from "./systemd_notifier.ts";
import { stopSignal } from "../cli/stop_signal.ts";
import { complain } from "../cli/terminal.ts";

/** The time for clients to receive waiting messages when the server stops. */
const GRACE_MS = 2000;

/** Runs a server with a configuration until a signal stops it. SIGHUP reloads the configuration. */
export async function serveConfiguration(
  path: string,
  surroundings: Omit<ServerSurroundings, "reload">,
): Promise<void> {
  // Before the server reports that it is up: a reader of that line may stop or reload it.
  const stopped = stopSignal();
  const reloader: Reloader = new Reloader(() => loadConfiguration(path, reloader.failed));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", reloader.ask);
  try {
    const loaded = await loadConfiguration(path, reloader.failed);
    const { fairway_native_sockets: isNative, fairway_workers: told } = loaded.configuration.global;
    if (isNative) checkNativeSockets();
    const workers = workersOf(told);
    const folder = dataFolderOf(loaded.configuration);
    if (folder !== null) await checkNodeStores(folder, workers, complain);
    if (workers > 1) {
      loaded.material.close();
      const { serveConfiguredWorkers } = await import("./workers/serve_workers.ts");
      return await serveConfiguredWorkers(
        { path, workers, configuration: loaded.configuration },
        surroundings,
        stopped,
      );
    }
    const reload = () => reloader.run();
    const server = await ConfiguredServer.start(loaded, { ...surroundings, reload });
    reloader.begin(server);
    const notifier = SystemdNotifier.start();
    await stopped;
    await notifier?.stop();
    await server.close(GRACE_MS);
  } finally {
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGHUP", reloader.ask);
  }
}

/**
 * Checks a configuration.
 *
 * @returns The warnings, and the configuration in effect.
 * @throws {ConfigError} If it cannot be used.
 */
export async function testConfiguration(
  path: string,
): Promise<{ notes: string[]; effect: string }> {
  const { configuration, material } = await loadConfiguration(path, () => {});
  material.close();
  return {
    notes: configuration.notes.map(formatRemark),
    effect: printEffective(configuration),
  };
}
