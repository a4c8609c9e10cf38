/**
 * A server with two workers: `workers.ts DIRECTORY`. It prints the port that it listens on. SIGHUP ends
 * its first worker, SIGUSR2 its second one, whatever they do.
 */
import type { StreamOptions } from "../../mod.ts";
import { Supervisor } from "../../server/workers/supervisor.ts";

/** How many workers there are. */
export const WORKERS = 2;
const STREAMS: readonly StreamOptions[] = [
  { name: "lost", filters: [], maxBytes: 1 << 30 },
  {
    name: "day",
    filters: ["t/#"],
    maxBytes: 1 << 30,
    dead: "lost",
    exclusiveGroups: ["alone"],
  },
];
const LISTENER = { hostname: "127.0.0.1", port: 0, webSocket: false };

if (import.meta.main) {
  const { supervisor, started } = await Supervisor.start(WORKERS, {
    config: null,
    directory: Deno.args[0]!,
    strictStore: true,
    streams: STREAMS,
    connectionsMax: 1000,
    memoryBytesMax: 0,
    verbose: false,
    version: "Fairway test",
  }, [LISTENER]);
  Deno.addSignalListener("SIGHUP", () => supervisor.kill(0));
  Deno.addSignalListener("SIGUSR2", () => supervisor.kill(1));
  // deno-lint-ignore no-console
  console.log(`listening on 127.0.0.1:${started.ports[0]}`);
}
