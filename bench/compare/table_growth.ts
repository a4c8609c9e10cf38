/**
 * The cost of a growing table of subscriptions, and of messages to other topics.
 *
 * @module
 */
import { Crowd } from "../load/crowd.ts";
import { Tally } from "../load/ledger.ts";
import { Subscriber } from "../load/subscriber.ts";
import { filterFor, type FilterKind, subscribeAll } from "../load/topics.ts";
import { attempt, type Campaign } from "./campaign.ts";
import { type Route, targetOf } from "./generator.ts";
import { median } from "./measurement.ts";
import { LIMIT_MS, points } from "./points.ts";
import type { Growth, GrowthPoint } from "./results.ts";

/** Runs at each point, with the same broker. */
const RUNS = 3;
const QUICK_RUNS = 1;
/** The maximum number of messages of one run. */
const MESSAGES_MAX = 1_000_000;

/** Publishes to one subscriber beside `x` other subscriptions; returns the costs of both. */
async function besideOthers(
  campaign: Campaign,
  x: number,
  kind: FilterKind,
  route: Route,
): Promise<{ cpu: number; bytes: number | null }> {
  const target = targetOf(route);
  const job = { mode: "load", pairs: 1, messages: campaign.isQuick ? 5000 : 100_000 } as const;
  const started = performance.now();
  await campaign.generator.run(job, route);
  const perSecond = job.messages / (performance.now() - started) * 1000;
  // With fewer messages the processor time of a fast broker could not be distinguished from noise.
  const messages = campaign.isQuick
    ? job.messages
    : Math.round(Math.min(MESSAGES_MAX, Math.max(job.messages / 2, perSecond)));
  using crowd = new Crowd(target, "others");
  const silent = () => new Subscriber(target.protocol, new Tally(Infinity), []);
  const filterOf = (number: number) => filterFor("others", number, kind);
  const { bytesPerSubscription: bytes } = await subscribeAll(
    crowd,
    x,
    filterOf,
    route.pid,
    silent,
  );
  const costs: number[] = [];
  for (let run = 0; run < (campaign.isQuick ? QUICK_RUNS : RUNS); run++) {
    const { figures } = await campaign.generator.run({ ...job, messages }, route);
    if (figures.cpu !== undefined) costs.push(figures.cpu);
  }
  return { cpu: median(costs), bytes };
}

function tableSizes({ isQuick }: Campaign): number[] {
  return isQuick ? [1, 10_000] : [1, 1000, 10_000, 100_000, 1_000_000];
}

/** Publishing beside other subscriptions, and the memory of those. */
export async function subscriptions(campaign: Campaign): Promise<Growth[]> {
  const failed = new Set<string>();
  const cpu: GrowthPoint[] = [];
  const memory: GrowthPoint[] = [];
  const xs = tableSizes(campaign);
  for await (
    const { x, name, route, broker } of points(campaign, "other subscriptions", xs, failed)
  ) {
    const isDone = await attempt(
      campaign,
      `${x} other subscriptions, ${name}`,
      broker,
      async () => {
        const cost = await besideOthers(campaign, x, "mix", route);
        cpu.push({ broker: name, x, y: cost.cpu });
        // The memory of a few subscriptions is below the noise of a process.
        if (x >= 10_000 && cost.bytes !== null) memory.push({ broker: name, x, y: cost.bytes });
      },
      LIMIT_MS,
    );
    if (!isDone) failed.add(name);
  }
  const x = "other subscriptions";
  return [{
    id: "subscriptions",
    title: "Publishing to one subscriber, beside more and more others",
    x,
    y: "CPU per message (µs)",
    digits: 3,
    points: cpu,
  }, {
    id: "subscription-memory",
    title: "Memory of a subscription",
    x,
    y: "bytes per subscription",
    digits: 0,
    points: memory,
  }];
}

/** Fairway alone, by the kind of the other filters. */
export async function filterKinds(campaign: Campaign): Promise<Growth> {
  const failed = new Set<string>();
  const result: GrowthPoint[] = [];
  const filters = ["exact", "plus", "hash"] as const;
  const labels = { exact: "exact", plus: "with +", hash: "with #" };
  const xs = tableSizes(campaign).filter((x) => x === 1 || x >= 100_000);
  for (const filter of filters) {
    const what = `others ${labels[filter]}`;
    for await (
      const { x, route, broker } of points(campaign, what, xs, failed, campaign.kinds.slice(0, 1))
    ) {
      const isDone = await attempt(campaign, `${x} ${what}`, broker, async () => {
        const { cpu } = await besideOthers(campaign, x, filter, route);
        result.push({ broker: labels[filter], x, y: cpu });
      }, LIMIT_MS);
      if (!isDone) break;
    }
  }
  return {
    id: "filter-kinds",
    title: `${campaign.kinds[0]!.name}: the same, by the kind of the others' filters`,
    x: "other subscriptions",
    y: "CPU per message (µs)",
    digits: 3,
    points: result,
  };
}
