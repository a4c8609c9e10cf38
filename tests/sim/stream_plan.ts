import type { Retention } from "../../stream/mod.ts";
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import { Random } from "../harness/random.ts";
import { type GroupsPlan, groupsPlanOf } from "./group_plan.ts";

/** Topics of what the program appends: they make the chunks full. */
export const FEED = "feed/";

/** A client that reads the stream. */
export interface ReaderPlan {
  readonly clientId: string;
  readonly version: 4 | 5;
  /** Whether its session outlives its connections. */
  readonly isDurable: boolean;
  readonly receiveMaximum: number;
  readonly ackDelayMsMax: number;
}

/** The stream of a simulation, who reads it, and what the program does with it. */
export interface StreamPlan {
  readonly name: string;
  readonly filters: readonly string[];
  readonly exclude: readonly string[];
  readonly retention: Retention;
  /** What may be kept of it in memory, in bytes. */
  readonly cacheBytesMax: number;
  readonly readers: readonly ReaderPlan[];
  /** Who reads it together. */
  readonly groups: GroupsPlan;
  /** Topic filters that its filters cover, and that match nothing it leaves out. */
  readonly covered: readonly string[];
  /** Topic filters that no stream has all topics of. */
  readonly uncovered: readonly string[];
  /** Bytes of what the program appends at most; 0 if it appends nothing. */
  readonly feedBytesMax: number;
  /** How often the program drops the oldest messages, of the times that it does anything. */
  readonly purgeChance: number;
}

const SHAPES = [
  {
    filters: ["#"],
    exclude: [],
    covered: ["#", "a/#", "+/x", "c", "b//y", "will/+", "feed/#"],
    uncovered: [],
  },
  {
    filters: ["a/#", "c", "feed/#"],
    exclude: [],
    covered: ["a/#", "a/+", "a/x", "c", "a", "feed/+"],
    uncovered: ["#", "b/#", "+/x"],
  },
  {
    filters: ["+/x", "b/#", "a/#", "feed/#"],
    exclude: ["a/y", "b/x"],
    covered: ["a/x", "a/x/z", "b//y", "feed/#"],
    uncovered: ["a/#", "a/+", "b/#", "c"],
  },
];

/**
 * Makes up what a seed does with streams; `null` for nothing.
 *
 * @param windowBytes How narrow the network is: large messages would take forever through a narrow
 * one, so that nobody reads them.
 */
export function streamPlanOf(seed: number, windowBytes: number): StreamPlan | null {
  const random = new Random(seed ^ 0x57e4);
  if (random.chance(0.5)) return null;
  const isBulky = random.chance(0.3);
  const isNarrow = isBulky && windowBytes < 8192;
  const { covered, uncovered, ...shape } = random.pick(SHAPES);
  const isRead = (filter: string) => !isNarrow || !slowlyMatches(filter, `${FEED}0`);
  return {
    name: "log",
    ...shape,
    covered: covered.filter(isRead),
    uncovered: uncovered.filter(isRead),
    retention: retentionOf(random, isBulky),
    cacheBytesMax: random.pick([0, 100_000, 16_000_000]),
    readers: Array.from({ length: random.integer(1, 4) }, (_, i) => ({
      clientId: `r${i}`,
      version: random.pick([4, 5] as const),
      isDurable: random.chance(0.5),
      receiveMaximum: random.pick([1, 2, 10, 65_535]),
      ackDelayMsMax: random.pick([0, 10, 150]),
    })),
    groups: groupsPlanOf(seed, covered.filter(isRead)),
    feedBytesMax: isBulky ? 30_000 : random.pick([0, 20]),
    purgeChance: random.pick([0, 0, 0.05, 0.2]),
  };
}

function retentionOf(random: Random, isBulky: boolean): Retention {
  const limits: { maxMessages?: number; maxBytes?: number; maxAgeMs?: number } = {};
  if (random.chance(0.4)) limits.maxMessages = random.pick([3, 20, 1000]);
  if (random.chance(0.4)) limits.maxBytes = isBulky ? 150_000 : random.pick([300, 3000, 1_000_000]);
  if (random.chance(0.4)) limits.maxAgeMs = random.pick([50, 400, 3_600_000]);
  return Object.keys(limits).length === 0 ? { maxMessages: 1_000_000 } : limits;
}
