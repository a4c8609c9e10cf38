/**
 * Instruments as Prometheus reads them: its text format, version 0.0.4.
 *
 * @module
 */
import type { Steps } from "../time_slices.ts";
import type { HistogramValue, Instrument, Labels } from "./instrument.ts";

/** The type of the text. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Writes instruments, one a step. */
export function* prometheusText(instruments: Iterable<Instrument>): Steps<string> {
  const lines: string[] = [];
  for (const { name, kind, help, read } of instruments) {
    const samples = [...read()];
    if (samples.length > 0) {
      lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`);
      lines.push(`# TYPE ${name} ${kind}`);
      for (const { labels, value } of samples) {
        if (typeof value === "number") lines.push(`${name}${labelText(labels)} ${value}`);
        else lines.push(...histogramLines(name, labels, value));
      }
    }
    yield;
  }
  return `${lines.join("\n")}\n`;
}

function histogramLines(name: string, labels: Labels, value: HistogramValue): string[] {
  const { bounds, counts, sum, count } = value;
  const lines: string[] = [];
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    below += counts[index]!;
    lines.push(`${name}_bucket${labelText({ ...labels, le: `${bound}` })} ${below}`);
  }
  lines.push(`${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${count}`);
  lines.push(
    `${name}_sum${labelText(labels)} ${sum}`,
    `${name}_count${labelText(labels)} ${count}`,
  );
  return lines;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => {
    const text = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${text}"`;
  });
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}
