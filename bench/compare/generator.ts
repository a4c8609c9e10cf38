/**
 * The load generators: this project's own tools, or `mqttload`, a generator in C.
 *
 * @module
 */
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";
import { churn } from "../load/churn.ts";
import { flood } from "../load/flood.ts";
import type { Faults } from "../load/ledger.ts";
import { ping } from "../load/ping.ts";
import { fanIn, fanOut, pairs } from "../load/plans.ts";
import { summarize } from "../load/samples.ts";
import type { Target, Traffic } from "../load/target.ts";
import { figuresOf, type Measurement } from "./measurement.ts";

/** A load that both generators can create. */
export type Job =
  | { readonly mode: "ping"; readonly pairs: number; readonly messages: number }
  | { readonly mode: "load"; readonly pairs: number; readonly messages: number }
  | { readonly mode: "fanIn"; readonly pairs: number; readonly messages: number }
  | {
    readonly mode: "fanOut";
    readonly conns: number;
    readonly isWild: boolean;
    readonly messages: number;
  }
  | { readonly mode: "churn"; readonly slots: number; readonly messages: number };

/** The QoS, protocol and address of a job. */
export interface Route {
  readonly port: number;
  /** The process of the broker; null if its processor time and memory are not measured. */
  readonly pid: number | null;
  readonly protocol: ProtocolVersion;
  readonly qos: QoS;
}

/** Creates load and measures. */
export interface Generator {
  readonly name: string;
  run(job: Job, route: Route): Promise<Measurement>;
}

/** The size of a payload, in bytes. */
export const SIZE_BYTES = 64;
/** The maximum lead of a publisher over its subscribers in a fan-out, in messages. */
export const AHEAD = 1000;
/** The time after which a broker is given up. */
export const PATIENCE = { idleMs: 3000, timeoutMs: 40_000 };

/** The target of our own tools. */
export function targetOf({ port, protocol }: Route): Target {
  return { hostname: "127.0.0.1", port, username: null, password: null, protocol };
}

/** The messages of our own tools. */
export function trafficOf({ qos }: Route): Traffic {
  return { qos, size: SIZE_BYTES, window: 100 };
}

/** The number of faults, in messages. */
export function faultCount(faults: Faults): number {
  return Object.values(faults).reduce((sum, count) => sum + count, 0);
}

/** The tools of this folder. */
export const ownGenerator: Generator = {
  name: "the load tools in bench/load",
  async run(job, route) {
    const options = {
      target: targetOf(route),
      traffic: trafficOf(route),
      pid: route.pid,
      messages: job.messages,
      patience: PATIENCE,
    };
    if (job.mode === "churn") {
      const result = await churn({ ...options, slots: job.slots, cycles: job.messages });
      const { cyclesPerSecond: cycles, brokerMicroseconds: cpuCycle } = result;
      return { figures: figuresOf({ cycles, cpuCycle }), faults: 0 };
    }
    if (job.mode === "ping") {
      const result = await ping({ ...options, pairs: job.pairs, wsubs: 0 });
      const times = summarize(result.times);
      const { messagesPerSecond: rate, brokerMicroseconds: cpu } = result;
      const figures = figuresOf({ rate, cpu, p50: times?.p50, p99: times?.p99 });
      return { figures, faults: faultCount(result.faults) };
    }
    const result = await flood({ ...options, ...planOf(job) });
    const { messagesPerSecond: rate, brokerMicroseconds: cpu } = result;
    return { figures: figuresOf({ rate, cpu }), faults: faultCount(result.faults) };
  },
};

function planOf(job: Exclude<Job, { mode: "ping" | "churn" }>) {
  switch (job.mode) {
    case "load":
      return { plan: pairs(job.pairs) };
    case "fanIn":
      return { plan: fanIn(job.pairs) };
    case "fanOut":
      return {
        plan: job.isWild ? fanOut(0, job.conns) : fanOut(job.conns, 0),
        ahead: AHEAD,
      };
  }
}
