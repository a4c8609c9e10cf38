/** The time a test gives anything it waits for, unless it says otherwise. */
export const DEADLINE_MS = 5_000;

/**
 * Waits for `promise`, but not for ever: a test that hangs says nothing, one that fails here says
 * what it waited for.
 *
 * @param what Completes "… did not happen within 5000 ms"; a function, where the words shall tell
 * how far things came.
 * @throws {Error} If the promise does not settle in time.
 */
export async function within<T>(
  what: string | (() => string),
  promise: Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const words = typeof what === "string" ? what : what();
    late.reject(new Error(`Within ${deadlineMs} ms this did not happen: ${words}`));
  }, deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
