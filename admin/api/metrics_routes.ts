/**
 * `GET /metrics`: what Prometheus reads.
 *
 * @module
 */
import { text } from "../http/answers.ts";
import type { Route } from "../http/routes.ts";
import { mosquittoInstruments } from "../metrics/mosquitto_names.ts";
import { PROMETHEUS_TYPE, prometheusText } from "../metrics/prometheus.ts";
import type { Meters } from "./meters.ts";

/** The route. */
export function metricsRoutes(meters: Meters): Route[] {
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
      await meters.refresh();
      const instruments = query.names === "mosquitto"
        ? mosquittoInstruments(meters.sysValues())
        : meters.instruments;
      return text(await meters.pace.run(prometheusText(instruments)), PROMETHEUS_TYPE);
    },
  }];
}
