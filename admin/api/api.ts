import type { Broker } from "../../broker/broker.ts";
import { RouteTable } from "../http/routes.ts";
import { TimeSlices } from "../work/time_slices.ts";
import { healthRoutes } from "./health.ts";
import { MetricsSource } from "./metrics_source.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import type { Operations } from "./operations.ts";

/** Every route of the admin listener, and what they share. */
export class AdminApi {
  readonly routes: RouteTable;
  readonly metrics: MetricsSource;
  readonly #slices: TimeSlices;

  constructor(broker: Broker, operations: Operations) {
    const { inspection } = broker;
    this.#slices = new TimeSlices(inspection);
    const metrics = this.metrics = new MetricsSource(broker, operations, this.#slices);
    this.routes = new RouteTable([
      ...healthRoutes({
        get readiness() {
          return inspection.readiness;
        },
        get openListeners() {
          return operations.listeners?.().filter(({ protocol }) => protocol !== "httpapi").length ??
            null;
        },
      }),
      ...metricsRoutes(metrics),
    ]);
  }

  /** Ends what is under way. */
  close(): void {
    this.metrics.stop();
    this.#slices.close();
  }
}
