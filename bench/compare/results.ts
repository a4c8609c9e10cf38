import type { Machine } from "./machine.ts";
import type { Measurement, Metric } from "./measurement.ts";

/** All results of a comparison, as plain data that is saved to a file. */
export interface Results {
  readonly date: string;
  readonly machine: Machine;
  /** The command line. */
  readonly command: string;
  readonly generator: string;
  /** Name and version of each broker. */
  readonly brokers: readonly { readonly name: string; readonly version: string }[];
  /** The number of runs of each case. */
  readonly runs: number;
  readonly minutes: number;
  readonly groups: readonly GroupResult[];
  readonly growth: readonly Growth[];
  /** Notes about skipped and failed cases. */
  readonly remarks: readonly string[];
}

/** The medians of a group of cases. */
export interface GroupResult {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The medians of a case, by broker; without brokers that cannot run it. */
export interface Row {
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly brokers: Readonly<Record<string, Measurement>>;
}

/** The growth of a cost with the load. */
export interface Growth {
  readonly id: string;
  readonly title: string;
  /** The load. */
  readonly x: string;
  /** The cost. */
  readonly y: string;
  /** The number of digits after the decimal point. */
  readonly digits: number;
  /** The minimum end of the scale, so that noise looks small. */
  readonly top?: number;
  readonly points: readonly GrowthPoint[];
}

/** The median of several runs. */
export interface GrowthPoint {
  readonly broker: string;
  readonly x: number;
  readonly y: number;
}
