/** The bridges of a server, from its configuration. */
import type { Bridges } from "../bridge/mod.ts";
import type { BridgeOptions, BridgeTls } from "../bridge/options.ts";
import { endRemoved } from "../bridge/removed_bridges.ts";
import { bridgeOptionsOf } from "../config/parser/bridge_drafts.ts";
import type { BridgeConfiguration, Configuration } from "../config/options/configuration.ts";
import { ConfigError } from "../config/errors/errors.ts";
import type { Broker } from "../mod.ts";

/** What a server is told of its bridges. */
type Told = Pick<Configuration, "bridges" | "global">;

/** The bridges of a server. Their code is loaded when the first one is configured. */
export class ServerBridges {
  readonly #broker: Broker;
  readonly #log: (type: "notice" | "warning", text: string) => void;
  #bridges: Bridges | null = null;

  constructor(broker: Broker, log: (type: "notice" | "warning", text: string) => void) {
    this.#broker = broker;
    this.#log = log;
  }

  /** The bridges; `null` if none was configured since the start. */
  get bridges(): Bridges | null {
    return this.#bridges;
  }

  /**
   * Finds what cannot be done, before anything is.
   *
   * @throws {ConfigError} If an option cannot be used.
   */
  async check(told: Told, files: ReadonlyMap<string, BridgeTls | null>): Promise<void> {
    if (told.bridges.length === 0) return;
    const bridges = this.#bridges ??= await this.#load();
    for (const one of told.bridges) attempt(one, () => bridges.check(optionsOf(one, told, files)));
  }

  /**
   * Adds bridges that are new, changes those that differ, and removes those that are gone. The others
   * are not touched.
   *
   * @param files The TLS options of each bridge, by its name.
   * @throws {ConfigError} If an option cannot be used.
   */
  async apply(told: Told, files: ReadonlyMap<string, BridgeTls | null>): Promise<void> {
    if (told.bridges.length === 0 && this.#bridges === null) return;
    const bridges = this.#bridges ??= await this.#load();
    for (const name of bridges.names) {
      if (told.bridges.some((one) => one.name === name)) continue;
      await bridges.remove(name);
      this.#log("notice", `Bridge ${name}: removed`);
    }
    for (const one of told.bridges) attempt(one, () => bridges.add(optionsOf(one, told, files)));
  }

  /**
   * Ends what is left of bridges that were taken out of the configuration while the server was
   * stopped. It is called once, after the bridges were added.
   */
  async endRemoved(): Promise<void> {
    const known = new Set(this.#bridges?.statuses.map(({ localClientId }) => localClientId));
    const ended = await endRemoved(this.#broker.inspection, (clientId) => known.has(clientId));
    for (const clientId of ended) {
      this.#log(
        "notice",
        `Ended the session ${clientId}: its bridge is not configured any more`,
      );
    }
  }

  /** Disconnects all. */
  async close(): Promise<void> {
    await this.#bridges?.close();
  }

  async #load(): Promise<Bridges> {
    const { Bridges } = await import("../bridge/mod.ts");
    return new Bridges(this.#broker, { log: this.#log });
  }
}

function optionsOf(
  one: BridgeConfiguration,
  { global }: Told,
  files: ReadonlyMap<string, BridgeTls | null>,
): BridgeOptions {
  return bridgeOptionsOf(one, files.get(one.name) ?? null, global.max_inflight_messages);
}

function attempt(one: BridgeConfiguration, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw fault(one, error);
  }
}

function fault({ name, place }: BridgeConfiguration, error: unknown): ConfigError {
  const isDenied = error instanceof Deno.errors.NotCapable;
  const text = isDenied
    ? `"${name}" is called after this host: allow --allow-sys=hostname, or set a remote_clientid`
    : (error as Error).message;
  return new ConfigError([{ place, word: "connection", text }], { cause: error });
}
