/** Runs a server with a configuration file until a signal stops it. */
import { ConfigError, formatRemark } from "../config/errors/errors.ts";
import { parseConfiguration } from "../config/parser/parse.ts";
import { printEffective } from "../config/effect/print.ts";
import { readSource } from "../config/parser/source.ts";
import { dataFolderOf } from "../config/effect/broker_options.ts";
import { checkNativeSockets } from "../transport/native/ffi_libc.ts";
import { systemFiles } from "./config_files.ts";
import { ConfiguredServer, type Loaded } from "./configured_server.ts";
import type { ServerSurroundings } from "./server_surroundings.ts";
import { readMaterial } from "./listener_files.ts";
import { checkNodeStores } from "./workers/node_stores.ts";
import { workersOf } from "./workers/worker_count.ts";
import { SystemdNotifier } from "./systemd_notifier.ts";
import { stopSignal } from "../cli/stop_signal.ts";
import { checkUser, ownUid } from "./user_check.ts";

/** The time for clients to receive waiting messages when the server stops. */
const GRACE_MS = 2000;

/**
 * Reads a configuration, and every file that it names.
 *
 * @param failed Called when a service or keys cannot be reached later.
 * @throws {ConfigError} If anything is wrong with it.
 */
export async function loadConfiguration(
  path: string,
  failed: (error: Error) => void,
): Promise<Loaded> {
  const source = await readSource(path, systemFiles);
  const configuration = parseConfiguration(source, { file: path, line: 1 });
  checkUser(configuration, ownUid());
  return { configuration, material: await readMaterial(configuration, systemFiles, failed) };
}

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
    if (folder !== null) await checkNodeStores(folder, workers);
    if (workers > 1) {
      loaded.material.close();
      const { serveConfiguredWorkers } = await import("./workers/serve_workers.ts");
      return await serveConfiguredWorkers(path, workers, surroundings, stopped);
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

/** Reloads a server on request. Requests during a reload cause one more reload. */
export class Reloader {
  /** Requests a reload. */
  readonly ask: () => void = () => {
    this.#isAsked = true;
    this.#go();
  };
  /** Logs a failed request to a service. */
  readonly failed: (error: Error) => void = (error) => this.complain(error.message);
  readonly #load: () => Promise<Loaded>;
  #server: ConfiguredServer | null = null;
  #isAsked = false;
  #isReloading = false;
  /** Settles when the reload under way is over. */
  #over: Promise<void> = Promise.resolve();
  /** What was wrong with the configuration that was read last. */
  #faults: readonly string[] = [];

  /** @param load Reads the configuration. */
  constructor(load: () => Promise<Loaded>) {
    this.#load = load;
  }

  /** Logs a failure as one line, once the server is up. */
  complain(text: string): void {
    this.#server?.complain(text);
  }

  /** Reloads the server. Returns what is wrong with the configuration, a line each. */
  async run(): Promise<readonly string[]> {
    this.#isAsked = true;
    await this.#go();
    await this.#over;
    return this.#faults;
  }

  /** Call when the server is up. */
  begin(server: ConfiguredServer): void {
    this.#server = server;
    this.#go();
  }

  async #go(): Promise<void> {
    if (this.#server === null || this.#isReloading) return;
    this.#isReloading = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#over = promise;
    while (this.#isAsked) {
      this.#isAsked = false;
      await this.#reload(this.#server);
    }
    this.#isReloading = false;
    resolve();
  }

  /** A configuration that cannot be used changes nothing, and is reported. */
  async #reload(server: ConfiguredServer): Promise<void> {
    this.#faults = [];
    try {
      await server.reload(await this.#load());
    } catch (error) {
      this.#faults = linesOf(error);
      for (const text of this.#faults) server.complain(text);
      server.complain("The configuration stays as it was.");
    }
  }
}

/** The faults of a configuration, one line each. */
function linesOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.remarks.map(formatRemark);
  return [error instanceof Error ? error.message : String(error)];
}
