/** Work in pieces, done in one go. */
export function toEnd<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Work in pieces; whatever else there is to do has its turn in between. */
export async function toEndInTurns<T>(work: Generator<void, T, void>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
