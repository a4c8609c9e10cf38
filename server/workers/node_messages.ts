/** What the supervisor and the worker of a node tell each other. */
import type { TokenEntry } from "../../admin/access/token_file.ts";
import type { ListenerInfo } from "../../admin/api/operations.ts";
import type { SysCounts } from "../../admin/sys_counts.ts";
import type { SysStreams } from "../../admin/sys_topics.ts";
import type { RingBuffers, RingSide } from "../../transport/ring/ring_buffers.ts";
import type { SharedLimitBuffers } from "../../broker/limits/shared_limits.ts";
import type { ReaderHello } from "../../broker/base/stream_reader.ts";
import type { StreamOptions } from "../../mod.ts";
import type { PeerInfo } from "../../transport/transport.ts";
import type { NodeTokens } from "./node_admins.ts";
import type { SecurityMessage } from "./security_messages.ts";

/** The settings of a node, which are the same for all of them but for its number. */
export interface NodeSettings {
  /** The number of this node, from 0 on. */
  readonly node: number;
  /** How many nodes there are. */
  readonly nodes: number;
  /** The configuration file; `null` if there is none. Then it says what the next three say. */
  readonly config: string | null;
  /** The directory of its store; `null` to keep everything in memory. */
  readonly directory: string | null;
  /** Whether a damaged store is refused. */
  readonly strictStore: boolean;
  /** The maximum number of connections, of all nodes together. */
  readonly connectionsMax: number;
  /** Its share of the memory budget, in bytes; 0 for the default share of its heap. */
  readonly memoryBytesMax: number;
  /** The streams of the command line, which the first node has. */
  readonly streams: readonly StreamOptions[];
  /** Whether connects and disconnects are printed. */
  readonly verbose: boolean;
  /** The version that it reports. */
  readonly version: string;
}

/** A listener that every node opens. */
export interface NodeListener {
  readonly hostname: string;
  readonly port: number;
  readonly webSocket: boolean;
}

/** The way from one node to another one. */
export interface PeerWay {
  /** The number of the other node. */
  readonly peer: number;
  /** Connections go through it. */
  readonly port: MessagePort;
  /** The pipes of the link, and which side of them this node has. */
  readonly messages: RingBuffers;
  readonly control: RingBuffers;
  readonly side: RingSide;
}

/** How a node opens its admin listener, which only this process uses. */
export interface NodeAdminSettings {
  /** The tokens that it knows. */
  readonly tokens: readonly TokenEntry[];
  /** The listeners of the server, as its API tells them; `null` for those of the configuration. */
  readonly listeners: readonly ListenerInfo[] | null;
}

/** What a node needs to serve the API of all nodes. */
export interface NodeAdminView {
  /** Where the admin listener of each node is; `null` while it does not run. */
  readonly ports: readonly (number | null)[];
  /** The tokens that these listeners know. */
  readonly tokens: NodeTokens;
  /** The token of callers where nothing else lets them in. */
  readonly printed: string;
}

/** What the supervisor tells a node. */
export type ToNode =
  /** Opens the store and the broker. */
  | {
    readonly type: "start";
    readonly settings: NodeSettings;
    /** Who has which descriptors. */
    readonly owners: SharedArrayBuffer;
    /** What all nodes count together. */
    readonly limits: SharedLimitBuffers;
  }
  /** There is a way to another node from now on. There is no other one at this time. */
  | { readonly type: "link"; readonly way: PeerWay }
  /** Waits until all nodes are joined to which there is a way. */
  | { readonly type: "join" }
  /** Another node does not run. */
  | { readonly type: "part"; readonly peer: number }
  /** Opens the listeners. */
  | { readonly type: "listen"; readonly listeners: readonly NodeListener[] }
  /** Reads the configuration again. */
  | { readonly type: "reload" }
  /** Opens the admin listener of the node, for this process. */
  | { readonly type: "administer"; readonly settings: NodeAdminSettings }
  /** All nodes have read the configuration again, as this one wanted. It is not answered. */
  | { readonly type: "reload-done"; readonly faults: readonly string[] }
  /** For the admin listeners of the configuration. It is not answered. */
  | { readonly type: "admins"; readonly view: NodeAdminView }
  /** Another node tells this about accounts. It is not answered. */
  | { readonly type: "security"; readonly from: number; readonly message: SecurityMessage }
  /** What was told about accounts to another node is lost: it does not run. It is not answered. */
  | { readonly type: "gone"; readonly node: number }
  /** The state of the other nodes, for `$SYS`. It is not answered. */
  | { readonly type: "others"; readonly counts: SysCounts; readonly streams: SysStreams }
  /** Stops, and gives clients so many milliseconds to take what waits for them. */
  | { readonly type: "stop"; readonly graceMs: number };

/** What a node tells its supervisor. */
export type FromNode =
  /** The broker is open. The lines are for the operator. */
  | { readonly type: "opened"; readonly lines: readonly string[]; readonly forgotten: string }
  /** The way is open. */
  | { readonly type: "linked" }
  /** It knows what all nodes know to which there is a way. */
  | { readonly type: "joined" }
  /** It hands nothing over to that node any more. */
  | { readonly type: "parted" }
  /** The listeners are open, on these ports. */
  | { readonly type: "listening"; readonly hostname: string; readonly ports: readonly number[] }
  /** The configuration was read again; the lines say what is wrong with it. */
  | { readonly type: "reloaded"; readonly faults: readonly string[] }
  /** Its admin listener is open, on this port. */
  | { readonly type: "administered"; readonly port: number }
  /** It tells another node this about accounts. It answers nothing. */
  | { readonly type: "security"; readonly to: number; readonly message: SecurityMessage }
  /** It cannot start; the lines say why. */
  | { readonly type: "failed"; readonly lines: readonly string[]; readonly code: number }
  /** Its state, for `$SYS`. It answers nothing. */
  | { readonly type: "counts"; readonly counts: SysCounts; readonly streams: SysStreams }
  /** Its API was asked to have the configuration read again, by all nodes. It answers nothing. */
  | { readonly type: "reload-wanted" }
  /** The link to another node has ended by itself. It answers nothing. */
  | { readonly type: "link-lost"; readonly peer: number; readonly why: string }
  /** It has stopped, and released everything. */
  | { readonly type: "stopped" };

/** What one node posts to another one beside the pipes of their link. */
export type PostedToNode = HandedConnection | HandedReader | EndedReader | KnownReaders;

/** A connection for a client that reads streams of the other node: side 1 of the ring. */
export interface HandedReader {
  readonly kind: "reader";
  readonly ring: RingBuffers;
  readonly hello: ReaderHello;
}

/** The session of a client that reads streams of the other node has ended. */
export interface EndedReader {
  readonly kind: "reader-ended";
  readonly clientId: string;
}

/** All clients of the node that read streams of the other one: the first thing on a new way. */
export interface KnownReaders {
  readonly kind: "readers";
  readonly node: number;
  readonly clientIds: readonly string[];
}

/** A connection that one node hands to another one, as it is posted. */
export type HandedConnection = {
  /** What was read from it. */
  readonly received: Uint8Array<ArrayBuffer>;
  readonly peer: PeerInfo;
  /** The name of the listener that has accepted it. */
  readonly listener: string;
} & HandedPipe;

/** Where its bytes are: a descriptor, or side 1 of a ring through which they are passed on. */
export type HandedPipe =
  | { readonly kind: "socket"; readonly fd: number }
  | { readonly kind: "ring"; readonly ring: RingBuffers };
