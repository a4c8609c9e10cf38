/**
 * The metrics under the names of an exporter of mosquitto's `$SYS` for Prometheus
 * (sapcc/mosquitto-exporter), so that dashboards for that exporter work without it.
 *
 * @module
 */
import { type Instrument, single } from "./instrument.ts";

/** The topics that the exporter treats as counters. */
const COUNTERS: ReadonlySet<string> = new Set([
  "bytes/received",
  "bytes/sent",
  "messages/received",
  "messages/sent",
  "publish/bytes/received",
  "publish/bytes/sent",
  "publish/messages/received",
  "publish/messages/sent",
  "publish/messages/dropped",
  "clients/maximum",
  "clients/total",
  "uptime",
]);

/** Instruments for values by their topics below `$SYS/broker/`, `load/…` and `uptime` included. */
export function mosquittoInstruments(values: Readonly<Record<string, number>>): Instrument[] {
  return Object.entries(values).map(([topic, value]) =>
    single(
      COUNTERS.has(topic) ? "counter" : "gauge",
      `broker_${topic.replaceAll(/[^a-z0-9_]/gi, "_")}`,
      `$SYS/broker/${topic}`,
      () => value,
    )
  );
}
