/**
 * The page with the results.
 *
 * @module
 */
import { NATIVE } from "./brokers.ts";
import { type Metric, METRICS } from "./measurement.ts";
import type { GroupResult, Growth, Results, Row } from "./results.ts";

/** Formats the page. The charts are in `img/`, beside it. */
export function benchmarksPage(results: Results): string {
  return [
    "# Benchmarks",
    intro(results),
    "## The machine and the brokers",
    setting(results),
    "## Side by side",
    reading(results),
    ...results.groups.map((group) => groupSection(group, results)),
    "## Cost as work grows",
    ...results.growth.map((growth) => growthSection(growth)),
    ...remarks(results),
  ].join("\n\n") + "\n";
}

/** The path of the chart of a group or a growth, relative to the page. */
export function imagePath(kind: "bars" | "growth", id: string): string {
  return `img/${kind}-${id}.svg`;
}

function intro({ command }: Results): string {
  return `\`${command}\` writes this page and its pictures.
The absolute figures are from one machine on one day. The ratios are roughly the same on others.`;
}

function setting({ date, machine, brokers, generator, runs, minutes }: Results): string {
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(1);
  return [
    `- measured on ${date}, in ${minutes.toFixed(1)} minutes`,
    `- ${machine.cpu}, ${machine.cores} cores, ${gigabytes} GB; ${machine.system}, ${machine.kernel}`,
    ...brokers.map(({ version }) => `- ${version}`),
    `- load by ${generator}, on the same machine over loopback`,
    `- medians of ${runs} ${runs === 1 ? "run" : "runs"}; the brokers take turns
- each group has a new process of the broker, and each case begins with a short run of the same kind
- a broker that would need more than four seconds for a case gets fewer messages`,
  ].join("\n");
}

function reading({ brokers }: Results): string {
  const own = brokers[0]!.name;
  const others = rivalsOf(brokers.map(({ name }) => name)).join(", ").replace(
    /, ([^,]+)$/,
    " and $1",
  );
  return `The CPU figures are of all threads of the broker's process, from \`/proc\`. Payloads have 64
bytes. mosquitto is configured to write nothing to disk, and to have no limit on its queues. The
ratios compare ${others} with ${own}: above 1, ${own} is better; **below 1, it is worse**. A dash
means that a broker cannot do it.`;
}

function groupSection(group: GroupResult, { brokers }: Results): string {
  const names = brokers.map(({ name }) => name);
  const rivals = rivalsOf(names);
  const header = ["", "", ...names, ...rivals.map((name) => `× ${name}`)];
  const lines = [
    line(header),
    line(header.map((_, i) => i < 2 ? "---" : "---:")),
    ...group.rows.flatMap((row) =>
      row.metrics.map((metric, i) => metricLine(row, metric, i, names))
    ),
  ];
  const picture = `![${group.title}](${imagePath("bars", group.id)})`;
  return `### ${group.title}\n\n${picture}\n\n${lines.join("\n")}`;
}

/** The brokers that the first one is compared with, which is Fairway as most people have it. */
function rivalsOf(names: readonly string[]): readonly string[] {
  return names.slice(1).filter((name) => name !== NATIVE);
}

function metricLine(row: Row, metric: Metric, index: number, names: readonly string[]): string {
  const { label, unit, isLess } = METRICS[metric];
  const values = names.map((name) => row.brokers[name]?.figures[metric]);
  const own = values[0];
  const others = rivalsOf(names).map((name) => values[names.indexOf(name)]);
  const cells = values.map((value, i) => {
    const isFaulty = (row.brokers[names[i]!]?.faults ?? 0) > 0;
    return value === undefined ? "–" : figure(value) + (isFaulty ? " ¹" : "");
  });
  const ratios = others.map((other) => {
    if (own === undefined || other === undefined || own <= 0 || other <= 0) return "–";
    const ratio = isLess ? other / own : own / other;
    const text = ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2);
    return Number(text) < 1 ? `**${text}**` : text;
  });
  return line([index === 0 ? row.title : "", `${label}, ${unit}`, ...cells, ...ratios]);
}

function growthSection({ id, title, x, y, digits, points }: Growth): string {
  const brokers = [...new Set(points.map(({ broker }) => broker))];
  const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const lines = [
    line([x, ...brokers]),
    line(["---:", ...brokers.map(() => "---:")]),
    ...xs.map((at) => {
      const cells = brokers.map((broker) => {
        const point = points.find((point) => point.x === at && point.broker === broker);
        return point === undefined ? "–" : point.y.toFixed(digits);
      });
      return line([at.toLocaleString("en"), ...cells]);
    }),
  ];
  return `### ${title}\n\n![${title}](${imagePath("growth", id)})\n\n${y}:\n\n${lines.join("\n")}`;
}

function remarks({ remarks }: Results): string[] {
  if (remarks.length === 0) return [];
  const note = "¹ In at least one run, messages were missing, duplicate or out of order.";
  return ["## Remarks", note, remarks.map((remark) => `- ${remark}`).join("\n")];
}

function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Keeps the section on native sockets of an earlier page: it is measured apart. */
export function withNativeSockets(page: string, before: string): string {
  const section = /^## Native sockets\n[^]*?(?=^## )/m.exec(before)?.[0] ?? "";
  return page.replace(/^## Cost as work grows$/m, () => `${section}## Cost as work grows`);
}
