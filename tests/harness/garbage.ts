import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** V8's collector, which only a context made after the flag was set gets to see. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

let collect: (() => void) | undefined;

/** Collects everything that nothing leads to any more. Awaits: a `WeakRef` holds for a turn. */
export async function collectGarbage(): Promise<void> {
  collect ??= collector();
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
}
