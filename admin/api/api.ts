/** All routes of the admin listener, put together. */
import type { Broker } from "../../broker/broker.ts";
import { json } from "../http/http_responses.ts";
import { METRICS, PAGES, RequestPace, REQUESTS } from "../http/request_pace.ts";
import { type Route, RouteTable } from "../http/routes.ts";
import { TimeSlices } from "../time_slices.ts";
import type { ApiParts } from "./api_parts.ts";
import { backlogRoutes } from "./backlog_routes.ts";
import { banRoutes } from "./ban_routes.ts";
import { bridgeRoutes } from "./bridge_routes.ts";
import { clientRoutes } from "./client_routes.ts";
import { dynsecRoutes } from "./dynsec_routes.ts";
import { healthRoutes } from "./health.ts";
import { ListIndex } from "./list_index.ts";
import { messageRoutes } from "./message_routes.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import { MetricsSource } from "./metrics_source.ts";
import { mosquittoRoutes } from "./mosquitto_routes.ts";
import { openApiOf } from "./openapi.ts";
import type { Operations } from "./operations.ts";
import { RecentEvents } from "./recent_events.ts";
import type { ServedApi } from "./served_api.ts";
import { serverRoutes } from "./server_routes.ts";
import { streamRoutes } from "./stream_routes.ts";
import { Traces } from "./trace_routes.ts";
import { historyRoutes } from "../page/history_routes.ts";
import { LiveFeed } from "../page/live_feed.ts";
import { pageRoutes } from "../page/page_routes.ts";
import { SnapshotMaker } from "../page/snapshot.ts";

/** Every route of the admin listener, and the parts that they share. */
export class AdminApi implements ServedApi {
  readonly routes: RouteTable;
  readonly #metrics: MetricsSource;
  /** Limits the rate of requests. */
  readonly pace: RequestPace;
  /** Does what takes long in slices of time. */
  readonly slices: TimeSlices;
  readonly #recent: RecentEvents;
  readonly #index: ListIndex;
  readonly #metricsPace: RequestPace;
  readonly #pages: RequestPace;
  readonly #traces: Traces;
  readonly #feed: LiveFeed;

  constructor(broker: Broker, operations: Operations) {
    const { inspection } = broker;
    const slices = this.slices = new TimeSlices(inspection);
    const recent = this.#recent = new RecentEvents(inspection);
    this.#traces = new Traces(inspection);
    this.pace = new RequestPace(inspection.clock, REQUESTS);
    this.#metricsPace = new RequestPace(inspection.clock, METRICS);
    const pages = this.#pages = new RequestPace(inspection.clock, PAGES);
    const index = this.#index = new ListIndex(inspection.clock, slices);
    const metrics = this.#metrics = new MetricsSource(broker, operations, slices);
    const { totals } = metrics;
    const parts: ApiParts = {
      broker,
      inspection,
      operations,
      slices,
      totals,
      recent,
      index,
      pages,
    };
    const snapshots = new SnapshotMaker({ broker, operations, totals, lag: metrics.lag });
    const feed = this.#feed = new LiveFeed({
      inspection,
      slices,
      snapshot: () => snapshots.take(),
      refresh: () => totals.take(),
    });
    metrics.skippedLines = () => feed.skipped;
    const routes: Route[] = [
      ...healthRoutes({
        get readiness() {
          return inspection.readiness;
        },
        get openListeners() {
          return operations.listeners?.().filter(({ protocol }) => protocol !== "httpapi").length ??
            null;
        },
      }),
      ...metricsRoutes(metrics, inspection.clock, this.#metricsPace),
      ...mosquittoRoutes(metrics, operations),
      ...clientRoutes(parts),
      ...backlogRoutes(parts),
      ...banRoutes(parts),
      ...bridgeRoutes(parts),
      ...dynsecRoutes(parts),
      ...messageRoutes(parts),
      ...streamRoutes(parts),
      ...serverRoutes(parts),
      ...historyRoutes(parts),
      ...this.#traces.routes,
      ...pageRoutes(parts, feed),
    ];
    const description = openApiRoute(() => openApiOf(this.routes.routes, "1.0.0"));
    this.routes = new RouteTable([...routes, description]);
  }

  countAnswers(answered: ReadonlyMap<number, number>): void {
    this.#metrics.answered = answered;
  }

  /** Ends what is sent to callers for as long as they like; they have to ask again. */
  endViews(): void {
    this.#traces.close();
    this.#feed.close();
  }

  /** Ends all work in progress. */
  close(): void {
    this.endViews();
    this.#recent.stop();
    this.#index.stop();
    this.pace.close();
    this.#metricsPace.close();
    this.#pages.close();
    this.#metrics.stop();
    this.slices.close();
  }
}

function openApiRoute(describe: () => unknown): Route {
  return {
    method: "GET",
    path: "/api/v1/openapi.json",
    scope: "read",
    id: "getOpenApi",
    summary: "This description",
    schema: { type: "object" },
    handle: () => json(describe()),
  };
}
