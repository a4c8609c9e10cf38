/** The metrics of several nodes as those of one broker, in the text format of Prometheus. */

/** How values of nodes become one. */
type Merge = "sum" | "most" | "least";

/** What is the same for all nodes, or the most of them; the rest is added up. */
const MOST = new Set([
  ...["fairway_info", "fairway_uptime_seconds", "fairway_certificate_expiry_timestamp_seconds"],
  ...["fairway_clients_most", "fairway_retained_messages", "fairway_retained_bytes"],
  ...["fairway_backlog_messages_most", "fairway_lag_bytes_most"],
  ...["fairway_event_loop_lag_last_seconds", "fairway_resident_bytes", "fairway_open_fds"],
]);
const LEAST = new Set(["fairway_ready"]);

function mergeOf(name: string): Merge {
  return LEAST.has(name) ? "least" : MOST.has(name) ? "most" : "sum";
}

/**
 * Merges texts of metrics, series by series.
 *
 * @param replaced Families that are left out, because the listener counts them itself.
 */
export function mergeMetrics(texts: readonly string[], replaced: readonly string[] = []): string {
  /** By the name of the family: its comments, and its values by their series. */
  const families = new Map<string, { comments: string[]; values: Map<string, number> }>();
  for (const text of texts) {
    let family = "";
    for (const line of text.split("\n")) {
      const comment = /^# (?:HELP|TYPE) (\S+)/.exec(line);
      if (comment !== null) family = comment[1]!;
      const known = families.get(family) ?? { comments: [], values: new Map<string, number>() };
      if (comment !== null) {
        families.set(family, known);
        if (!known.comments.includes(line)) known.comments.push(line);
        continue;
      }
      const at = line.lastIndexOf(" ");
      if (at < 0) continue;
      const series = line.slice(0, at);
      const before = known.values.get(series);
      const value = Number(line.slice(at + 1));
      known.values.set(
        series,
        before === undefined ? value : merged(mergeOf(family), before, value),
      );
    }
  }
  const lines: string[] = [];
  for (const [name, { comments, values }] of families) {
    if (replaced.includes(name)) continue;
    lines.push(...comments);
    for (const [series, value] of values) lines.push(`${series} ${value}`);
  }
  return `${lines.join("\n")}\n`;
}

function merged(merge: Merge, a: number, b: number): number {
  switch (merge) {
    case "sum":
      return a + b;
    case "most":
      return Math.max(a, b);
    case "least":
      return Math.min(a, b);
  }
}
