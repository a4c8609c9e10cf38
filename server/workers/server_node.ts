/** One node of a server: a whole broker in a worker. */
import { Broker, type BrokerOptions, SysTopics } from "../../mod.ts";
import { openLibc } from "../../transport/native/ffi_libc.ts";
import { NativeSockets } from "../../transport/native/native_sockets.ts";
import { ringTransport } from "../../transport/ring/ring_transport.ts";
import { unread } from "../../transport/unread_transport.ts";
import { Cluster } from "../../cluster/cluster.ts";
import { complain, say } from "../../cli/terminal.ts";
import type { ListenerPolicy } from "../../broker/base/listener_policy.ts";
import { bindFault } from "../bind_fault.ts";
import { afterwards } from "../log_outputs.ts";
import { StartError } from "../start_error.ts";
import { forgottenAfter, openStoredBroker } from "../stored_broker.ts";
import { terminalHooks } from "../terminal_hooks.ts";
import { TerminalLines } from "../terminal_lines.ts";
import { ConnectionExchange } from "./connection_exchange.ts";
import { type DescriptorOwners, RecordingLibc } from "./descriptor_owners.ts";
import type { HandedConnection, NodeListener, NodeSettings, PeerWay } from "./node_messages.ts";

/** A broker in a worker, with the listeners that all nodes share. */
export class ServerNode {
  readonly #broker: Broker;
  readonly #exchange: ConnectionExchange;
  readonly #cluster: Cluster;
  readonly #lines: TerminalLines;
  readonly #state: SysTopics;
  /** By the name of the listener. */
  readonly #policies = new Map<string, ListenerPolicy>();

  private constructor(
    { node, nodes, version }: NodeSettings,
    owners: DescriptorOwners,
    broker: Broker,
    lines: TerminalLines,
  ) {
    this.#broker = broker;
    this.#lines = lines;
    this.#exchange = new ConnectionExchange({
      node,
      nodes,
      owners,
      take: (connection) => this.#take(connection),
      onLost: () => lines.complain("lost", `Worker ${node}: another worker does not run now`),
    });
    const reportError = (error: unknown) => lines.complain("failed", String(error));
    const libc = new RecordingLibc(openLibc(), owners, node);
    broker.handover.begin(this.#exchange, new NativeSockets({ libc, reportError }));
    this.#cluster = new Cluster(broker.nodePort, { node, nodes });
    this.#state = new SysTopics(broker, { version });
  }

  /**
   * Opens the store and the broker.
   *
   * @param inform Takes lines for the operator.
   * @throws If the store cannot be opened.
   */
  static async open(
    settings: NodeSettings,
    owners: DescriptorOwners,
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
    return new ServerNode(settings, owners, broker, lines);
  }

  /** How long sessions of clients that stay away are kept, in words. */
  get forgotten(): string {
    return forgottenAfter(this.#broker);
  }

  /** There is a way to another node from now on. */
  link({ peer, port, messages, control, side }: PeerWay): void {
    this.#exchange.join(peer, port);
    this.#cluster.join(peer, {
      messages: ringTransport(messages, side),
      control: ringTransport(control, side),
    });
  }

  /** Resolves when all nodes are joined to which there is a way, or their ways have ended. */
  async whenJoined(): Promise<void> {
    for (let peer = 0; peer < this.#cluster.nodes; peer++) {
      await this.#cluster.peer(peer)?.whenJoined();
    }
  }

  /** Another node does not run. */
  part(peer: number): void {
    this.#exchange.part(peer);
    this.#cluster.peer(peer)?.end();
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
    return { hostname, ports };
  }

  /** Closes everything. */
  async stop(graceMs: number): Promise<void> {
    this.#state.stop();
    await this.#broker.close({ graceMs });
    this.#cluster.close();
    this.#exchange.close();
    this.#lines.flush();
  }

  #take(connection: HandedConnection): void {
    const { received, peer, listener } = connection;
    // All nodes have the same listeners, but they do not open them at the same moment.
    const policy = this.#policies.get(listener) ?? this.#broker.listenerPolicy({ name: listener });
    if (connection.kind === "socket") {
      const socket = { fd: connection.fd, unread: received };
      return void this.#broker.handover.adopt(socket, peer, policy);
    }
    const transport = unread(ringTransport(connection.ring, 1), received);
    this.#broker.accept(transport, { ...peer, isAdmitted: true }, policy);
  }
}
