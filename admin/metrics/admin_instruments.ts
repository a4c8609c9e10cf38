/** What is measured of the admin listener itself. */
import { byLabel, type Instrument, single } from "./instrument.ts";

/** What the admin listener counts. */
export interface AdminCounts {
  /** The number of answers, by status. */
  answered(): ReadonlyMap<number, number>;
  /** Lines of the live view that slow pages were not sent; `null` where there is no live view. */
  skippedLines(): number | null;
}

/** Its answers, and what it has skipped. */
export function adminInstruments({ answered, skippedLines }: AdminCounts): Instrument[] {
  return [
    byLabel(
      "counter",
      "fairway_admin_requests_total",
      "Requests to the admin listener.",
      "status",
      () => [...answered()].map(([status, count]) => [`${status}`, count]),
    ),
    single(
      "counter",
      "fairway_admin_skipped_lines_total",
      "Lines of the live view that a slow page was not sent.",
      skippedLines,
    ),
  ];
}
