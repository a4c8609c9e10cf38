/** What a server with a configuration file is told beside it. */
import type { Operations } from "../admin/mod.ts";
import type { SysCounts } from "../admin/sys_counts.ts";
import type { SysStreams } from "../admin/sys_topics.ts";
import type { ListenerPolicy } from "../broker/base/listener_policy.ts";
import type { OperatorLog } from "../admin/operator_log.ts";
import type { DynamicSecurity } from "../auth/dynsec/dynamic_security.ts";
import type { SecurityInEffect } from "../auth/dynsec/security_in_effect.ts";
import type { SecurityPeers } from "../auth/dynsec/security_peers.ts";
import type { Broker, StreamOptions } from "../mod.ts";
import type { AdminService } from "./admin_listener.ts";

/** Properties of a server that are not in its configuration. */
export interface ServerSurroundings {
  /** The version that the server reports. */
  readonly version: string;
  /** The maximum number of connections that the file descriptors allow. */
  readonly connectionsMax: number;
  /** The memory budget for this machine, in bytes; 0 for a share of the heap. */
  readonly memoryBytesMax: number;
  /** The streams of the command line. */
  readonly streams: readonly StreamOptions[];
  /** Reads the configuration again. Returns what is wrong with it, a line each. */
  readonly reload: () => Promise<readonly string[]>;
  /** For a worker; none by default. */
  readonly node?: NodeSurroundings;
}

/** What differs for a server that is one of several workers. */
export interface NodeSurroundings {
  /** Its number, from 0 on. */
  readonly number: number;
  /** Whether it is the first one, which alone tells the operator what holds for all. */
  readonly isFirst: boolean;
  /** The state of the other nodes, for `$SYS`; `null` while it is not known. */
  others(): SysCounts | null;
  /** The state of their streams. */
  otherStreams(): SysStreams;
  readonly accounts: AccountsSource;
  /** What the admin listeners serve in place of the API of this node. */
  readonly admin: Omit<AdminService, "operations">;
  /**
   * Called when the broker is open. The listeners are opened when it resolves, to the ports that
   * another worker has found for them; empty for none.
   */
  beforeListening(opened: OpenedNode): Promise<readonly number[]>;
}

/** Where a node has its accounts from. */
export interface AccountsSource {
  /** The other nodes, if this one owns the accounts; `null` if another one does. */
  readonly peers: SecurityPeers | null;
  /** Opens a replica of the accounts; `null` if this node owns them. */
  follow(broker: Broker): Promise<SecurityInEffect> | null;
  /** The accounts are open, on the node that owns them. */
  onOpened(security: DynamicSecurity): void;
}

/** A node whose broker is open, and whose listeners are not. */
export interface OpenedNode {
  readonly broker: Broker;
  /** The operations of the node, for its own API. */
  readonly operations: Operations;
  /** The policy of a listener, by its name; `null` if there is none. */
  policyOf(listener: string): ListenerPolicy | null;
}

/** Tells the operator. */
export type Tell = (type: "information" | "notice" | "warning", text: string) => void;

/** Of several workers the first one alone tells what holds for all. */
export function tellerOf(log: OperatorLog, node: NodeSurroundings | null): Tell {
  const isFirst = node?.isFirst ?? true;
  return (type, text) => {
    if (isFirst) log.write(type, text);
  };
}
