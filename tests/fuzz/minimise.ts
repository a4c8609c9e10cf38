import { concat } from "@std/bytes";
import type { FuzzCase, Step } from "./fuzz_case.ts";

/** How often a case is run at most while it is made smaller. */
const RUNS_MAX = 500;
/** Into how many pieces the bytes of a step are cut at most. */
const CUTS_MAX = 256;

/**
 * Makes a case as small as it can be with the same fault still found: first without whole
 * stretches of steps, then without bytes.
 *
 * @param isFaulty Runs a case and tells whether the fault is there.
 */
export async function minimise(
  fuzzCase: FuzzCase,
  isFaulty: (smaller: FuzzCase) => Promise<boolean>,
): Promise<FuzzCase> {
  const { settings } = fuzzCase;
  let steps = [...fuzzCase.steps];
  let runs = 0;
  const tryOut = async (smaller: Step[]): Promise<boolean> => {
    if (runs++ >= RUNS_MAX || !await isFaulty({ settings, steps: smaller })) return false;
    steps = smaller;
    return true;
  };
  for (
    let size = Math.ceil(steps.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < steps.length;) {
      if (!await tryOut([...steps.slice(0, at), ...steps.slice(at + size)])) at += size;
    }
  }
  for (let at = 0; at < steps.length; at++) await shorten(at, () => steps, tryOut);
  return { settings, steps };
}

/** Leaves out stretches of the bytes of one step. */
async function shorten(
  at: number,
  stepsNow: () => readonly Step[],
  tryOut: (smaller: Step[]) => Promise<boolean>,
): Promise<void> {
  const first = stepsNow()[at]!;
  if (first.do !== "send") return;
  for (let size = Math.ceil(first.bytes.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    // The finest cuts are worth their time only where little is left.
    if (size * CUTS_MAX < first.bytes.length) return;
    for (let from = 0;;) {
      const steps = [...stepsNow()];
      const step = steps[at]!;
      if (step.do !== "send" || from >= step.bytes.length) break;
      const bytes = concat([step.bytes.subarray(0, from), step.bytes.subarray(from + size)]);
      steps[at] = { ...step, bytes };
      if (!await tryOut(steps)) from += size;
    }
  }
}
