/**
 * What grows with the work, and what should not.
 *
 * @module
 */
import { Crowd } from "../load/crowd.ts";
import { Tally } from "../load/ledger.ts";
import { many } from "../load/many.ts";
import { Subscriber } from "../load/subscriber.ts";
import { filterFor, type FilterKind, subscribeAll } from "../load/topics.ts";
import { type BrokerKind, start } from "./brokers.ts";
import { attempt, type Campaign, isLate } from "./campaign.ts";
import { type Route, targetOf, trafficOf } from "./generator.ts";
import { median } from "./measurement.ts";
import type { Growth, GrowthPoint } from "./results.ts";

const MEGABYTE = 2 ** 20;
/** Deliveries of one run of the fan-out. */
const DELIVERIES = 200_000;
/** Runs at each point; the broker stays the same. */
const RUNS = 3;
const QUICK_RUNS = 1;

/** Measures all of it. */
export async function runGrowth(campaign: Campaign): Promise<Growth[]> {
  const all = [
    await subscribers(campaign),
    ...await subscriptions(campaign),
    ...await idle(campaign),
    ...campaign.isQuick ? [] : [await filterKinds(campaign)],
  ];
  return all.filter(({ points }) => points.length > 0);
}

/** Measures at each point with each broker, a new process for each. */
async function* points(
  campaign: Campaign,
  what: string,
  xs: readonly number[],
  kinds: readonly BrokerKind[] = campaign.kinds,
): AsyncGenerator<{ x: number; name: string; route: Route }> {
  for (const x of xs) {
    for (const kind of kinds) {
      const here = `${x.toLocaleString("en")} ${what}, ${kind.name}`;
      if (isLate(campaign, here)) continue;
      campaign.report(`growth   ${here}`);
      await using broker = await start(kind);
      yield {
        x,
        name: kind.name,
        route: { port: broker.port, pid: broker.pid, protocol: 4, qos: 0 },
      };
    }
  }
}

async function subscribers(campaign: Campaign): Promise<Growth> {
  const result: GrowthPoint[] = [];
  const xs = campaign.isQuick ? [1, 100] : [1, 10, 100, 1000, 10_000];
  const deliveries = campaign.isQuick ? DELIVERIES / 20 : DELIVERIES;
  const possible = xs.filter((x) => x < campaign.connections);
  for await (const { x, name, route } of points(campaign, "subscribers", possible)) {
    const messages = Math.ceil(deliveries / x);
    await attempt(campaign, `${x} subscribers, ${name}`, async () => {
      const job = { mode: "fanOut", conns: x, isWild: false } as const;
      await campaign.generator.run({ ...job, messages: Math.ceil(messages / 5) }, route);
      const { figures, faults } = await campaign.generator.run({ ...job, messages }, route);
      if (faults > 0) campaign.remarks.push(`${x} subscribers, ${name}: ${faults} missed`);
      if (figures.cpu !== undefined) result.push({ broker: name, x, y: figures.cpu });
    });
  }
  return {
    id: "subscribers",
    title: "Fan-out: one publisher, more and more subscribers",
    x: "subscribers",
    y: "CPU per delivery (µs)",
    digits: 3,
    points: result,
  };
}

/** Publishes to one subscriber while there are `x` other subscriptions; gives the cost of both. */
async function besideOthers(
  campaign: Campaign,
  x: number,
  kind: FilterKind,
  route: Route,
): Promise<{ cpu: number; bytes: number | null }> {
  const target = targetOf(route);
  const job = { mode: "load", pairs: 1, messages: campaign.isQuick ? 5000 : 100_000 } as const;
  await campaign.generator.run(job, route);
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
    const { figures } = await campaign.generator.run(job, route);
    if (figures.cpu !== undefined) costs.push(figures.cpu);
  }
  return { cpu: median(costs), bytes };
}

function tableSizes({ isQuick }: Campaign): number[] {
  return isQuick ? [1, 10_000] : [1, 1000, 10_000, 100_000, 1_000_000];
}

async function subscriptions(campaign: Campaign): Promise<Growth[]> {
  const cpu: GrowthPoint[] = [];
  const memory: GrowthPoint[] = [];
  const xs = tableSizes(campaign);
  for await (const { x, name, route } of points(campaign, "other subscriptions", xs)) {
    await attempt(campaign, `${x} other subscriptions, ${name}`, async () => {
      const cost = await besideOthers(campaign, x, "mix", route);
      cpu.push({ broker: name, x, y: cost.cpu });
      // A handful of subscriptions is lost in the noise of the memory of a process.
      if (x >= 10_000 && cost.bytes !== null) memory.push({ broker: name, x, y: cost.bytes });
    });
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

/** Fairway alone, by the kind of the others' filters. */
async function filterKinds(campaign: Campaign): Promise<Growth> {
  const result: GrowthPoint[] = [];
  const filters = ["exact", "plus", "hash"] as const;
  const labels = { exact: "exact", plus: "with +", hash: "with #" };
  const xs = tableSizes(campaign).filter((x) => x === 1 || x >= 100_000);
  for (const filter of filters) {
    const what = `others ${labels[filter]}`;
    for await (const { x, route } of points(campaign, what, xs, campaign.kinds.slice(0, 1))) {
      await attempt(campaign, `${x} ${what}`, async () => {
        const { cpu } = await besideOthers(campaign, x, filter, route);
        result.push({ broker: labels[filter], x, y: cpu });
      });
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

async function idle(campaign: Campaign): Promise<Growth[]> {
  const load: GrowthPoint[] = [];
  const memory: GrowthPoint[] = [];
  const xs = campaign.isQuick ? [1, 500] : [1, 100, 1000, 5000, 10_000];
  const possible = xs.filter((x) => x < campaign.connections);
  for await (const { x, name, route } of points(campaign, "idle connections", possible)) {
    await attempt(campaign, `${x} idle connections, ${name}`, async () => {
      const options = { target: targetOf(route), traffic: trafficOf(route), pid: route.pid };
      const hold = campaign.isQuick ? 1 : 2;
      const reading = campaign.isQuick ? { readings: 3 } : {};
      const result = await many({ ...options, conns: x, pace: 0, hold, ...reading });
      const { bytesConnected, holdLoad } = result;
      if (holdLoad !== null) load.push({ broker: name, x, y: holdLoad * 100 });
      if (bytesConnected !== null) {
        memory.push({ broker: name, x, y: bytesConnected / MEGABYTE });
      }
    });
  }
  const x = "idle connections";
  return [{
    id: "idle-cpu",
    title: "Processor time of idle connections",
    x,
    y: "% of one core",
    digits: 2,
    points: load,
  }, {
    id: "idle-memory",
    title: "Memory of idle connections",
    x,
    y: "resident memory (MB)",
    digits: 1,
    points: memory,
  }];
}
