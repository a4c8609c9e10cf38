/** The parts that the routes of the API share. */
import type { Broker } from "../../broker/broker.ts";
import type { Inspection } from "../../broker/inspection.ts";
import type { SessionTotals } from "../metrics/session_totals.ts";
import type { TimeSlices } from "../time_slices.ts";
import type { ListIndex } from "./list_index.ts";
import type { RequestPace } from "../http/request_pace.ts";
import type { Operations } from "./operations.ts";
import type { RecentEvents } from "./recent_events.ts";

/** The parts that the routes of the API share. */
export interface ApiParts {
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly operations: Operations;
  readonly slices: TimeSlices;
  readonly totals: SessionTotals;
  readonly recent: RecentEvents;
  /** The cached orders of the list of clients. */
  readonly index: ListIndex;
  /** Limits the rate of its large pages. */
  readonly pages: RequestPace;
}
