import { DEADLINE_MS, Patience } from "./deadline.ts";

/** Between two looks, in milliseconds. */
const LOOK_MS = 1;

/**
 * Waits for a condition that no event announces: the sockets of the kernel, another process, a
 * counter. Where there is an event, or a virtual clock, tests wait for that.
 *
 * @param what Completes "Within 5000 ms this did not happen: …".
 * @param holds The condition; it is looked at again and again.
 * @throws {Error} If it does not hold in time.
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs: number = DEADLINE_MS,
): Promise<void> {
  const patience = new Patience(deadlineMs);
  while (!await holds()) {
    if (patience.isOver()) {
      throw new Error(`Within ${deadlineMs} ms this did not happen: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
