/** The routes of an admin listener, and what they share, as the listener needs them. */
import type { RequestPace } from "../http/request_pace.ts";
import type { RouteTable } from "../http/routes.ts";
import type { TimeSlices } from "../time_slices.ts";

/** What an admin listener serves: the API of one broker, or of several that are one. */
export interface ServedApi {
  readonly routes: RouteTable;
  /** Limits the rate of requests. */
  readonly pace: RequestPace;
  /** Does what takes long in slices of time. */
  readonly slices: TimeSlices;
  /** Takes the numbers of answers by their status, which the listener counts, for `/metrics`. */
  countAnswers(answered: ReadonlyMap<number, number>): void;
  /** Ends what is sent to callers for as long as they like; they have to ask again. */
  endViews(): void;
  /** Ends all work in progress. */
  close(): void;
}
