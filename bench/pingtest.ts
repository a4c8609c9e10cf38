/**
 * Round trips through a broker: pairs of clients send a message back and forth.
 *
 *     deno task bench:ping --pairs 100 --messages 1000
 *
 * @module
 */
import { COMMON_HELP } from "./load/flags.ts";
import { ping } from "./load/ping.ts";
import { drawHistogram, histogram, summarize } from "./load/samples.ts";
import { costLine, faultLine, figure, runTool } from "./load/tool.ts";

const HELP = `Usage: deno task bench:ping [flags]

Pairs of clients bounce a message back and forth through any MQTT broker; each
round trip is timed.

  --pairs N        pairs of clients (100)
  --messages N     round trips of each pair (1000)
  --wsubs N        subscribers that hear everything, by a wildcard (0)
${COMMON_HELP}`;

if (import.meta.main) {
  await runTool({
    name: "pingtest",
    help: HELP,
    defaults: { pairs: 100, messages: 1000 },
    async run({ target, traffic, pairs, messages, wsubs, pid, timeout }, progress) {
      const patience = { idleMs: 2000, timeoutMs: timeout * 1000 };
      const options = { target, traffic, pairs, messages, wsubs, pid, progress, patience };
      const { times, ...result } = await ping(options);
      const summary = summarize(times);
      const buckets = histogram(times);
      const trip = (value: number | undefined) => figure(value ?? NaN, 1).padStart(12);
      const text = [
        `${pairs} pairs, ${messages} round trips each, ${wsubs} wildcard subscribers, QoS ${traffic.qos}, ${traffic.size} bytes`,
        `messages    ${figure(result.messagesPerSecond)} a second; ${figure(result.delivered)} in ${
          figure(result.seconds, 2)
        } s`,
        `checks      ${faultLine(result.faults)}`,
        `processor   ${costLine(result.brokerMicroseconds, result.ownMicroseconds)}`,
        "round trip  in microseconds",
        `  min    ${trip(summary?.min)}`,
        `  mean   ${trip(summary?.mean)}`,
        `  stddev ${trip(summary?.stddev)}`,
        `  p50    ${trip(summary?.p50)}`,
        `  p99    ${trip(summary?.p99)}`,
        `  p999   ${trip(summary?.p999)}`,
        `  max    ${trip(summary?.max)}`,
        drawHistogram(buckets, "µs"),
      ].join("\n");
      const json = { pairs, messages, wsubs, ...traffic, ...result, summary, buckets };
      return { text, json, faults: result.faults };
    },
  });
}
