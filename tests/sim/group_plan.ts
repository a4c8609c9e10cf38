import { Random } from "../harness/random.ts";
import type { ReaderPlan } from "./stream_plan.ts";

/** A group that reads the stream. */
export interface GroupPlan {
  readonly name: string;
  readonly filter: string;
  readonly isExclusive: boolean;
  /** Where each of its members wants it to begin. */
  readonly position: "earliest" | "after=0" | "latest" | "since=1s";
  /** The members refuse one of so many messages; 0 for none. */
  readonly refusedEvery: number;
  readonly members: readonly MemberPlan[];
}

/** A member of a group. */
export interface MemberPlan extends ReaderPlan {
  readonly qos: 0 | 1;
  /** Whether it asks by user properties. */
  readonly isByProperty: boolean;
}

/** The groups of a simulation, and whether there is a stream for dead letters. */
export interface GroupsPlan {
  readonly groups: readonly GroupPlan[];
  readonly hasDead: boolean;
  readonly maxDeliver: number;
}

/**
 * Makes up the groups of a seed.
 *
 * @param covered Topic filters that the stream has all topics of.
 */
export function groupsPlanOf(seed: number, covered: readonly string[]): GroupsPlan {
  const random = new Random(seed ^ 0x6209);
  const count = random.pick([0, 1, 1, 2]);
  const groups = Array.from({ length: covered.length === 0 ? 0 : count }, (_, i): GroupPlan => {
    const isLoose = random.chance(0.1);
    return {
      name: `group${i}`,
      filter: random.pick(covered),
      isExclusive: random.chance(0.3),
      position: random.pick(["earliest", "after=0", "latest", "since=1s"] as const),
      refusedEvery: random.pick([0, 0, 5, 20]),
      members: Array.from({ length: random.integer(1, 4) }, (_, j): MemberPlan => {
        const version = random.pick([4, 5, 5] as const);
        return {
          clientId: `g${i}${j}`,
          version,
          isDurable: random.chance(0.5),
          receiveMaximum: random.pick([1, 2, 10, 65_535]),
          ackDelayMsMax: random.pick([0, 10, 150, 300]),
          qos: isLoose && random.chance(0.5) ? 0 : 1,
          isByProperty: version === 5 && random.chance(0.5),
        };
      }),
    };
  });
  const hasDead = random.chance(0.7);
  // Without a stream for them, what was given too often would be gone.
  return { groups, hasDead, maxDeliver: hasDead ? random.pick([1, 2, 5, 1000]) : 1000 };
}
