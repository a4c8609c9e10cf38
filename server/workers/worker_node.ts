/** The interface of a node to its worker, whatever it was started with. */
import type { SysCounts } from "../../admin/sys_counts.ts";
import type { SysStreams } from "../../admin/sys_topics.ts";
import type { NodeLinks } from "./node_links.ts";
import type { NodeAdminSettings, NodeAdminView, NodeListener } from "./node_messages.ts";
import type { SecurityMessage } from "./security_messages.ts";

/** A node: a broker, and what belongs to its server. */
export interface WorkerNode {
  /** Its ways to the other nodes. */
  readonly links: NodeLinks;
  /** How long sessions of clients that stay away are kept, in words. */
  readonly forgotten: string;
  /**
   * Opens the listeners. All nodes of the process listen on the same ports.
   *
   * @param listeners Those of the command line, or the ports of those of a configuration.
   * @returns The address of the first one, and all ports.
   * @throws {StartError} If an address cannot be bound.
   */
  listen(listeners: readonly NodeListener[]): Promise<{ hostname: string; ports: number[] }>;
  /** Reads its configuration again. Returns what is wrong with it, a line each. */
  reload(): Promise<readonly string[]>;
  /** Its state, for `$SYS`; `null` if it tells nothing there. */
  readonly counts: SysCounts | null;
  /** The state of its streams, for `$SYS`. */
  readonly streams: SysStreams;
  /** Takes the state of the other nodes, and that of their streams. */
  takeOthers(counts: SysCounts, streams: SysStreams): void;
  /** Opens its admin listener, which only its process uses. Returns its port. */
  administer(settings: NodeAdminSettings): Promise<number>;
  /** Takes where the admin listeners of all nodes are. */
  takeAdmins(view: NodeAdminView): void;
  /** Takes what another node tells about accounts. */
  takeSecurity(from: number, message: SecurityMessage): void;
  /** Another node does not run, and has not heard what it was told about accounts. */
  takeGone(node: number): void;
  /** Closes everything. */
  stop(graceMs: number): Promise<void>;
}
