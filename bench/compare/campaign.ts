/**
 * Runs of one case after the other: which brokers, how often, for how long.
 *
 * @module
 */
import { type BrokerKind, start } from "./brokers.ts";
import type { Group } from "./cases.ts";
import type { Generator, Route } from "./generator.ts";
import { type Measurement, medians } from "./measurement.ts";
import type { GroupResult, Row } from "./results.ts";

/** Settings of a comparison, and its memory of what went wrong. */
export interface Campaign {
  readonly kinds: readonly BrokerKind[];
  readonly generator: Generator;
  readonly runs: number;
  readonly isQuick: boolean;
  /** Most clients at once, here and there. */
  readonly connections: number;
  /** When to measure no more; see `performance.now`. */
  readonly deadline: number;
  readonly remarks: string[];
  /** Told what goes on. */
  readonly report: (line: string) => void;
}

/** A part of the run before, for code to be compiled and buffers to have grown. */
const WARM_UP = 0.1;

/** Measures every case of every group, the brokers taking turns. */
export async function runMatrix(
  campaign: Campaign,
  groups: readonly Group[],
): Promise<GroupResult[]> {
  const measured = new Map<string, Measurement[]>();
  for (let run = 1; run <= campaign.runs; run++) {
    for (const group of groups) {
      for (const kind of campaign.kinds) {
        if (isLate(campaign, `run ${run} of ${group.title}, ${kind.name}`)) continue;
        campaign.report(`run ${run}/${campaign.runs}  ${group.title}  ${kind.name}`);
        await runGroup(campaign, group, kind, measured);
      }
    }
  }
  return groups.map((group) => ({
    id: group.id,
    title: group.title,
    rows: group.cases.map((one): Row => ({
      title: one.title,
      metrics: one.metrics,
      brokers: Object.fromEntries(
        campaign.kinds.flatMap(({ name }) => {
          const runs = measured.get(key(group, one.title, name));
          return runs === undefined ? [] : [[name, medians(runs)]];
        }),
      ),
    })),
  }));
}

async function runGroup(
  campaign: Campaign,
  group: Group,
  kind: BrokerKind,
  measured: Map<string, Measurement[]>,
): Promise<void> {
  await using broker = await start(kind);
  for (const one of group.cases) {
    const { protocol, qos } = one;
    if (!kind.protocols.includes(protocol)) continue;
    const route: Route = { port: broker.port, pid: broker.pid, protocol, qos };
    const what = `${group.title}, ${one.title}, ${kind.name}`;
    await attempt(campaign, what, async () => {
      const before = { ...route, pid: null };
      await one.run(campaign.generator, before, (one.warmUp ?? WARM_UP) * scaleOf(campaign));
      const result = await one.run(campaign.generator, route, scaleOf(campaign));
      if (result.faults > 0) {
        campaign.remarks.push(`${what}: ${result.faults} messages or checks failed`);
      }
      const name = key(group, one.title, kind.name);
      measured.set(name, [...measured.get(name) ?? [], result]);
    });
  }
}

/** What fails is told, and does not end the comparison. */
export async function attempt(
  campaign: Campaign,
  what: string,
  fn: () => Promise<void>,
): Promise<void> {
  try {
    await fn();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    campaign.remarks.push(`${what}: failed, ${reason}`);
    campaign.report(`  failed: ${reason}`);
  }
}

/** Tells whether the time is up, and remarks what is left out for it. */
export function isLate(campaign: Campaign, what: string): boolean {
  if (performance.now() < campaign.deadline) return false;
  campaign.remarks.push(`${what}: left out, the time was up`);
  return true;
}

function scaleOf({ isQuick }: Campaign): number {
  return isQuick ? 0.1 : 1;
}

function key(group: Group, title: string, broker: string): string {
  return `${group.id}/${title}/${broker}`;
}
