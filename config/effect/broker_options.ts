/** The options and limits of the broker that a configuration says. */
import { checkLimits } from "../../broker/base/check_limits.ts";
import { type BrokerLimits, DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import type { Configuration } from "../options/configuration.ts";

/** The Session Expiry Interval of a session that never expires, in seconds. */
const NEVER_SECONDS = 0xffff_ffff;
/** The maximum number of messages in flight: one for each packet identifier of a direction. */
const INFLIGHT_MOST = 32_767;
const RECEIVE_MOST = 65_535;
/** A keep alive limit that never applies. */
const KEEP_ALIVE_MOST = 65_535;

/**
 * The limits of the broker in a configuration. If an option of mosquitto and a limit mean the same,
 * the option applies.
 */
export function limitsOf(configuration: Configuration): BrokerLimits {
  const { global, limits } = configuration;
  const given: Partial<BrokerLimits> = {
    sessionExpirySecondsMax: NEVER_SECONDS,
    ...limits,
  };
  const {
    max_inflight_messages: inflight,
    max_queued_messages: messages,
    max_queued_bytes: bytes,
    max_packet_size: packetBytes,
    persistent_client_expiration: expiry,
  } = global;
  if (inflight !== null) {
    given.inflightMax = inflight === 0 ? INFLIGHT_MOST : Math.min(inflight, INFLIGHT_MOST);
    given.receiveMaximum = inflight === 0 ? RECEIVE_MOST : inflight;
  }
  if (messages !== null) given.backlogMessagesMax = messages || Number.MAX_SAFE_INTEGER;
  if (bytes !== null) given.backlogBytesMax = bytes || DEFAULT_LIMITS.backlogBytesMax;
  if (packetBytes !== null) given.packetBytesMax = packetBytes;
  if (expiry !== null) given.sessionExpirySecondsMax = Math.min(expiry, NEVER_SECONDS);
  if (global.memory_limit > 0) given.memoryBytesMax = global.memory_limit;
  if (global.max_keepalive !== KEEP_ALIVE_MOST) given.keepAliveSecondsMax = global.max_keepalive;
  if (global.global_max_connections >= 0) given.connectionsMax = global.global_max_connections;
  if (global.global_max_clients >= 0) given.sessionsMax = global.global_max_clients;
  return checkLimits(given);
}

/** The store's folder in a configuration; `null` if nothing is stored. */
export function dataFolderOf({ global }: Configuration): string | null {
  if (!global.persistence) return null;
  const { fairway_data_dir: own, persistence_location: location } = global;
  if (own !== null) return own;
  return location === null ? "fairway-data" : `${location.replace(/\/+$/, "")}/fairway`;
}
