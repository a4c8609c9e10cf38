/** Does long work in pieces, at once or with the event loop in between. */

/** Does work in pieces, all of them at once. */
export function toEnd<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does work in pieces, and lets the event loop run in between. */
export async function toEndInTurns<T>(work: Generator<void, T, void>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
