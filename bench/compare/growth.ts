/**
 * What grows with the work, and what should not.
 *
 * @module
 */
import { many } from "../load/many.ts";
import { attempt, type Campaign } from "./campaign.ts";
import { targetOf, trafficOf } from "./generator.ts";
import { LIMIT_MS, points } from "./points.ts";
import type { Growth, GrowthPoint } from "./results.ts";
import { filterKinds, subscriptions } from "./table_growth.ts";

const MEGABYTE = 2 ** 20;
/** Deliveries of one run of the fan-out. */
const DELIVERIES = 200_000;
/** Messages of a fan-out, whatever number of subscribers there is. */
const MESSAGES_MIN = 100;

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

async function subscribers(campaign: Campaign): Promise<Growth> {
  const failed = new Set<string>();
  const result: GrowthPoint[] = [];
  const xs = campaign.isQuick ? [1, 100] : [1, 10, 100, 1000, 10_000];
  const deliveries = campaign.isQuick ? DELIVERIES / 20 : DELIVERIES;
  const possible = xs.filter((x) => x < campaign.connections);
  for await (
    const { x, name, route, broker } of points(campaign, "subscribers", possible, failed)
  ) {
    // A burst too short for anything to gather would be another kind of work.
    const messages = Math.max(MESSAGES_MIN, Math.ceil(deliveries / x));
    const isDone = await attempt(campaign, `${x} subscribers, ${name}`, broker, async () => {
      const job = { mode: "fanOut", conns: x, isWild: false } as const;
      await campaign.generator.run({ ...job, messages: Math.ceil(messages / 5) }, route);
      const { figures, faults } = await campaign.generator.run({ ...job, messages }, route);
      if (faults > 0) campaign.remarks.push(`${x} subscribers, ${name}: ${faults} missed`);
      if (figures.cpu !== undefined) result.push({ broker: name, x, y: figures.cpu });
    }, LIMIT_MS);
    if (!isDone) failed.add(name);
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

async function idle(campaign: Campaign): Promise<Growth[]> {
  const failed = new Set<string>();
  const load: GrowthPoint[] = [];
  const memory: GrowthPoint[] = [];
  const xs = campaign.isQuick ? [1, 500] : [1, 100, 1000, 5000, 10_000];
  const possible = xs.filter((x) => x < campaign.connections);
  for await (
    const { x, name, route, broker } of points(campaign, "idle connections", possible, failed)
  ) {
    const isDone = await attempt(campaign, `${x} idle connections, ${name}`, broker, async () => {
      const options = { target: targetOf(route), traffic: trafficOf(route), pid: route.pid };
      const hold = campaign.isQuick ? 1 : 2;
      const reading = campaign.isQuick ? { readings: 3 } : {};
      const result = await many({ ...options, conns: x, pace: 0, hold, ...reading });
      const { bytesConnected, holdLoad } = result;
      if (holdLoad !== null) load.push({ broker: name, x, y: holdLoad * 100 });
      if (bytesConnected !== null) {
        memory.push({ broker: name, x, y: bytesConnected / MEGABYTE });
      }
    }, LIMIT_MS);
    if (!isDone) failed.add(name);
  }
  const x = "idle connections";
  return [{
    id: "idle-cpu",
    title: "Processor time of idle connections",
    x,
    y: "% of one core",
    digits: 2,
    top: 1,
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
