import type { Broker } from "../../broker/broker.ts";
import { RouteTable } from "../http/routes.ts";
import { Pace } from "../work/pace.ts";
import { healthRoutes } from "./health.ts";
import { Meters } from "./meters.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import type { Operations } from "./operations.ts";

/** Every route of the admin listener, and what they share. */
export class AdminApi {
  readonly routes: RouteTable;
  readonly meters: Meters;
  readonly #pace: Pace;

  constructor(broker: Broker, operations: Operations) {
    const { inspection } = broker;
    this.#pace = new Pace(inspection);
    const meters = this.meters = new Meters(broker, operations, this.#pace);
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
      ...metricsRoutes(meters),
    ]);
  }

  /** Ends what is under way. */
  close(): void {
    this.meters.stop();
    this.#pace.close();
  }
}
