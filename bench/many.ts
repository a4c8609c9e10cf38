/**
 * Many clients that send little.
 *
 *     deno task bench:many --conns 10000 --pid $(pgrep -f server.ts)
 *
 * Each needs a file descriptor on both sides: use `ulimit -n 20000` if necessary.
 *
 * @module
 */
import { COMMON_HELP } from "./load/flags.ts";
import { many } from "./load/many.ts";
import { faultLine, figure, runTool } from "./load/tool.ts";

const HELP = `Usage: deno task bench:many [flags]

Connects a great many clients with one subscription each. Then each of them
publishes to itself now and then.

  --conns N        clients (10000)
  --pace S         seconds between two messages of a client; 0 for none (60)
  --hold S         seconds they stay (10)
${COMMON_HELP}`;

if (import.meta.main) {
  await runTool({
    name: "many",
    help: HELP,
    defaults: { conns: 10_000 },
    async run({ target, traffic, conns, pace, hold, pid }, progress) {
      const result = await many({ target, traffic, conns, pace, hold, pid, progress });
      const lines = [
        `${conns} clients for ${hold} s, ${
          pace === 0 ? "silent" : `a message each every ${pace} s`
        }`,
        `connects    ${figure(result.connectsPerSecond)} a second`,
        `held        ${figure(result.held)} of ${figure(result.connected)}`,
        `messages    ${figure(result.delivered)} of ${figure(result.sent)}`,
        `checks      ${faultLine(result.faults)}`,
      ];
      if (result.bytesPerConnection !== null) {
        lines.push(
          `memory      ${mb(result.bytesBefore)} MB before, ${
            mb(result.bytesConnected)
          } MB after: ` +
            `${figure(result.bytesPerConnection)} bytes a connection`,
          `processor   ${figure(result.connectMicroseconds ?? NaN, 1)} µs a connect, ` +
            `${figure((result.holdLoad ?? NaN) * 100, 2)} % while they stay`,
        );
      }
      const missing = result.connected - result.held;
      const faults = { ...result.faults, missed: result.faults.missed + missing };
      return { text: lines.join("\n"), json: { conns, pace, hold, ...result }, faults };
    },
  });
}

function mb(bytes: number | null): string {
  return figure((bytes ?? NaN) / 2 ** 20, 1);
}
