/**
 * `GET /metrics`: what Prometheus reads.
 *
 * @module
 */
import { text } from "../http/http_responses.ts";
import type { Clock } from "../../broker/base/clock.ts";
import type { Instrument } from "../metrics/instrument.ts";
import type { RequestPace } from "../http/request_pace.ts";
import type { Route } from "../http/routes.ts";
import { mosquittoInstruments } from "../metrics/mosquitto_names.ts";
import { PROMETHEUS_TYPE, prometheusText } from "../metrics/prometheus.ts";
import { SharedText } from "./shared_text.ts";
import type { MetricsSource } from "./metrics_source.ts";

/** The route. */
export function metricsRoutes(metrics: MetricsSource, clock: Clock, pace: RequestPace): Route[] {
  const textOf = (instruments: () => readonly Instrument[]) =>
    new SharedText(clock, async () => {
      await metrics.refresh();
      return await metrics.slices.run(prometheusText(instruments()));
    });
  const ours = textOf(() => metrics.instruments);
  const theirs = textOf(() => mosquittoInstruments(metrics.sysValues()));
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
      const page = query.names === "mosquitto" ? theirs : ours;
      await pace.wait();
      return text(await page.get(), PROMETHEUS_TYPE);
    },
  }];
}
