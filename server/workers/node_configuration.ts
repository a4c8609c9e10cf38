/** The configuration of one worker, from that of the whole server. */
import type { BrokerLimits } from "../../broker/base/limits.ts";
import { dataFolderOf } from "../../config/effect/broker_options.ts";
import type { Configuration } from "../../config/options/configuration.ts";

/** Which worker of how many. */
export interface NodeShare {
  readonly node: number;
  readonly nodes: number;
}

/**
 * The configuration of one worker: a folder of its own, and its share of those limits for all clients
 * together that workers do not count together. What there must be once is with the first one: the
 * file with the number of the process, bridges, and streams.
 */
export function nodeConfiguration(
  whole: Configuration,
  { node, nodes }: NodeShare,
): Configuration {
  const { global } = whole;
  const folder = dataFolderOf(whole);
  const isFirst = node === 0;
  return {
    ...whole,
    global: {
      ...global,
      fairway_data_dir: folder === null ? null : `${folder}/${node}`,
      fairway_native_reuse_port: true,
      pid_file: isFirst ? global.pid_file : null,
      memory_limit: Math.floor(global.memory_limit / nodes),
      global_max_clients: part(global.global_max_clients, nodes),
    },
    limits: limitsOf(whole.limits, nodes),
    bridges: isFirst ? whole.bridges : [],
    streams: isFirst ? whole.streams : [],
    removedStreams: isFirst ? whole.removedStreams : [],
    notes: isFirst ? whole.notes : [],
  };
}

/** The limits of the broker for all clients together that each worker has a share of. */
const DIVIDED_LIMITS = ["sessionsMax", "memoryBytesMax"] as const;

function limitsOf(limits: Partial<BrokerLimits>, nodes: number): Partial<BrokerLimits> {
  const shares = { ...limits };
  for (const name of DIVIDED_LIMITS) {
    const limit = limits[name];
    if (limit !== undefined) shares[name] = part(limit, nodes);
  }
  return shares;
}

/** A share of a limit. Clients spread by a hash, so all shares are the same. Below 0 is no limit. */
function part(limit: number, nodes: number): number {
  return limit < 0 ? limit : Math.ceil(limit / nodes);
}
