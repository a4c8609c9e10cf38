/**
 * A health check, for containers and supervisors: ends with exit code 0 if the event loop of the
 * broker answers on its admin listener, with 1 if not, and with 2 if the URL is none:
 *
 *     deno run --allow-net=127.0.0.1:9883 cli/health.ts [http://127.0.0.1:9883]
 *
 * @module
 */
import { complain } from "./terminal.ts";

/** How long the broker may take, in milliseconds. */
const ANSWER_MS = 4000;

if (import.meta.main) {
  const [given = "http://127.0.0.1:9883", ...more] = Deno.args;
  const url = URL.parse("/health", given);
  if (url === null || more.length > 0) {
    complain(`${[given, ...more].join(" ")}: expected the URL of an admin listener`);
    Deno.exit(2);
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    if (!response.ok) Deno.exit(1);
  } catch (error) {
    complain(`${url}: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
