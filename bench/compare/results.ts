import type { Machine } from "./machine.ts";
import type { Measurement, Metric } from "./measurement.ts";

/** All that a comparison has found out; plain data, as it goes to a file and comes back. */
export interface Results {
  readonly date: string;
  readonly machine: Machine;
  /** How it was called. */
  readonly command: string;
  readonly generator: string;
  /** Name and version of each broker. */
  readonly brokers: readonly { readonly name: string; readonly version: string }[];
  /** Runs of each case. */
  readonly runs: number;
  readonly minutes: number;
  readonly groups: readonly GroupResult[];
  readonly growth: readonly Growth[];
  /** What was left out, or failed, in words. */
  readonly remarks: readonly string[];
}

/** The medians of a group of cases. */
export interface GroupResult {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The medians of a case, by broker; those that cannot do it are missing. */
export interface Row {
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly brokers: Readonly<Record<string, Measurement>>;
}

/** How a cost grows with the work. */
export interface Growth {
  readonly id: string;
  readonly title: string;
  /** What grows. */
  readonly x: string;
  /** What it costs. */
  readonly y: string;
  /** Digits after the point that make sense. */
  readonly digits: number;
  /** How far up the scale goes at least, for noise to look like noise. */
  readonly top?: number;
  readonly points: readonly GrowthPoint[];
}

/** The median of a number of runs. */
export interface GrowthPoint {
  readonly broker: string;
  readonly x: number;
  readonly y: number;
}
