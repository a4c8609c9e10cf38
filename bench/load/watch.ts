import type { Tally } from "./ledger.ts";
import type { ProgressFunction } from "./progress.ts";

/** The interval of the checks. */
const LOOK_MS = 100;

/** When to stop waiting. */
export interface Patience {
  /** Ends a run without arrivals for this time, after everything was sent. */
  readonly idleMs: number;
  /** Ends every run. */
  readonly timeoutMs: number;
}

/** Two seconds without arrivals, a minute in total. */
export const PATIENCE: Patience = { idleMs: 2000, timeoutMs: 60_000 };

/**
 * Waits until all expected messages have arrived and `isSent` holds, or nothing more is expected.
 *
 * @returns When the last message arrived, if known; see `performance.now`.
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
    // A publisher that is slowed down may take longer to send.
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
