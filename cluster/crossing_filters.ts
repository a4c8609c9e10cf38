/** By which filters other nodes send what a subscription is for. */
import { parseSharedFilter } from "../router/topic.ts";

/** Below this level each node tells its own state to its own clients. */
const STATE_LEVEL = "$SYS";

/**
 * What crosses nevertheless: the states of bridges, which may be clients, the lines of the log, and
 * which clients come and go. Of each of these a node knows only its own.
 */
const CROSSING = [
  "$SYS/broker/connection/#",
  "$SYS/broker/log/#",
  "$SYS/broker/clients/+/connected",
  "$SYS/broker/clients/+/disconnected",
].map((filter) => ({ filter, levels: filter.split("/") }));

/** Levels that are looked at: one more than the longest of these has. */
const LEVELS_MAX = 1 + Math.max(...CROSSING.map(({ levels }) => levels.length));

/** The filters by which other nodes send what a subscription is for; empty if they send nothing. */
export function crossingFilters(subscribed: string): readonly string[] {
  const shared = parseSharedFilter(subscribed);
  const levels = (shared?.filter ?? subscribed).split("/", LEVELS_MAX);
  if (levels[0] !== STATE_LEVEL || levels.length === 1) return [subscribed];
  const overlapping: string[] = [];
  for (const crossing of CROSSING) {
    const how = relation(crossing.levels, levels);
    if (how === "covers") return [subscribed];
    if (how === "overlaps") overlapping.push(crossing.filter);
  }
  // A shared group is one and the same on all nodes, with the filter that it has.
  return shared === null ? overlapping : [];
}

/** Whether a filter matches all topics of another one, or some; `#` stands for at least one level here. */
function relation(
  one: readonly string[],
  other: readonly string[],
): "covers" | "overlaps" | null {
  let all: "covers" | "overlaps" = "covers";
  for (let i = 0;; i++) {
    const [own, wanted] = [one[i], other[i]];
    if (own === "#" && wanted !== undefined) return all;
    if (wanted === "#") return "overlaps";
    if (own === undefined || wanted === undefined) return own === wanted ? all : null;
    if (own === "+" || own === wanted) continue;
    if (wanted !== "+") return null;
    all = "overlaps";
  }
}
