/** How many workers a server has. */
import { WORKERS_MAX } from "../../config/options/options.ts";

/** The number of workers; `"auto"` is one for each core. */
export function workersOf(told: number | "auto"): number {
  return told === "auto" ? Math.min(navigator.hardwareConcurrency, WORKERS_MAX) : told;
}
