/** The bridges of a broker. */
import { Addresses } from "./addresses.ts";
import { Bridge } from "./bridge.ts";
import { dialBridge } from "./dial.ts";
import type { BridgeHost, BridgeSurroundings } from "./host.ts";
import { type BridgeOptions, bridgeSettings } from "./options.ts";
import { endRemoved } from "./removed_bridges.ts";
import { topicMapOf } from "./topic_map.ts";
import type { BridgeStatus } from "./status.ts";

/** Bridges of one broker. */
const BRIDGES_MAX = 1000;

/**
 * The bridges of a broker: each shares topics with another broker. Close them before the broker.
 *
 * @example Share topics with another broker
 * ```ts no-eval
 * import { Broker } from "@fairway/mqtt";
 * import { Bridges } from "@fairway/mqtt/bridge";
 *
 * await using broker = new Broker();
 * await using bridges = new Bridges(broker);
 * bridges.add({
 *   name: "plant",
 *   addresses: ["mqtts://plant.example.org"],
 *   topics: [{ pattern: "sensors/#", direction: "out", qos: 1 }],
 *   protocolVersion: 5,
 *   remoteClientId: "hall-7",
 * });
 * ```
 */
export class Bridges implements AsyncDisposable {
  readonly #host: BridgeHost;
  readonly #surroundings: BridgeSurroundings;
  readonly #bridges = new Map<string, Bridge>();

  /**
   * Creates an empty set of bridges.
   *
   * @param host The broker.
   * @param surroundings What the bridges use of the system; each has a default.
   */
  constructor(host: BridgeHost, surroundings: Partial<BridgeSurroundings> = {}) {
    this.#host = host;
    this.#surroundings = {
      random: Math.random,
      hostname: () => Deno.hostname(),
      dial: dialBridge,
      log: () => {},
      ...surroundings,
    };
  }

  /**
   * Adds a bridge, which connects from now on, or changes the options of the one with this name. It
   * returns before there is a connection.
   *
   * @throws {TypeError | RangeError} If an option cannot be used. Then nothing has changed.
   */
  add(options: BridgeOptions): void {
    const settings = bridgeSettings(options, this.#surroundings.hostname);
    const { name } = settings;
    const known = this.#bridges.get(name);
    if (known === undefined && this.#bridges.size >= BRIDGES_MAX) {
      throw new RangeError(`Cannot add the bridge "${name}": there are ${BRIDGES_MAX}`);
    }
    for (const bridge of this.#bridges.values()) {
      if (bridge.settings.name === name) continue;
      if (bridge.settings.localClientId !== settings.localClientId) continue;
      throw new RangeError(
        `Cannot add the bridge "${name}": its localClientId is that of "${bridge.settings.name}"`,
      );
    }
    if (known === undefined) {
      this.#bridges.set(name, new Bridge(this.#host, this.#surroundings, settings));
    } else if (JSON.stringify(known.settings) !== JSON.stringify(settings)) known.change(settings);
  }

  /**
   * Finds out whether `add()` would take options, without adding anything.
   *
   * @throws {TypeError | RangeError} If an option cannot be used.
   */
  check(options: BridgeOptions): void {
    const settings = bridgeSettings(options, this.#surroundings.hostname);
    topicMapOf(settings.topics);
    void new Addresses(settings);
  }

  /**
   * Removes a bridge, with what waits for the other broker.
   *
   * @returns False if there is none with this name.
   */
  async remove(name: string): Promise<boolean> {
    const bridge = this.#bridges.get(name);
    if (bridge === undefined) return false;
    this.#bridges.delete(name);
    await bridge.remove();
    return true;
  }

  /**
   * Ends the sessions, with what waits in them, of bridges that were removed while the broker was
   * stopped. Call it when all bridges were added after a start.
   *
   * @returns The local client identifiers of these bridges.
   */
  async endRemoved(): Promise<readonly string[]> {
    const isKnown = (clientId: string) =>
      [...this.#bridges.values()].some(({ settings }) => settings.localClientId === clientId);
    return await endRemoved(this.#host.inspection, isKnown);
  }

  /** The names of the bridges. */
  get names(): readonly string[] {
    return [...this.#bridges.keys()];
  }

  /** All bridges as of now. */
  get statuses(): readonly BridgeStatus[] {
    return [...this.#bridges.values()].map((bridge) => bridge.status);
  }

  /** A bridge as of now; `null` if there is none with this name. */
  status(name: string): BridgeStatus | null {
    return this.#bridges.get(name)?.status ?? null;
  }

  /** Disconnects all bridges. What waits for the other brokers stays in the broker. */
  async close(): Promise<void> {
    const bridges = [...this.#bridges.values()];
    this.#bridges.clear();
    await Promise.all(bridges.map((bridge) => bridge.stop()));
  }

  /** Closes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
