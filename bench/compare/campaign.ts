/**
 * Runs the cases one after the other, and decides brokers, repetitions and duration.
 *
 * @module
 */
import { type BrokerKind, type RunningBroker, start } from "./brokers.ts";
import type { Case, Group } from "./cases.ts";
import type { Generator, Route } from "./generator.ts";
import { type Measurement, medians } from "./measurement.ts";
import type { GroupResult, Row } from "./results.ts";

/** The settings of a comparison, and its failures so far. */
export interface Campaign {
  readonly kinds: readonly BrokerKind[];
  readonly generator: Generator;
  readonly runs: number;
  readonly isQuick: boolean;
  /** The maximum number of concurrent clients, on both sides. */
  readonly connections: number;
  /** When to stop measuring; see `performance.now`. */
  readonly deadline: number;
  readonly remarks: string[];
  /** Called with progress messages. */
  readonly report: (line: string) => void;
}

/** The share of a run that precedes it, so that code is compiled and buffers have grown. */
const WARM_UP = 0.1;
/** The maximum duration of a case. Slow brokers get fewer messages. */
const CASE_MS = 4000;
/** The time limit of a broker for a case, including connecting and subscribing. */
const ATTEMPT_MS = 30_000;
/** The share of each case in a quick comparison. */
const QUICK = 0.06;

/** All cases of all groups; the brokers take turns. */
export class Matrix {
  readonly #campaign: Campaign;
  readonly #groups: readonly Group[];
  readonly #measured = new Map<string, Measurement[]>();
  /** Cases that failed and are not tried again. */
  readonly #failed = new Set<string>();

  /** Creates a matrix without results. */
  constructor(campaign: Campaign, groups: readonly Group[]) {
    this.#campaign = campaign;
    this.#groups = groups;
  }

  /** Measures all cases once. */
  async run(number: number): Promise<void> {
    const { kinds, runs, report } = this.#campaign;
    for (const group of this.#groups) {
      for (const kind of kinds) {
        if (isLate(this.#campaign, `run ${number} of ${group.title}, ${kind.name}`)) continue;
        report(`run ${number}/${runs}  ${group.title}  ${kind.name}`);
        await attempt(this.#campaign, `${group.title}, ${kind.name}`, null, () => {
          return this.#runGroup(group, kind);
        });
      }
    }
  }

  /** The medians of the results so far. */
  results(): GroupResult[] {
    return this.#groups.map((group) => ({
      id: group.id,
      title: group.title,
      rows: group.cases.map((one): Row => ({
        title: one.title,
        metrics: one.metrics,
        brokers: Object.fromEntries(
          this.#campaign.kinds.flatMap(({ name }) => {
            const runs = this.#measured.get(key(group, one.title, name));
            return runs === undefined ? [] : [[name, medians(runs)]];
          }),
        ),
      })),
    }));
  }

  /** Runs a small part of a case; returns the share that fits into the duration of a case. */
  async #warmUp(one: Case, route: Route, scale: number): Promise<number> {
    const part = scale * WARM_UP;
    const started = performance.now();
    const effort = { scale: part, isWarmUp: true };
    await one.run(this.#campaign.generator, { ...route, pid: null }, effort);
    return part * CASE_MS / (performance.now() - started);
  }

  async #runGroup(group: Group, kind: BrokerKind): Promise<void> {
    for (let first = 0; first < group.cases.length;) {
      first += await this.#runCases(group, group.cases.slice(first), kind);
    }
  }

  /** Measures on one process until a case fails; returns the number of tried cases. */
  async #runCases(group: Group, cases: readonly Case[], kind: BrokerKind): Promise<number> {
    const campaign = this.#campaign;
    const scale = campaign.isQuick ? QUICK : 1;
    await using broker = await start(kind);
    for (const [index, one] of cases.entries()) {
      const { protocol, qos } = one;
      if (!kind.protocols.includes(protocol)) continue;
      const name = key(group, one.title, kind.name);
      if (this.#failed.has(name)) continue;
      const route: Route = { port: broker.port, pid: broker.pid, protocol, qos };
      const what = `${group.title}, ${one.title}, ${kind.name}`;
      const isDone = await attempt(campaign, what, broker, async () => {
        const affordable = await this.#warmUp(one, route, scale);
        const effort = { scale: Math.min(scale, affordable), isWarmUp: false };
        const result = await one.run(campaign.generator, route, effort);
        if (result.faults > 0) {
          campaign.remarks.push(`${what}: ${result.faults} messages or checks failed`);
        }
        this.#measured.set(name, [...this.#measured.get(name) ?? [], result]);
      });
      if (!isDone) {
        this.#failed.add(name);
        return index + 1;
      }
    }
    return cases.length;
  }
}

/**
 * Measures a case. A broker that takes far too long is killed. Failures are reported and do not end
 * the comparison.
 *
 * @returns Whether it succeeded.
 */
export async function attempt(
  campaign: Campaign,
  what: string,
  broker: RunningBroker | null,
  fn: () => Promise<void>,
  limitMs: number = ATTEMPT_MS,
): Promise<boolean> {
  let isKilled = false;
  const timer = setTimeout(() => {
    isKilled = true;
    broker?.kill();
  }, limitMs);
  try {
    await fn();
    return true;
  } catch (error) {
    const reason = isKilled ? `not done after ${limitMs / 1000} s` : messageOf(error);
    campaign.remarks.push(`${what}: failed, ${reason}`);
    campaign.report(`  failed: ${reason}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the time is over. If so, the skipped case is noted. */
export function isLate(campaign: Campaign, what: string): boolean {
  if (performance.now() < campaign.deadline) return false;
  campaign.remarks.push(`${what}: left out, the time was up`);
  return true;
}

function key(group: Group, title: string, broker: string): string {
  return `${group.id}/${title}/${broker}`;
}
