/** Opens and closes the listeners of a configured server, also on reload. */
import { delay } from "@std/async";
import type { Configuration } from "../config/options/configuration.ts";
import { areAtOnePlace, isSameBinding } from "../config/effect/reload.ts";
import type { Broker, ListenerPolicy } from "../mod.ts";
import type { AdminService } from "./admin_listener.ts";
import { bindFault, socketFault } from "./bind_fault.ts";
import type { ListenerMaterial } from "./listener_files.ts";
import { nameWithProtocol, OpenedListener } from "./opened_listener.ts";
import { StartError } from "./start_error.ts";

/**
 * The maximum number of attempts to bind an address that one of our listeners has just released.
 */
const TRIES_MAX = 40;
/** The delay between attempts, in milliseconds: the system needs time to release a socket. */
const TRY_MS = 50;

/** How the listeners of a server are opened. */
export interface Binding {
  /** Tells the operator what has been opened and closed. */
  readonly tell: (type: "notice" | "warning", text: string) => void;
  /**
   * Whether it is the first of several workers, or the only one: that one has the Unix sockets and
   * the admin listeners.
   */
  readonly isFirst: boolean;
}

/** A change of listeners that can still be undone. */
export interface ListenerChange {
  /** Completes the change. It cannot fail. */
  commit(): Promise<void>;
  /** Restores the listeners from before the change. */
  rollback(): Promise<void>;
}

/** A listener that stays open, and its new configuration. */
interface Kept {
  readonly opened: OpenedListener;
  readonly index: number;
}

/** The listeners of a configured server. */
export class ListenerSet {
  readonly #broker: Broker;
  readonly #binding: Binding;
  readonly #service: AdminService;
  #all: OpenedListener[] = [];

  /** @param service What an admin listener serves. */
  constructor(broker: Broker, binding: Binding, service: AdminService) {
    this.#service = service;
    this.#broker = broker;
    this.#binding = binding;
  }

  /** The port of each listener, in the order of the configuration; 0 for a Unix socket. */
  get ports(): number[] {
    return this.#all.map(({ port }) => port);
  }

  /** The policy of a listener, by its name; `null` if there is none. */
  policyOf(name: string): ListenerPolicy | null {
    return this.#all.find(({ policy }) => policy.name === name)?.policy ?? null;
  }

  /**
   * Opens all listeners of a configuration.
   *
   * @param ports The ports that another worker has found for them; empty for none.
   * @throws {StartError} If one cannot be opened.
   */
  async open(
    configuration: Configuration,
    material: readonly ListenerMaterial[],
    ports: readonly number[] = [],
  ): Promise<void> {
    for (const index of configuration.listeners.keys()) {
      const opened = await this.#open(configuration, index, material, ports[index]);
      if (opened !== null) this.#all.push(opened);
    }
  }

  /**
   * Opens new and changed listeners. A removed listener stops listening at once if a new one needs
   * its address. `commit()` closes removed listeners and their clients.
   *
   * @throws If one cannot be opened, or certificates cannot be used. Then nothing has changed.
   */
  async change(
    configuration: Configuration,
    material: readonly ListenerMaterial[],
  ): Promise<ListenerChange> {
    const { listeners } = configuration;
    const gone = new Set(this.#all);
    const kept: Kept[] = [];
    const fresh: number[] = [];
    for (const [index, listener] of listeners.entries()) {
      const opened = [...gone].find((one) => isSameBinding(one.configuration, listener));
      if (opened === undefined) fresh.push(index);
      else {
        gone.delete(opened);
        kept.push({ opened, index });
      }
    }
    const stopped: OpenedListener[] = [];
    const added: OpenedListener[] = [];
    const rollback = async () => {
      for (const listener of added) await listener.close();
      for (const { opened } of kept) opened.restoreTls();
      for (const listener of stopped) await this.#listenAgain(listener);
    };
    try {
      for (const { opened, index } of kept) opened.reloadTls(material[index]!);
      for (const listener of gone) {
        const isInTheWay = fresh.some((index) =>
          areAtOnePlace(listener.configuration, listeners[index]!)
        );
        if (!isInTheWay) continue;
        stopped.push(listener);
        await listener.stopListening();
      }
      for (const index of fresh) {
        const wasOurs = stopped.some((one) => areAtOnePlace(one.configuration, listeners[index]!));
        const open = () => this.#open(configuration, index, material);
        const opened = wasOurs ? await onceFree(open) : await open();
        if (opened !== null) added.push(opened);
      }
    } catch (error) {
      await rollback();
      throw error;
    }
    const commit = async () => {
      for (const { opened, index } of kept) {
        await opened.reload(listeners[index]!, configuration, material[index]!);
      }
      for (const listener of gone) {
        await listener.close();
        this.#binding.tell("notice", `Closed ${listener.name}, and the connections of its clients`);
      }
      this.#all = [...kept.map(({ opened }) => opened), ...added];
    };
    return { commit, rollback };
  }

  /** Closes the admin listeners, before the broker closes the others. */
  async closeAdmin(): Promise<void> {
    for (const opened of this.#all) {
      if (opened.configuration.settings.protocol === "http_api") await opened.stopListening();
    }
  }

  async #listenAgain(listener: OpenedListener): Promise<void> {
    try {
      await onceFree(() => listener.listen());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#binding.tell("warning", `Cannot listen on ${listener.name} again: ${why}`);
    }
  }

  /** Opens a listener, and reports it; `null` if it is optional and cannot be opened. */
  async #open(
    configuration: Configuration,
    index: number,
    material: readonly ListenerMaterial[],
    port?: number,
  ): Promise<OpenedListener | null> {
    const opened = await openAt(
      this.#broker,
      { configuration, index, port, binding: this.#binding },
      material,
      this.#service,
    );
    if (opened !== null) this.#binding.tell("notice", opened.line);
    else {
      const name = nameWithProtocol(configuration.listeners[index]!);
      this.#binding.tell("warning", `${name}: this machine has no IPv6`);
    }
    return opened;
  }
}

/** Repeats `open` while the address is in use, a limited number of times. */
async function onceFree<T>(open: () => Promise<T>): Promise<T> {
  for (let left = TRIES_MAX;; left--) {
    try {
      return await open();
    } catch (error) {
      const cause = error instanceof StartError ? error.cause : error;
      if (left === 0 || !(cause instanceof Deno.errors.AddrInUse)) throw error;
      await delay(TRY_MS);
    }
  }
}

/**
 * Opens a listener of a configuration. An error names the listener.
 *
 * @returns `null` for the IPv6 loopback address if it does not exist and the configuration does not
 * name it.
 */
async function openAt(
  broker: Broker,
  { configuration, index, port, binding }: {
    configuration: Configuration;
    index: number;
    port: number | undefined;
    binding: Binding;
  },
  material: readonly ListenerMaterial[],
  service: AdminService,
): Promise<OpenedListener | null> {
  const listener = configuration.listeners[index]!;
  const { file, line } = listener.place;
  const isShared = listener.path === null && listener.settings.protocol !== "http_api";
  try {
    return await OpenedListener.open(
      broker,
      listener,
      configuration,
      material[index]!,
      { service, port: port ?? listener.port, isBound: isShared || binding.isFirst },
    );
  } catch (error) {
    const isExtra = index > 0 && listener.host === "::1" &&
      listener.place === configuration.listeners[0]!.place;
    if (isExtra && error instanceof Deno.errors.AddrNotAvailable) return null;
    const where = line === 0 ? file : `${file}:${line}`;
    const wanted = {
      host: listener.host ?? "::",
      port: listener.port,
      hostBy: "in that line",
      portBy: "in that line",
    };
    const why = listener.path === null
      ? bindFault(error, wanted)
      : socketFault(error, listener.path);
    throw new StartError(`${where}: cannot listen on ${nameWithProtocol(listener)}: ${why}`, {
      cause: error,
    });
  }
}
