/** One node of a server with a configuration file: a whole server in a worker. */
import { TokenFile } from "../../admin/access/token_file.ts";
import type { AdminListener } from "../../admin/mod.ts";
import type { SysCounts } from "../../admin/sys_counts.ts";
import type { SysStreams } from "../../admin/sys_topics.ts";
import type { AdminService } from "../admin_listener.ts";
import { ConfiguredServer, type Loaded } from "../configured_server.ts";
import { loadConfiguration } from "../load_configuration.ts";
import { Reloader } from "../reloader.ts";
import type { OpenedNode } from "../server_surroundings.ts";
import { forgottenAfter } from "../stored_broker.ts";
import { nodeConfiguration } from "./node_configuration.ts";
import { NodeAccounts } from "./node_accounts.ts";
import { NodeAdmins } from "./node_admins.ts";
import { NodeLinks, type SharedState } from "./node_links.ts";
import type {
  NodeAdminSettings,
  NodeAdminView,
  NodeListener,
  NodeSettings,
} from "./node_messages.ts";
import type { PostSecurity, SecurityMessage } from "./security_messages.ts";
import type { WorkerNode } from "./worker_node.ts";

/** What the supervisor tells about the other nodes. */
interface OtherNodes {
  /** Their state; `null` before they have told it. */
  counts: SysCounts | null;
  streams: SysStreams;
  /** Where the admin listeners of all nodes are; `null` while there are none. */
  admins: NodeAdminView | null;
  /** The same ports, as they change. */
  readonly adminPorts: (number | null)[];
}

/** A server that starts, and waits until it may listen. */
interface Starting {
  readonly server: Promise<ConfiguredServer>;
  readonly mayListen: (ports: readonly number[]) => void;
  readonly others: OtherNodes;
  readonly accounts: NodeAccounts;
}

/** The supervisor, as a node needs it. */
export interface NodeSupervisor {
  /** Has all nodes read the configuration again. Returns what is wrong with it, a line each. */
  reloadAll(): Promise<readonly string[]>;
  /** Tells another node something about accounts. */
  readonly post: PostSecurity;
}

/** A server that has its part of a configuration. */
export class ConfiguredNode implements WorkerNode {
  readonly links: NodeLinks;
  readonly forgotten: string;
  readonly #reloader: Reloader;
  readonly #server: Promise<ConfiguredServer>;
  readonly #mayListen: (ports: readonly number[]) => void;
  readonly #others: OtherNodes;
  readonly #opened: OpenedNode;
  readonly #accounts: NodeAccounts;
  #running: ConfiguredServer | null = null;
  #admin: AdminListener | null = null;

  private constructor(
    settings: NodeSettings,
    shared: SharedState,
    opened: OpenedNode,
    reloader: Reloader,
    starting: Starting,
  ) {
    this.#reloader = reloader;
    this.#server = starting.server;
    this.#mayListen = starting.mayListen;
    this.#others = starting.others;
    this.#accounts = starting.accounts;
    this.#opened = opened;
    const { broker, policyOf } = opened;
    this.forgotten = forgottenAfter(broker);
    const complain = (key: string, line: string) => {
      // If the start has failed, the supervisor hears why.
      void starting.server.then((server) => server.complainSeldom(key, line), () => {});
    };
    this.links = new NodeLinks({ ...settings, ...shared }, { broker, policyOf, complain });
  }

  /**
   * Reads the configuration, and opens the store and the broker.
   *
   * @throws {ConfigError} If anything is wrong with the configuration.
   */
  static async open(
    settings: NodeSettings,
    path: string,
    shared: SharedState,
    supervisor: NodeSupervisor,
  ): Promise<ConfiguredNode> {
    const { node, nodes, version, connectionsMax, memoryBytesMax } = settings;
    const partOf = ({ configuration, material }: Loaded): Loaded => ({
      configuration: nodeConfiguration(configuration, { node, nodes }),
      material,
      whole: configuration,
    });
    const reloader: Reloader = new Reloader(async () => {
      return partOf(await loadConfiguration(path, reloader.failed));
    });
    const whole = await loadConfiguration(path, reloader.failed);
    const opened = Promise.withResolvers<OpenedNode>();
    const ports = Promise.withResolvers<readonly number[]>();
    const others: OtherNodes = { counts: null, streams: {}, admins: null, adminPorts: [] };
    const accounts = new NodeAccounts(node, nodes, (to, message) => supervisor.post(to, message));
    const server = ConfiguredServer.start(partOf(whole), {
      version,
      connectionsMax,
      memoryBytesMax,
      streams: node === 0 ? settings.streams : [],
      reload: () => supervisor.reloadAll(),
      node: {
        number: node,
        isFirst: node === 0,
        others: () => others.counts,
        otherStreams: () => others.streams,
        accounts,
        admin: serviceOf(others),
        beforeListening: (node) => {
          opened.resolve(node);
          return ports.promise;
        },
      },
    });
    server.catch((error) => opened.reject(error));
    return new ConfiguredNode(settings, shared, await opened.promise, reloader, {
      server,
      mayListen: ports.resolve,
      others,
      accounts,
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

  get streams(): SysStreams {
    return this.#running?.state?.ownStreams ?? {};
  }

  takeOthers(counts: SysCounts, streams: SysStreams): void {
    this.#others.counts = counts;
    this.#others.streams = streams;
  }

  takeSecurity(from: number, message: SecurityMessage): void {
    this.#accounts.receive(from, message);
  }

  takeGone(node: number): void {
    this.#accounts.onGone(node);
  }

  takeAdmins(view: NodeAdminView): void {
    const { adminPorts } = this.#others;
    this.#others.admins = view;
    adminPorts.splice(0, adminPorts.length, ...view.ports);
  }

  async administer({ tokens }: NodeAdminSettings): Promise<number> {
    const { listenAdmin } = await import("../../admin/mod.ts");
    // The listener that was asked logs who has changed what.
    const { audit: _, ...operations } = this.#opened.operations;
    const tokenFile = new TokenFile(tokens);
    this.#admin = await listenAdmin(this.#opened.broker, { port: 0, tokenFile, operations });
    return this.#admin.port;
  }

  async stop(graceMs: number): Promise<void> {
    await this.#admin?.close();
    await (await this.#server).close(graceMs);
    this.links.close();
  }
}

/** What the admin listeners of the configuration serve: the API of all nodes. */
function serviceOf(others: OtherNodes): Omit<AdminService, "operations"> {
  return {
    api: async (operations) => {
      const { MergedApi } = await import("./merged_api.ts");
      return new MergedApi(new NodeAdmins(others.adminPorts, others.admins!.tokens), operations);
    },
    token: () => others.admins!.printed,
  };
}
