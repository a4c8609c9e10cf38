/** Starts the workers of a server, keeps them running, and stops them. */
import { newToken } from "../../admin/access/token_file.ts";
import type { SysStreams } from "../../admin/sys_topics.ts";
import { SharedLimits } from "../../broker/limits/shared_limits.ts";
import { complain } from "../../cli/terminal.ts";
import { openLibc } from "../../transport/native/ffi_libc.ts";
import { closeRing, makeRing, type RingBuffers } from "../../transport/ring/ring_buffers.ts";
import { NodeCounts } from "./node_counts.ts";
import { DescriptorOwners } from "./descriptor_owners.ts";
import { NodeHandle } from "./node_handle.ts";
import { makeNodeTokens } from "./admin_token.ts";
import type {
  NodeAdminSettings,
  NodeAdminView,
  NodeListener,
  NodeSettings,
} from "./node_messages.ts";

/** The wait before a worker that has died is started again, in milliseconds. It doubles each time. */
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 10_000;
/** A worker that has run for so long, in milliseconds, begins with the shortest wait again. */
const STEADY_MS = 60_000;

/** What all nodes have in common. */
export type SharedSettings = Omit<NodeSettings, "node" | "nodes" | "directory"> & {
  /** The directory of all stores; `null` to keep everything in memory. */
  readonly directory: string | null;
};

/** What a configuration adds. */
export interface ConfiguredParts {
  /** Whether it has an admin listener. */
  readonly hasAdmin: boolean;
  /**
   * Has the configuration read again, because the API of a node was asked for it. It may wait until
   * the server has started. Returns what is wrong with it, a line each.
   */
  reload(): Promise<readonly string[]>;
}

/** What the nodes say about their start. */
export interface Started {
  readonly hostname: string;
  readonly ports: readonly number[];
  /** Lines for the operator. */
  readonly lines: readonly string[];
  /** How long sessions are kept, in words. */
  readonly forgotten: string;
}

/** The nodes of one server, each in a worker of its own. */
export class Supervisor {
  readonly #settings: SharedSettings;
  readonly #configured: ConfiguredParts | null;
  readonly #nodes: NodeHandle[] = [];
  readonly #owners = new DescriptorOwners();
  /** What all nodes count together. */
  readonly #limits: SharedLimits;
  #streams: SysStreams = {};
  readonly #restartMs: number[] = [];
  /** Whether each node has opened its store and its broker. */
  readonly #isUp: boolean[] = [];
  /** The rings of each way between two nodes. */
  readonly #rings = new Map<string, { messages: RingBuffers; control: RingBuffers }>();
  readonly #counts = new NodeCounts();
  #admin: NodeAdminSettings | null = null;
  /** What the first node needs to serve the API of all nodes; `null` if it does not. */
  #view: Omit<NodeAdminView, "ports"> | null = null;
  /** Where the admin listener of each node is; `null` while it does not run. */
  readonly adminPorts: (number | null)[] = [];
  #listeners: readonly NodeListener[] = [];
  #isStopping = false;
  /** Restarts, of workers and links, that are in progress. */
  readonly #restarts = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  private constructor(
    count: number,
    settings: SharedSettings,
    configured: ConfiguredParts | null,
  ) {
    this.#limits = new SharedLimits(count, 0);
    this.#settings = settings;
    this.#configured = configured;
  }

  /**
   * Starts the nodes, and has them listen.
   *
   * @param configured For nodes with a configuration.
   * @throws {NodeStartError} If one of them cannot start. Then none runs.
   */
  static async start(
    count: number,
    settings: SharedSettings,
    listeners: readonly NodeListener[],
    configured: ConfiguredParts | null = null,
  ): Promise<{ supervisor: Supervisor; started: Started }> {
    const supervisor = new Supervisor(count, settings, configured);
    try {
      return { supervisor, started: await supervisor.#start(count, listeners) };
    } catch (error) {
      supervisor.#isStopping = true;
      for (const node of supervisor.#nodes) node.kill(asError(error));
      throw error;
    }
  }

  /** Ends the worker of a node at once, whatever it does. It is started again. */
  kill(node: number): void {
    this.#nodes[node]!.kill(new Error("it was killed"));
  }

  /** Breaks the way between two nodes, as a fault would. It is made again. */
  cut(a: number, b: number): void {
    const rings = this.#rings.get(wayOf(a, b));
    if (rings !== undefined) closeRing(rings.messages);
  }

  /**
   * Has all nodes read their configuration again. The first one, which tells the operator, is the
   * last to do so: what it says then holds for all.
   *
   * @param isValid Whether the configuration can be used. If not, the first node alone reads it, and
   * tells why.
   * @returns What is wrong with it, a line each.
   */
  async reload(isValid: boolean): Promise<readonly string[]> {
    const [first, ...others] = this.#nodes as [NodeHandle, ...NodeHandle[]];
    // One that has just died reads the file when it starts again.
    if (isValid) await Promise.allSettled(others.map((node) => node.reload()));
    const [told] = await Promise.allSettled([first.reload()]);
    return told.status === "fulfilled" ? told.value : ["The first worker is being started again"];
  }

  /** Has all nodes open their admin listeners, also after they were started again. */
  async administer(settings: NodeAdminSettings): Promise<void> {
    this.#admin = settings;
    await Promise.all(this.#nodes.map(async (node, i) => {
      this.adminPorts[i] = null;
      try {
        this.adminPorts[i] = await node.administer(settings);
      } catch (error) {
        // One that has just died does it when it is started again.
        if (this.#isUp[i]) complain(`Worker ${i} has no API: ${asError(error).message}`);
      }
    }));
  }

  /** Has the first node serve the API of all nodes, on the admin listeners of its configuration. */
  async serveAdmin(): Promise<void> {
    if (this.#view !== null) return;
    const { tokens, entries } = await makeNodeTokens();
    await this.administer({ tokens: entries, listeners: null });
    this.#view = { tokens, printed: newToken() };
    this.#tellAdmins();
  }

  /** Tells the first node where the admin listeners of all nodes are. */
  #tellAdmins(): void {
    if (this.#view !== null) this.#nodes[0]!.tellAdmins({ ...this.#view, ports: this.adminPorts });
  }

  /** Stops all nodes. Clients have so many milliseconds to take what waits for them. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#stopping.abort();
    await Promise.all(this.#restarts);
    await Promise.all(this.#nodes.map((node) =>
      node.stop(graceMs).catch((error) => {
        complain(`A worker has failed while it stopped: ${error.message}`);
      })
    ));
  }

  async #start(count: number, listeners: readonly NodeListener[]): Promise<Started> {
    for (let i = 0; i < count; i++) this.#nodes.push(new NodeHandle());
    const opened = await Promise.all(this.#nodes.map((node, i) => this.#open(node, i)));
    for (let i = 0; i < count; i++) {
      this.#isUp[i] = true;
      for (let j = 0; j < i; j++) await this.#link(i, j);
    }
    await Promise.all(this.#nodes.map((node) => node.join()));
    if (this.#configured?.hasAdmin) await this.serveAdmin();
    // The first one chooses ports that are free, where none is told.
    const [first, ...others] = this.#nodes as [NodeHandle, ...NodeHandle[]];
    const { hostname, ports } = await first.listen(listeners);
    this.#listeners = this.#settings.config === null
      ? listeners.map((listener, i) => ({ ...listener, port: ports[i]! }))
      : ports.map((port) => ({ hostname: "", port, webSocket: false }));
    await Promise.all(others.map((node) => node.listen(this.#listeners)));
    for (const i of this.#nodes.keys()) this.#watch(i);
    const lines = [...new Set(opened.flatMap(({ lines }) => lines))];
    return { hostname, ports, lines, forgotten: opened[0]!.forgotten };
  }

  #open(node: NodeHandle, i: number) {
    const { directory } = this.#settings;
    node.onCounts = (counts, streams) => {
      // The first node has them all.
      if (i === 0) this.#streams = streams;
      node.tellOthers(this.#counts.take(i, counts), i === 0 ? {} : this.#streams);
    };
    node.onLinkLost = (peer, why) => this.#follow(this.#relink(i, peer, why));
    node.onReloadWanted = () => {
      const reloaded = this.#configured?.reload() ?? Promise.resolve([]);
      void reloaded.then((faults) => node.tellReloaded(faults));
    };
    node.onSecurity = (to, message) => {
      if (this.#isUp[to]) this.#nodes[to]!.tellSecurity(i, message);
      else node.tellGone(to);
    };
    const settings = {
      ...this.#settings,
      node: i,
      nodes: this.#nodes.length,
      directory: directory === null ? null : `${directory}/${i}`,
    };
    return node.open(settings, this.#owners.buffer, this.#limits.buffers);
  }

  /** Makes the way between two nodes. */
  async #link(a: number, b: number): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const rings = { messages: makeRing(), control: makeRing() };
    this.#rings.set(wayOf(a, b), rings);
    await Promise.all([
      this.#nodes[a]!.link({ ...rings, peer: b, port: port1, side: 0 }),
      this.#nodes[b]!.link({ ...rings, peer: a, port: port2, side: 1 }),
    ]);
  }

  /** Ends the way between a node that has died and another one. */
  async #part(dead: number, other: number): Promise<void> {
    const rings = this.#rings.get(wayOf(dead, other));
    if (rings === undefined) return;
    this.#rings.delete(wayOf(dead, other));
    closeRing(rings.messages);
    closeRing(rings.control);
    await this.#nodes[other]!.part(dead);
  }

  /**
   * Makes the way between two nodes again whose link has ended, unless one of them has died. A worker
   * that stands still does not answer, so it is ended, and started again.
   */
  async #relink(a: number, b: number, why: string): Promise<void> {
    const rings = this.#rings.get(wayOf(a, b));
    // Both may tell it.
    if (rings === undefined || this.#isStopping) return;
    complain(`Workers ${a} and ${b} are linked again in ${RESTART_MS_MIN} ms: ${why}`);
    await Promise.allSettled([this.#part(a, b), this.#nodes[a]!.part(b)]);
    if (!await this.#wait(RESTART_MS_MIN)) return;
    // One that has been started again meanwhile has its ways.
    if (!this.#isUp[a] || !this.#isUp[b] || this.#rings.has(wayOf(a, b))) return;
    await this.#link(a, b).catch(() => {
      // It has died, and is started again.
    });
  }

  /** Starts a node again when its worker has died. */
  #watch(i: number): void {
    const sinceMs = performance.now();
    void this.#nodes[i]!.died.then((error) => {
      this.#setDown(i);
      this.#counts.onDied(i);
      this.adminPorts[i] = null;
      if (this.#isStopping) return;
      if (i !== 0) this.#tellAdmins();
      if (performance.now() - sinceMs > STEADY_MS) this.#restartMs[i] = 0;
      this.#follow(this.#restart(i, error));
    });
  }

  /** A node does not run any more. What it was told is lost. */
  #setDown(i: number): void {
    this.#isUp[i] = false;
    for (const [j, node] of this.#nodes.entries()) if (this.#isUp[j]) node.tellGone(i);
  }

  /** Has a stop wait for something. */
  #follow(work: Promise<void>): void {
    const followed = work.finally(() => this.#restarts.delete(followed));
    this.#restarts.add(followed);
  }

  async #restart(i: number, error: Error): Promise<void> {
    const waitMs = this.#restartMs[i] ||= RESTART_MS_MIN;
    this.#restartMs[i] = Math.min(2 * waitMs, RESTART_MS_MAX);
    complain(`Worker ${i} has died, and is started again in ${waitMs} ms: ${error.message}`);
    this.#nodes[i]!.kill(error);
    const others = [...this.#nodes.keys()].filter((j) => j !== i);
    // Those that die meanwhile hand nothing over either.
    await Promise.allSettled(others.map((other) => this.#part(i, other)));
    if (!await this.#wait(waitMs)) return;
    // Its thread is gone, and nobody hands it anything. Now its clients learn that it has ended.
    const libc = openLibc();
    for (const fd of this.#owners.takeAll(i)) libc.close(fd);
    libc.unload();
    this.#limits.clear(i);
    const node = this.#nodes[i] = new NodeHandle();
    try {
      await this.#open(node, i);
      this.#isUp[i] = true;
      // The others that are down make the way to this one when they are up.
      await Promise.allSettled(others.filter((j) => this.#isUp[j]).map((j) => this.#link(i, j)));
      await node.join();
      if (this.#admin !== null) this.adminPorts[i] = await node.administer(this.#admin);
      this.#tellAdmins();
      await node.listen(this.#listeners);
      complain(`Worker ${i} runs again`);
      this.#watch(i);
    } catch (failure) {
      this.#setDown(i);
      if (!this.#isStopping) return await this.#restart(i, asError(failure));
    }
  }

  /** Waits. Returns false if the server is stopped meanwhile. */
  #wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const { signal } = this.#stopping;
      if (signal.aborted) return resolve(false);
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", abort);
        resolve(true);
      }, ms);
      const abort = () => {
        clearTimeout(timer);
        resolve(false);
      };
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

/** The name of the way between two nodes. */
function wayOf(a: number, b: number): string {
  return `${Math.min(a, b)} ${Math.max(a, b)}`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
