import { Random } from "../../harness/random.ts";
import { type Scenario, scenarioOf } from "../../sim/scenario.ts";

/** Something that happens to a node or to a link, for a while. */
export interface Misfortune {
  readonly atMs: number;
  /** How many appointments of that instant are kept before it. */
  readonly steps: number;
  readonly downMs: number;
}

/** A simulation of several nodes before it is run. */
export interface ClusterScenario extends Scenario {
  /** How many nodes there are. */
  readonly nodes: number;
  /** On which node each client lives. */
  readonly homes: readonly number[];
  readonly link: { readonly maxDelayMs: number; readonly windowBytes: number };
  /** Nodes that are killed. */
  readonly kills: readonly (Misfortune & { readonly node: number })[];
  /** Links that are cut. */
  readonly cuts: readonly (Misfortune & { readonly one: number; readonly other: number })[];
}

/** Makes up a scenario from a seed: clients as those of one broker, on several nodes. */
export function clusterScenarioOf(seed: number): ClusterScenario {
  const random = new Random(seed ^ 0xc105);
  const base = scenarioOf(seed);
  const nodes = random.pick([2, 2, 3, 4]);
  const disk = random.chance(0.7) ? { commitMsMax: random.pick([0, 1, 10, 50]) } : null;
  const { limits: { backlogMessagesMax: _, ...limits } } = base;
  return {
    ...base,
    limits,
    overflow: null,
    stream: null,
    authorizerMsMax: random.chance(0.2) ? base.authorizerMsMax : 0,
    disk: disk === null ? null : { ...disk, crashes: [] },
    hasNativeSockets: false,
    endsWithBroker: false,
    nodes,
    homes: base.clients.map(() => random.integer(0, nodes - 1)),
    link: {
      maxDelayMs: random.pick([0, 1, 5, 30]),
      windowBytes: random.pick([50, 1000, 65_536]),
    },
    kills: disk === null ? [] : killsOf(random, nodes, base.activeMs),
    cuts: random.chance(0.5) ? cutsOf(random, nodes, base.activeMs) : [],
  };
}

function misfortune(random: Random, activeMs: number): Misfortune {
  return {
    atMs: random.integer(20, activeMs - 50),
    steps: random.integer(0, 30),
    downMs: random.pick([0, 10, 200]),
  };
}

function killsOf(random: Random, nodes: number, activeMs: number): ClusterScenario["kills"] {
  return Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => ({
    ...misfortune(random, activeMs),
    node: random.integer(0, nodes - 1),
  }));
}

function cutsOf(random: Random, nodes: number, activeMs: number): ClusterScenario["cuts"] {
  return Array.from({ length: random.pick([1, 2, 5]) }, () => {
    const one = random.integer(0, nodes - 1);
    const other = (one + random.integer(1, nodes - 1)) % nodes;
    return { ...misfortune(random, activeMs), one, other };
  });
}
