/**
 * Several nodes on virtual time: clients publish, subscribe, stall, crash and come back, over links
 * that delay, split and cut, while nodes are killed between any two steps. A seed decides all of it.
 *
 * A failure names its seed. `FAIRWAY_CLUSTER_SEED=123` runs that one again;
 * `FAIRWAY_CLUSTER_SEEDS=10000` runs that many, from `FAIRWAY_CLUSTER_SEED` on if it is given, too.
 *
 * @module
 */
import { assert } from "@std/assert";
import { type ClusterRun, simulateCluster } from "./cluster_simulation.ts";

/** How many seeds are tried unless the environment says otherwise. */
const SEEDS = 200;

/** The seeds to try. */
function seeds(): number[] {
  const first = Deno.env.get("FAIRWAY_CLUSTER_SEED");
  const count = Deno.env.get("FAIRWAY_CLUSTER_SEEDS") ?? (first === undefined ? SEEDS : 1);
  return Array.from({ length: Number(count) }, (_, index) => Number(first ?? 1) + index);
}

/** What went wrong, how to see it again, and what led there. */
async function storyOf(seed: number, run: ClusterRun): Promise<string> {
  const { journal } = await simulateCluster(seed, true);
  const message = /#\d+/.exec(run.faults[0]!)?.[0];
  const lines = message === undefined
    ? journal.slice(-60)
    : journal.filter((line) => new RegExp(`${message}\\b|node|link`).test(line));
  return [
    `The simulation with FAIRWAY_CLUSTER_SEED=${seed} found ${run.faults.length} faults:`,
    ...run.faults.slice(0, 10),
    "How it came to the first:",
    ...lines,
  ].join("\n");
}

Deno.test("nodes keep every promise of delivery, whatever happens to them and their links", async () => {
  const sum = { messages: 0, crossed: 0, kills: 0, ruptures: 0 };
  const all = seeds();
  for (const seed of all) {
    const run = await simulateCluster(seed);
    assert(run.faults.length === 0, run.faults.length > 0 ? await storyOf(seed, run) : "");
    for (const name of ["messages", "crossed", "kills", "ruptures"] as const) {
      sum[name] += run[name];
    }
  }
  if (all.length < 100) return;
  assert(sum.crossed > 10 * all.length, `${sum.crossed} deliveries to another node`);
  assert(sum.kills > all.length / 4, `${sum.kills} nodes were killed`);
  assert(sum.ruptures > all.length, `${sum.ruptures} links were cut`);
});
