/** The API of a server with workers, as one of its admin listeners serves it. */
import { dynsecRoutes } from "../../admin/api/dynsec_routes.ts";
import type { Operations } from "../../admin/api/operations.ts";
import type { ServedApi } from "../../admin/api/served_api.ts";
import { RequestPace, REQUESTS } from "../../admin/http/request_pace.ts";
import { RouteTable } from "../../admin/http/routes.ts";
import { adminInstruments } from "../../admin/metrics/admin_instruments.ts";
import { prometheusText } from "../../admin/metrics/prometheus.ts";
import { TimeSlices } from "../../admin/time_slices.ts";
import { systemClock } from "../../broker/base/clock.ts";
import { mergedRoutes } from "./merged_routes.ts";
import type { NodeAdmins } from "./node_admins.ts";

/** Routes that ask the nodes. */
export class MergedApi implements ServedApi {
  readonly routes: RouteTable;
  readonly pace: RequestPace = new RequestPace(systemClock, REQUESTS);
  readonly slices: TimeSlices = new TimeSlices({
    clock: systemClock,
    nextTurn: () => new Promise((go) => setTimeout(go)),
  });
  readonly #admins: NodeAdmins;
  #answered: ReadonlyMap<number, number> = new Map();
  /** Aborted when views end. */
  #views = new AbortController();

  /**
   * @param admins It is closed with this one.
   * @param operations Those of the node that serves it, which owns the accounts of dynamic security;
   * `null` if it is no node.
   */
  constructor(admins: NodeAdmins, operations: Operations | null) {
    this.#admins = admins;
    const instruments = adminInstruments({
      answered: () => this.#answered,
      skippedLines: () => null,
    });
    const { slices } = this;
    this.routes = new RouteTable([
      ...mergedRoutes(admins, {
        metrics: () => textOf(prometheusText(instruments)),
        replaced: instruments.map(({ name }) => name),
        views: () => this.#views.signal,
      }),
      ...operations === null ? [] : dynsecRoutes({ operations, slices }),
    ]);
  }

  countAnswers(answered: ReadonlyMap<number, number>): void {
    this.#answered = answered;
  }

  endViews(): void {
    this.#views.abort();
    this.#views = new AbortController();
  }

  close(): void {
    this.#views.abort();
    this.pace.close();
    this.slices.close();
    this.#admins.close();
  }
}

function textOf(steps: Generator<void, string, void>): string {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
