import type { Tally } from "./ledger.ts";
import type { ProgressFunction } from "./progress.ts";

/** How often a run is looked at. */
const LOOK_MS = 100;

/** When to stop waiting. */
export interface Patience {
  /** Ends a run in which nothing has come for so long, once all is sent. */
  readonly idleMs: number;
  /** Ends every run. */
  readonly timeoutMs: number;
}

/** Two seconds of silence, a minute in all. */
export const PATIENCE: Patience = { idleMs: 2000, timeoutMs: 60_000 };

/**
 * Waits until all that is expected has come and `isSent` holds, or nothing more
 * is to be expected.
 *
 * @returns When the last message came, as far as it is known; see `performance.now`.
 * @throws If a connection was lost.
 */
export async function watch(
  tally: Tally,
  isSent: () => boolean,
  progress: ProgressFunction,
  patience: Patience = PATIENCE,
): Promise<number> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const started = performance.now();
  let seen = -1;
  let seenAt = started;
  const timer = setInterval(() => {
    const now = performance.now();
    progress(tally.delivered, tally.expected);
    if (tally.delivered !== seen) {
      seen = tally.delivered;
      seenAt = now;
    }
    // A publisher that is held up may take longer to get a word in.
    const idleMs = patience.idleMs * (isSent() ? 1 : 5);
    if (now - seenAt > idleMs || now - started > patience.timeoutMs) stop();
    if (tally.completedAt > 0 && isSent()) stop();
  }, LOOK_MS);
  try {
    await Promise.race([tally.done, stopped]);
    if (!isSent()) await Promise.race([stopped, failureOf(tally)]);
  } finally {
    clearInterval(timer);
  }
  return tally.completedAt > 0 ? tally.completedAt : seenAt;
}

/** Never resolves; rejects if the tally fails. */
function failureOf(tally: Tally): Promise<never> {
  return tally.done.then(() => new Promise<never>(() => {}));
}
