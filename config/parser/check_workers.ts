/** Finds what cannot go with workers. */
import type { Configuration } from "../options/configuration.ts";
import type { Remark } from "../errors/errors.ts";

/** With several workers, native sockets are needed, and some parts of the server cannot run yet. */
export function checkWorkers(
  { global, streams, places }: Configuration,
  problems: Remark[],
): void {
  if (global.fairway_workers === 1) return;
  if (!global.fairway_native_sockets) {
    const place = places.get("fairway_workers")!;
    const text = "needs fairway_native_sockets true beside it: workers share the ports by them";
    problems.push({ place, word: "fairway_workers", text });
  }
  const cannot = "cannot go with fairway_workers yet: use one of them";
  for (const { places } of streams) {
    // Only the first worker has the streams, so it does not see what others drop.
    const word = "fairway_stream_dead_reason";
    const place = places.get(word);
    if (place !== undefined) problems.push({ place, word, text: cannot });
  }
}
