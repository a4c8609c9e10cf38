/**
 * Costs that grow with the load, and costs that should not.
 *
 * @module
 */
import { many } from "../load/many.ts";
import { attempt, type Campaign } from "./campaign.ts";
import { AHEAD, type Job, targetOf, trafficOf } from "./generator.ts";
import { LIMIT_MS, points } from "./points.ts";
import type { Growth, GrowthPoint } from "./results.ts";
import { filterKinds, subscriptions } from "./table_growth.ts";

const MEGABYTE = 2 ** 20;
/** The minimum number of deliveries of a fan-out run. Fewer cannot be distinguished from noise. */
const DELIVERIES_MIN = 200_000;
/**
 * The minimum number of messages of a run, for any number of subscribers: the lead of the
 * publisher, because the number of gathered messages determines the cost of a delivery. Only a slow
 * broker gets fewer.
 */
const MESSAGES_MIN = AHEAD;
/** The share of messages that measures the speed of a broker. */
const PROBE = 1 / 50;
/** The share of messages before the measured ones. */
const WARM_UP = 1 / 5;
/** The maximum duration of deliveries. Beyond it a broker gets fewer messages. */
const RUN_SECONDS = 10;

/** Measures all points. */
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
  const scale = campaign.isQuick ? 1 / 20 : 1;
  const possible = xs.filter((x) => x < campaign.connections);
  for await (
    const { x, name, route, broker } of points(campaign, "subscribers", possible, failed)
  ) {
    const wanted = Math.max(MESSAGES_MIN, DELIVERIES_MIN / x) * scale;
    const isDone = await attempt(campaign, `${x} subscribers, ${name}`, broker, async () => {
      const fanOut = (messages: number) => {
        const job: Job = { mode: "fanOut", conns: x, isWild: false, messages: Math.ceil(messages) };
        return campaign.generator.run(job, route);
      };
      const { rate = Infinity } = (await fanOut(wanted * PROBE)).figures;
      const messages = Math.min(wanted, RUN_SECONDS * rate / x);
      await fanOut(messages * WARM_UP);
      const { figures, faults } = await fanOut(messages);
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
