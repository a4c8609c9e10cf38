/**
 * Floods a broker: pairs of a publisher and a subscriber, as fast as possible.
 *
 *     deno task bench:load --pairs 50 --messages 20000
 *
 * @module
 */
import { COMMON_HELP } from "./load/flags.ts";
import { flood } from "./load/flood.ts";
import { pairs as pairsPlan } from "./load/plans.ts";
import { costLine, faultLine, figure, runTool } from "./load/tool.ts";

const HELP = `Usage: deno task bench:load [flags]

Floods any MQTT broker: each of many publishers has one subscriber of its own,
and publishes as fast as the broker takes it. Missed messages are counted.

  --pairs N        publishers, and as many subscribers (50)
  --messages N     messages of each publisher (20000)
${COMMON_HELP}`;

if (import.meta.main) {
  await runTool({
    name: "loadtest",
    help: HELP,
    defaults: { pairs: 50, messages: 20_000 },
    async run({ target, traffic, pairs, messages, pid, timeout }, progress) {
      const plan = pairsPlan(pairs);
      const patience = { idleMs: 2000, timeoutMs: timeout * 1000 };
      const result = await flood({ target, traffic, plan, messages, pid, progress, patience });
      const text = [
        `${pairs} pairs, ${messages} messages each, QoS ${traffic.qos}, ${traffic.size} bytes`,
        `messages    ${figure(result.messagesPerSecond)} a second; ${figure(result.delivered)} of ${
          figure(pairs * messages)
        } in ${figure(result.seconds, 2)} s`,
        `checks      ${faultLine(result.faults)}`,
        `processor   ${costLine(result.brokerMicroseconds, result.ownMicroseconds)}`,
      ].join("\n");
      const json = { pairs, messages, ...traffic, ...result };
      return { text, json, faults: result.faults };
    },
  });
}
