/**
 * The matrix: the cases that every broker has to run.
 *
 * @module
 */
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";
import { many } from "../load/many.ts";
import { retained } from "../load/retained.ts";
import { topics } from "../load/topics.ts";
import {
  faultCount,
  type Generator,
  type Job,
  PATIENCE,
  type Route,
  targetOf,
  trafficOf,
} from "./generator.ts";
import { figuresOf, type Measurement, type Metric } from "./measurement.ts";

/** A case of the matrix. */
export interface Case {
  readonly title: string;
  readonly protocol: ProtocolVersion;
  readonly qos: QoS;
  /** The metrics of the tables; the first one is drawn. */
  readonly metrics: readonly Metric[];
  /** Measures once. */
  run(generator: Generator, route: Route, effort: Effort): Promise<Measurement>;
}

/** The amount of work in a run. */
export interface Effort {
  /** The share of all messages that is sent. */
  readonly scale: number;
  /** Whether the result is ignored. Then everything else may be smaller, too. */
  readonly isWarmUp: boolean;
}

/** Related cases, measured on the same process. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly cases: readonly Case[];
}

const WARM_UP_CONNS = 200;
const PER_MESSAGE: readonly Metric[] = ["cpu", "rate"];

/** Scales a count down, but not below `min`. */
function scaled(count: number, scale: number, min = 1): number {
  return Math.max(min, Math.round(count * scale));
}

function job(
  title: string,
  job: Job,
  metrics: readonly Metric[],
  qos: QoS = 0,
  protocol: ProtocolVersion = 4,
): Case {
  return {
    title,
    protocol,
    qos,
    metrics,
    run: (generator, route, { scale }) =>
      generator.run({ ...job, messages: scaled(job.messages, scale, 10) }, route),
  };
}

/** All groups, for at most `connections` concurrent clients. */
export function matrix(connections: number, isQuick: boolean): Group[] {
  const conns = Math.min(connections, isQuick ? 500 : 10_000);
  const subscribers = isQuick ? 100 : 500;
  const load = (messages: number): Job => ({ mode: "load", pairs: 50, messages });
  const fanOut = (isWild: boolean, messages = 400): Job => {
    return { mode: "fanOut", conns: subscribers, isWild, messages };
  };
  const ping: Job = { mode: "ping", pairs: 100, messages: 400 };
  const trips = ["cpu", "p50", "p99", "rate"] as const;
  return [
    {
      id: "ping",
      title: "Ping: 100 pairs bounce a message",
      cases: [job("QoS 0", ping, trips), job("QoS 1", ping, trips, 1)],
    },
    {
      id: "load",
      title: "Load: 50 publishers flood a subscriber each",
      cases: [
        job("QoS 0", load(10_000), PER_MESSAGE),
        job("QoS 1", load(3000), PER_MESSAGE, 1),
        job("QoS 2", load(1500), PER_MESSAGE, 2),
        job("QoS 0, MQTT 5", load(10_000), PER_MESSAGE, 0, 5),
        job("QoS 1, MQTT 5", load(3000), PER_MESSAGE, 1, 5),
      ],
    },
    {
      id: "fan",
      title: "Fan-out and fan-in",
      cases: [
        job(`1 to ${subscribers}, exact filter`, fanOut(false), PER_MESSAGE),
        job(`1 to ${subscribers}, wildcard filter`, fanOut(true), PER_MESSAGE),
        job(`1 to ${subscribers}, exact filter, QoS 1`, fanOut(false, 100), PER_MESSAGE, 1),
        job("50 to 1", { mode: "fanIn", pairs: 50, messages: 4000 }, PER_MESSAGE),
      ],
    },
    { id: "retained", title: "A burst of retained messages", cases: [burst(isQuick)] },
    { id: "topics", title: "A growing subscription table", cases: tables(isQuick) },
    {
      id: "churn",
      title: "Clients that come and go",
      cases: [
        job("connect, subscribe, publish, receive, leave", {
          mode: "churn",
          slots: 50,
          messages: 3000,
        }, ["cpuCycle", "cycles"]),
      ],
    },
    {
      id: "idle",
      title: `${conns.toLocaleString("en")} idle connections`,
      cases: [idle(conns, isQuick)],
    },
  ];
}

function burst(isQuick: boolean): Case {
  const messages = isQuick ? 1000 : 10_000;
  return {
    protocol: 4,
    qos: 0,
    metrics: PER_MESSAGE,
    title: `${messages.toLocaleString("en")} retained messages to each of 10 subscribers`,
    async run(_, route, { scale, isWarmUp }) {
      const count = isWarmUp ? scaled(messages, scale) : messages;
      const result = await retained({ ...own(route), messages: count, subscribers: 10 });
      const { messagesPerSecond: rate, brokerMicroseconds: cpu } = result;
      return { figures: figuresOf({ rate, cpu }), faults: faultCount(result.faults) };
    },
  };
}

function tables(isQuick: boolean): Case[] {
  const sizes = isQuick ? [100, 10_000] : [100, 10_000, 100_000];
  return sizes.map((filters): Case => ({
    protocol: 4,
    qos: 0,
    metrics: PER_MESSAGE,
    title: `to ${filters.toLocaleString("en")} subscribed topics in turn`,
    async run(_, route, { scale, isWarmUp }) {
      const count = isWarmUp ? scaled(filters, scale) : filters;
      const options = { ...own(route), filters: count, kind: "mix" as const };
      const result = await topics({ ...options, messages: scaled(50_000, scale) });
      const { messagesPerSecond: rate, brokerMicroseconds: cpu } = result;
      return { figures: figuresOf({ rate, cpu }), faults: faultCount(result.faults) };
    },
  }));
}

function idle(conns: number, isQuick: boolean): Case {
  return {
    title: "one subscription each, nothing to say",
    protocol: 4,
    qos: 0,
    metrics: ["bytes", "cpuConnect", "connects", "load"],
    async run(_, route, { isWarmUp }) {
      const hold = isWarmUp ? 0 : isQuick ? 1 : 2;
      const reading = isQuick ? { readings: 3 } : {};
      // Earlier connections leave memory that is reused at no cost, so there must not be too many.
      const count = isWarmUp ? WARM_UP_CONNS : conns;
      const result = await many({ ...own(route), conns: count, pace: 0, hold, ...reading });
      const figures = figuresOf({
        bytes: result.bytesPerConnection,
        cpuConnect: result.connectMicroseconds,
        connects: result.connectsPerSecond,
        load: result.holdLoad === null ? null : result.holdLoad * 100,
      });
      return { figures, faults: result.connected - result.held };
    },
  };
}

function own(route: Route) {
  return {
    target: targetOf(route),
    traffic: trafficOf(route),
    pid: route.pid,
    patience: PATIENCE,
  };
}
