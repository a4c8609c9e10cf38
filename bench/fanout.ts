/**
 * One publisher, many subscribers.
 *
 *     deno task bench:fanout --conns 1000 --messages 1000
 *
 * @module
 */
import { COMMON_HELP } from "./load/flags.ts";
import { flood } from "./load/flood.ts";
import { fanOut } from "./load/plans.ts";
import { costLine, faultLine, figure, runTool } from "./load/tool.ts";

const HELP = `Usage: deno task bench:fanout [flags]

One publisher, many subscribers of its topic. The publisher is never more than
1,000 messages ahead of the mean of its subscribers.

  --conns N        subscribers to the very topic (500)
  --wsubs N        subscribers by a wildcard, besides (0)
  --messages N     messages (1000)
${COMMON_HELP}`;

/** Low enough that brokers need not drop messages. */
const AHEAD = 1000;

if (import.meta.main) {
  await runTool({
    name: "fanout",
    help: HELP,
    defaults: { conns: 500, messages: 1000 },
    async run({ target, traffic, conns, wsubs, messages, pid, timeout }, progress) {
      const plan = fanOut(conns, wsubs);
      const patience = { idleMs: 2000, timeoutMs: timeout * 1000 };
      const options = { target, traffic, plan, messages, ahead: AHEAD, pid, progress, patience };
      const result = await flood(options);
      const text = [
        `${conns} subscribers and ${wsubs} by a wildcard, ${messages} messages, QoS ${traffic.qos}, ${traffic.size} bytes`,
        `deliveries  ${figure(result.messagesPerSecond)} a second; ${figure(result.delivered)} in ${
          figure(result.seconds, 2)
        } s`,
        `checks      ${faultLine(result.faults)}`,
        `processor   ${costLine(result.brokerMicroseconds, result.ownMicroseconds)}`,
      ].join("\n");
      const json = { conns, wsubs, messages, ...traffic, ...result };
      return { text, json, faults: result.faults };
    },
  });
}
