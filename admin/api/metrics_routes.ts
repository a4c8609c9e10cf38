/**
 * `GET /metrics`: what Prometheus reads.
 *
 * @module
 */
import { text } from "../http/http_responses.ts";
import type { Route } from "../http/routes.ts";
import { mosquittoInstruments } from "../metrics/mosquitto_names.ts";
import { PROMETHEUS_TYPE, prometheusText } from "../metrics/prometheus.ts";
import type { MetricsSource } from "./metrics_source.ts";

/** The route. */
export function metricsRoutes(metrics: MetricsSource): Route[] {
  return [{
    method: "GET",
    path: "/metrics",
    scope: "read",
    id: "getMetrics",
    summary: "Everything that is measured, in the text format of Prometheus",
    type: "text/plain",
    schema: { type: "string" },
    query: {
      names: {
        type: "string",
        words: ["fairway", "mosquitto"],
        initial: "fairway",
        description: "Whether the names are ours, or those of sapcc/mosquitto-exporter",
      },
    },
    handle: async ({ query }) => {
      await metrics.refresh();
      const instruments = query.names === "mosquitto"
        ? mosquittoInstruments(metrics.sysValues())
        : metrics.instruments;
      return text(await metrics.slices.run(prometheusText(instruments)), PROMETHEUS_TYPE);
    },
  }];
}
