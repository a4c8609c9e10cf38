/** One node of a server: a whole broker in a worker. */
import { TokenFile } from "../../admin/access/token_file.ts";
import type { AdminListener } from "../../admin/mod.ts";
import type { SysCounts } from "../../admin/sys_counts.ts";
import type { SysStreams } from "../../admin/sys_topics.ts";
import { Telemetry } from "../../admin/telemetry.ts";
import { Broker, type BrokerOptions, SysTopics } from "../../mod.ts";
import { complain, say } from "../../cli/terminal.ts";
import type { ListenerPolicy } from "../../broker/base/listener_policy.ts";
import { bindFault } from "../bind_fault.ts";
import { afterwards } from "../log_outputs.ts";
import { ServerStreams } from "../server_streams.ts";
import { StartError } from "../start_error.ts";
import { forgottenAfter, openStoredBroker } from "../stored_broker.ts";
import { terminalHooks } from "../terminal_hooks.ts";
import { TerminalLines } from "../terminal_lines.ts";
import { NodeLinks, type SharedState } from "./node_links.ts";
import type { NodeAdminSettings, NodeListener, NodeSettings } from "./node_messages.ts";
import type { WorkerNode } from "./worker_node.ts";

/** A broker in a worker, with the listeners that all nodes share. */
export class ServerNode implements WorkerNode {
  readonly links: NodeLinks;
  readonly #broker: Broker;
  readonly #lines: TerminalLines;
  readonly #state: SysTopics;
  readonly #telemetry: Telemetry | null;
  #others: SysCounts | null = null;
  #otherStreams: SysStreams = {};
  #admin: AdminListener | null = null;
  readonly #version: string;
  /** By the name of the listener. */
  readonly #policies = new Map<string, ListenerPolicy>();

  private constructor(
    settings: NodeSettings,
    shared: SharedState,
    broker: Broker,
    lines: TerminalLines,
  ) {
    this.#broker = broker;
    this.#version = settings.version;
    this.#lines = lines;
    this.links = new NodeLinks({ ...settings, ...shared }, {
      broker,
      policyOf: (listener) => this.#policies.get(listener) ?? null,
      complain: (key, line) => lines.complain(key, line),
    });
    const { version } = settings;
    this.#state = new SysTopics(broker, {
      version,
      others: () => this.#others,
      otherStreams: () => this.#otherStreams,
    });
    this.#telemetry = Telemetry.start(broker, { version }, { worker: `${settings.node}` });
  }

  /**
   * Opens the store and the broker.
   *
   * @param inform Takes lines for the operator.
   * @throws If the store cannot be opened.
   */
  static async open(
    settings: NodeSettings,
    shared: SharedState,
    inform: (line: string) => void,
  ): Promise<ServerNode> {
    const lines = new TerminalLines(afterwards, say, complain);
    const { directory, strictStore, connectionsMax, memoryBytesMax } = settings;
    const options: BrokerOptions = {
      limits: { connectionsMax, memoryBytesMax },
      hooks: terminalHooks(lines, settings.verbose),
    };
    const warn = (text: string) => complain(`WARNING: ${text}`);
    const broker = directory === null
      ? new Broker(options)
      : await openStoredBroker(directory, strictStore, options, { inform, warn });
    // Before there are links to other nodes, which send what is published for the streams.
    if (settings.node === 0) {
      const told = { streams: [], removedStreams: [], limits: {} };
      await new ServerStreams(broker, settings.streams, inform).open(told);
    }
    return new ServerNode(settings, shared, broker, lines);
  }

  /** How long sessions of clients that stay away are kept, in words. */
  get forgotten(): string {
    return forgottenAfter(this.#broker);
  }

  /**
   * Opens the listeners. All nodes of the process listen on the same ports.
   *
   * @returns The address and the ports.
   * @throws {StartError} If an address cannot be bound.
   */
  async listen(listeners: readonly NodeListener[]): Promise<{ hostname: string; ports: number[] }> {
    let hostname = "";
    const ports: number[] = [];
    for (const { hostname: host, port, webSocket } of listeners) {
      const name = webSocket ? "websockets" : "mqtt";
      const policy = this.#broker.listenerPolicy({ name });
      this.#policies.set(name, policy);
      const native = { reusePort: true };
      const options = { hostname: host, port, native, policy, webSocket };
      try {
        const listener = await this.#broker.listen(options);
        hostname = listener.hostname;
        ports.push(listener.port);
      } catch (error) {
        const by = { portBy: `with --${webSocket ? "ws-" : ""}port`, hostBy: "with --host" };
        const why = bindFault(error, { host, port, ...by });
        throw new StartError(`cannot listen on ${host}:${port}: ${why}`, { cause: error });
      }
    }
    this.links.begin();
    return { hostname, ports };
  }

  /** There is nothing to read again. */
  reload(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  get counts(): SysCounts {
    return this.#state.own;
  }

  get streams(): SysStreams {
    return this.#state.ownStreams;
  }

  takeOthers(counts: SysCounts, streams: SysStreams): void {
    this.#others = counts;
    this.#otherStreams = streams;
  }

  /** It has no configuration, so the supervisor serves the API of all nodes. */
  takeAdmins(): void {}

  /** There are no accounts without a configuration. */
  takeSecurity(): void {}

  takeGone(): void {}

  async administer({ tokens, listeners }: NodeAdminSettings): Promise<number> {
    const { listenAdmin } = await import("../../admin/mod.ts");
    const others = () => this.#others;
    const operations = { version: this.#version, listeners: () => listeners ?? [], others };
    const tokenFile = new TokenFile(tokens);
    this.#admin = await listenAdmin(this.#broker, { port: 0, tokenFile, operations });
    return this.#admin.port;
  }

  /** Closes everything. */
  async stop(graceMs: number): Promise<void> {
    await this.#admin?.close();
    this.#telemetry?.stop();
    this.#state.stop();
    await this.#broker.close({ graceMs });
    this.links.close();
    this.#lines.flush();
  }
}
