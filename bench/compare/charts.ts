/**
 * Charts, drawn by Vega-Lite. The background is transparent and the colours have medium brightness,
 * so that they are readable on white and on black.
 *
 * @module
 */
import { type Metric, METRICS } from "./measurement.ts";
import type { GroupResult, Growth } from "./results.ts";

/** The used part of Vega's types. Its own types would have to be installed for every check. */
interface Vega {
  parse(spec: unknown): unknown;
  View: new (runtime: unknown, options: { renderer: "none" }) => { toSVG(): Promise<string> };
}
interface VegaLite {
  compile(spec: unknown): { spec: unknown };
}

// Not literal, so that checks and tests of this project do not need the library.
const VEGA = "npm:vega@6.4.0";
const VEGA_LITE = "npm:vega-lite@6.5.0";

const TEXT = "#808890";
const GRID = "#80889040";
/**
 * Distinguishable with colour blindness, too; the last ones are for series that are not brokers.
 */
const COLORS = ["#1f9bcf", "#e0792b", "#8f9aa3", "#9a6fd0", "#3fa66b"];
const FONT = "system-ui, sans-serif";

/** The grid lines of a logarithmic axis. */
const POWERS = Array.from({ length: 10 }, (_, i) => 10 ** (i - 3));

const CONFIG = {
  background: "transparent",
  font: FONT,
  view: { stroke: null },
  title: { color: TEXT, fontSize: 14, anchor: "start", offset: 12 },
  axis: {
    labelColor: TEXT,
    titleColor: TEXT,
    gridColor: GRID,
    domainColor: TEXT,
    tickColor: TEXT,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
  },
  header: { labelColor: TEXT, labelFontSize: 12, labelFontWeight: "bold", titleColor: TEXT },
  legend: { labelColor: TEXT, titleColor: TEXT, labelFontSize: 11, symbolStrokeWidth: 2 },
};

/** A panel of bars for each case, each with its own scale. */
export function barChart(group: GroupResult, brokers: readonly string[]): Promise<string> {
  const panels = group.rows.flatMap((row) =>
    drawnMetrics(group, row.metrics).map((metric) => {
      const { label, unit } = METRICS[metric];
      const title = group.rows.length > 1 ? row.title : label;
      const values = brokers.flatMap((broker) => {
        const value = row.brokers[broker]?.figures[metric];
        return value === undefined ? [] : [{ broker, value, text: `${short(value)} ${unit}` }];
      });
      return panel(title, values, brokers);
    })
  );
  const [first] = group.rows;
  const { label, unit, isLess } = METRICS[first!.metrics[0]!];
  const better = isLess ? "shorter is better" : "longer is better";
  const what = group.rows.length > 1 ? `${label} (${unit}), ${better}` : better;
  return render({
    title: { text: group.title, subtitle: what, subtitleColor: TEXT, subtitleFontSize: 11 },
    vconcat: panels,
    spacing: 14,
  });
}

/** The first metric of each case, or all metrics of a group with just one case. */
function drawnMetrics(group: GroupResult, metrics: readonly Metric[]): readonly Metric[] {
  if (group.rows.length > 1) return metrics.slice(0, 1);
  return metrics.filter((metric) => METRICS[metric].isLess);
}

function panel(
  title: string,
  values: readonly { broker: string; value: number; text: string }[],
  brokers: readonly string[],
): unknown {
  // If all values are zero, no bar has the full width.
  const longest = Math.max(...values.map(({ value }) => value)) || 1;
  return {
    title: { text: title, fontSize: 12, fontWeight: "normal", offset: 4 },
    width: 420,
    height: { step: 20 },
    data: { values },
    encoding: {
      y: {
        field: "broker",
        type: "nominal",
        sort: brokers,
        axis: { title: null, domain: false, ticks: false, labelPadding: 6, minExtent: 70 },
      },
      x: { field: "value", type: "quantitative", axis: null, scale: { domain: [0, longest] } },
    },
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2, height: 14 },
        encoding: { color: color(brokers) },
      },
      {
        mark: { type: "text", align: "left", dx: 5, color: TEXT, fontSize: 11 },
        encoding: { text: { field: "text" } },
      },
    ],
  };
}

/** A line for each broker; both scales are logarithmic if the values allow it. */
export function lineChart(growth: Growth): Promise<string> {
  const { title, x, y, points, top = 0 } = growth;
  const brokers = [...new Set(points.map(({ broker }) => broker))];
  const isLog = points.every((point) => point.y > 0) && spread(points.map((p) => p.y)) > 20;
  const scale = isLog
    ? { type: "log" }
    : { domain: [0, Math.max(top, ...points.map((point) => point.y)) || 1] };
  return render({
    title,
    width: 480,
    height: 260,
    data: { values: points },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: x,
        scale: { type: "log" },
        axis: { format: "~s", grid: false, values: [...new Set(points.map((p) => p.x))] },
      },
      y: {
        field: "y",
        type: "quantitative",
        title: isLog ? `${y}, logarithmic` : y,
        scale,
        axis: isLog ? { format: "~g", values: POWERS } : { format: "~g", tickCount: 6 },
      },
      color: { ...color(brokers), legend: { title: null, orient: "top", offset: 4 } },
    },
    mark: { type: "line", point: { filled: true, size: 45 }, strokeWidth: 2.5 },
  });
}

/** Lines over a time that is the same for all of them; both scales are linear. */
export function timeChart(
  { title, x, y, points }: {
    readonly title: string;
    readonly x: string;
    readonly y: string;
    readonly points: readonly { readonly series: string; readonly x: number; readonly y: number }[];
  },
): Promise<string> {
  const series = [...new Set(points.map((point) => point.series))];
  return render({
    title,
    width: 480,
    height: 220,
    data: { values: points.map((point) => ({ ...point, broker: point.series })) },
    encoding: {
      x: { field: "x", type: "quantitative", title: x, axis: { grid: false } },
      y: { field: "y", type: "quantitative", title: y, axis: { tickCount: 6 } },
      color: { ...color(series), legend: { title: null, orient: "top", offset: 4 } },
    },
    mark: { type: "line", strokeWidth: 2 },
  });
}

function spread(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values);
}

function color(brokers: readonly string[]): Record<string, unknown> {
  const range = brokers.map((_, i) => COLORS[i % COLORS.length]);
  return { field: "broker", type: "nominal", scale: { domain: brokers, range }, legend: null };
}

/** Formats with three significant digits. */
function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

async function render(spec: Record<string, unknown>): Promise<string> {
  const vega: Vega = await import(VEGA);
  const vegaLite: VegaLite = await import(VEGA_LITE);
  const compiled = vegaLite.compile({ ...spec, padding: 12, config: CONFIG }).spec;
  return await new vega.View(vega.parse(compiled), { renderer: "none" }).toSVG();
}
