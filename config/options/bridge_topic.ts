/** Reads and writes the `topic` lines of a bridge. */
import type { BridgeDirection, BridgeTopic } from "../../bridge/options.ts";
import { bridgeTopicFault } from "../../bridge/topic_map.ts";
import type { QoS } from "../../codec/mod.ts";

const DIRECTIONS: readonly string[] = ["out", "in", "both"] satisfies BridgeDirection[];

/** The expected value of a `topic` line. */
export const TOPIC_EXPECTS =
  "a pattern, and maybe out, in or both, a QoS, a local and a remote prefix";

/** An empty pattern or prefix. */
const EMPTY = '""';

/**
 * Parses the value of a `topic` line: a pattern, which may be in double quotes, and up to four more
 * words.
 *
 * @returns The topic, or what is wrong with it.
 */
export function parseBridgeTopic(text: string): BridgeTopic | string {
  const match = /^(?:"([^"]*)"|(\S+))(?:\s+(.*))?$/.exec(text);
  if (match === null) {
    return `expects ${TOPIC_EXPECTS}, not ${text === "" ? "nothing" : `"${text}"`}`;
  }
  const pattern = match[1] ?? match[2]!;
  const words = (match[3] ?? "").split(/\s+/).filter((word) => word !== "");
  const comment = words.findIndex((word, index) => word.startsWith("#") && index < 2);
  if (comment >= 0) words.length = comment;
  const [direction = "out", qos = "0", local = EMPTY, remote = EMPTY, ...rest] = words;
  if (!DIRECTIONS.includes(direction)) return `expects out, in or both, not "${direction}"`;
  if (!/^[012]$/.test(qos)) return `expects a QoS of 0, 1 or 2, not "${qos}"`;
  if (rest.length > 0 && !rest[0]!.startsWith("#")) {
    return `expects nothing behind the remote prefix, not "${rest.join(" ")}"`;
  }
  const topic: BridgeTopic = {
    pattern,
    direction: direction as BridgeDirection,
    qos: Number(qos) as QoS,
    localPrefix: local === EMPTY ? "" : local,
    remotePrefix: remote === EMPTY ? "" : remote,
  };
  return bridgeTopicFault(topic) ?? topic;
}

/** Writes the value of a `topic` line. */
export function printBridgeTopic(topic: BridgeTopic): string {
  const { pattern, direction = "out", qos = 0, localPrefix = "", remotePrefix = "" } = topic;
  const written = pattern === "" || /\s/.test(pattern) ? `"${pattern}"` : pattern;
  return [written, direction, qos, localPrefix || EMPTY, remotePrefix || EMPTY].join(" ");
}
