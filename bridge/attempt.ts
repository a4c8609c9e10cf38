/** An attempt to reach the other broker, which does not last for ever. */
import type { Clock } from "../transport/clock.ts";

/** How long an attempt to connect may take, in milliseconds. */
const CONNECT_MS = 30_000;

/**
 * Makes an attempt to connect.
 *
 * @param stop Ends the attempt early.
 * @param run Makes it, and fails with the reason of the signal that it is given.
 */
export async function attempt<T>(
  clock: Clock,
  stop: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController();
  const text = `No connection within ${CONNECT_MS / 1000} seconds`;
  const cancel = clock.schedule(
    clock.now() + CONNECT_MS,
    () => timeout.abort(new Error(text)),
  );
  try {
    return await run(AbortSignal.any([timeout.signal, stop]));
  } finally {
    cancel();
  }
}
