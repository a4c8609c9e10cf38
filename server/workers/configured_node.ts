/** One node of a server with a configuration file: a whole server in a worker. */
import type { SysCounts } from "../../admin/sys_counts.ts";
import type { Broker, ListenerPolicy } from "../../mod.ts";
import { ConfiguredServer, type Loaded } from "../configured_server.ts";
import { loadConfiguration } from "../load_configuration.ts";
import { Reloader } from "../reloader.ts";
import { forgottenAfter } from "../stored_broker.ts";
import type { DescriptorOwners } from "./descriptor_owners.ts";
import { nodeConfiguration } from "./node_configuration.ts";
import { NodeLinks } from "./node_links.ts";
import type { NodeListener, NodeSettings } from "./node_messages.ts";
import type { WorkerNode } from "./worker_node.ts";

/** A broker with its broker-wide rules, before its listeners are open. */
interface Opened {
  readonly broker: Broker;
  policyOf(listener: string): ListenerPolicy | null;
}

/** The state of the other nodes; `null` before they have told it. */
interface OtherNodes {
  counts: SysCounts | null;
}

/** A server that starts, and waits until it may listen. */
interface Starting {
  readonly server: Promise<ConfiguredServer>;
  readonly mayListen: (ports: readonly number[]) => void;
  readonly others: OtherNodes;
}

/** A server that has its part of a configuration. */
export class ConfiguredNode implements WorkerNode {
  readonly links: NodeLinks;
  readonly forgotten: string;
  readonly #reloader: Reloader;
  readonly #server: Promise<ConfiguredServer>;
  readonly #mayListen: (ports: readonly number[]) => void;
  readonly #others: OtherNodes;
  #running: ConfiguredServer | null = null;

  private constructor(
    settings: NodeSettings,
    owners: DescriptorOwners,
    { broker, policyOf }: Opened,
    reloader: Reloader,
    starting: Starting,
  ) {
    this.#reloader = reloader;
    this.#server = starting.server;
    this.#mayListen = starting.mayListen;
    this.#others = starting.others;
    this.forgotten = forgottenAfter(broker);
    const complain = (key: string, line: string) => {
      // If the start has failed, the supervisor hears why.
      void starting.server.then((server) => server.complainSeldom(key, line), () => {});
    };
    this.links = new NodeLinks({ ...settings, owners }, { broker, policyOf, complain });
  }

  /**
   * Reads the configuration, and opens the store and the broker.
   *
   * @throws {ConfigError} If anything is wrong with the configuration.
   */
  static async open(
    settings: NodeSettings,
    path: string,
    owners: DescriptorOwners,
  ): Promise<ConfiguredNode> {
    const { node, nodes, version, connectionsMax, memoryBytesMax } = settings;
    const partOf = ({ configuration, material }: Loaded): Loaded => ({
      configuration: nodeConfiguration(configuration, { node, nodes }),
      material,
    });
    const reloader: Reloader = new Reloader(async () => {
      return partOf(await loadConfiguration(path, reloader.failed));
    });
    const whole = await loadConfiguration(path, reloader.failed);
    const opened = Promise.withResolvers<Opened>();
    const ports = Promise.withResolvers<readonly number[]>();
    const others: OtherNodes = { counts: null };
    const server = ConfiguredServer.start(partOf(whole), {
      version,
      connectionsMax,
      memoryBytesMax,
      streams: [],
      reload: () => reloader.run(),
      node: {
        isFirst: node === 0,
        others: () => others.counts,
        beforeListening: (broker, policyOf) => {
          opened.resolve({ broker, policyOf });
          return ports.promise;
        },
      },
    });
    server.catch((error) => opened.reject(error));
    return new ConfiguredNode(settings, owners, await opened.promise, reloader, {
      server,
      mayListen: ports.resolve,
      others,
    });
  }

  async listen(listeners: readonly NodeListener[]): Promise<{ hostname: string; ports: number[] }> {
    this.#mayListen(listeners.map(({ port }) => port));
    const server = this.#running = await this.#server;
    this.links.begin();
    this.#reloader.begin(server);
    return { hostname: "", ports: server.ports };
  }

  reload(): Promise<readonly string[]> {
    return this.#reloader.run();
  }

  get counts(): SysCounts | null {
    return this.#running?.state?.own ?? null;
  }

  takeOthers(counts: SysCounts): void {
    this.#others.counts = counts;
  }

  administer(): Promise<number> {
    throw new Error("The configuration has no admin listener for workers");
  }

  async stop(graceMs: number): Promise<void> {
    await (await this.#server).close(graceMs);
    this.links.close();
  }
}
