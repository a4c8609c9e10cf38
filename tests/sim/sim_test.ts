/**
 * The whole broker on virtual time: clients of both versions publish, subscribe, stall, crash and
 * come back over a network that splits, delays and cuts, all of it decided by a seed.
 *
 * A failure names its seed. `FAIRWAY_SIM_SEED=123` runs that one again, the very same way;
 * `FAIRWAY_SIM_SEEDS=10000` runs that many, from `FAIRWAY_SIM_SEED` on if it is given, too.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Run, simulate } from "./simulation.ts";

/** How many seeds are tried unless the environment says otherwise. */
const SEEDS = 400;

/** The seeds to try. */
function seeds(): number[] {
  const first = Deno.env.get("FAIRWAY_SIM_SEED");
  const count = Deno.env.get("FAIRWAY_SIM_SEEDS") ?? (first === undefined ? SEEDS : 1);
  return Array.from({ length: Number(count) }, (_, index) => Number(first ?? 1) + index);
}

/** What went wrong, how to see it again, and the packets that led there. */
async function storyOf(seed: number, run: Run): Promise<string> {
  const again = await simulate(seed, true);
  const isSame = again.fingerprint === run.fingerprint;
  return [
    `The simulation with FAIRWAY_SIM_SEED=${seed} found ${run.faults.length} faults:`,
    ...run.faults.slice(0, 10),
    isSame ? "How it came to the first:" : "It went another way when it was run again:",
    ...linesAbout(run.faults[0]!, again.journal),
  ].join("\n");
}

/** What the journal says about the message and the client of a fault, or about what came last. */
function linesAbout(fault: string, journal: readonly string[]): readonly string[] {
  const message = /#\d+/.exec(fault)?.[0];
  if (message === undefined) {
    // What a group sends depends on all of its members.
    const group = /^group group(\d+):/.exec(fault)?.[1];
    if (group === undefined) return journal.slice(-60);
    return journal.filter((line) => line.includes(`: g${group}`) || line.includes(": dead letter"));
  }
  const isOfMessage = new RegExp(`${message}\\b`);
  const isOfClient = new RegExp(`: ${/^[cr]\d+/.exec(fault)?.[0]} (?![<>] pub)`);
  return journal.filter((line) => isOfMessage.test(line) || isOfClient.test(line));
}

Deno.test("broker keeps every promise of delivery, whatever the network and clients do", async () => {
  for (const seed of seeds()) {
    const run = await simulate(seed);
    assert(run.faults.length === 0, run.faults.length > 0 ? await storyOf(seed, run) : "");
  }
});

Deno.test("simulation runs the same way for the same seed, byte by byte", async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const run = await simulate(seed);
    assertEquals(await simulate(seed), run);
    assertNotEquals((await simulate(seed + 1000)).fingerprint, run.fingerprint);
  }
});

Deno.test("simulation has messages delivered, not just clients connected", async () => {
  let messages = 0;
  let deliveries = 0;
  let given = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const run = await simulate(seed);
    messages += run.messages;
    deliveries += run.deliveries;
    given += run.given;
  }
  assert(messages > 1000 && deliveries > messages, `${messages}, delivered ${deliveries} times`);
  assert(given > 100, `${given} given to members of groups`);
});
