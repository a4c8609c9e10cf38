import { Crowd, readBytesFor } from "./crowd.ts";
import { FrameBatch, publishBytes } from "./frames.ts";
import { type Faults, Tally } from "./ledger.ts";
import type { Plan } from "./plans.ts";
import { cpuBetween, usage } from "./proc.ts";
import { noProgress, type ProgressFunction } from "./progress.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";
import type { Target, Traffic } from "./target.ts";
import { PATIENCE, type Patience, watch } from "./watch.ts";

/** Settings of a flood. */
export interface FloodOptions {
  readonly target: Target;
  readonly traffic: Traffic;
  readonly plan: Plan;
  /** Messages per publisher. */
  readonly messages: number;
  /** The maximum lead of a publisher over the mean of its subscribers, in messages. */
  readonly ahead?: number;
  /** The process of the broker. */
  readonly pid?: number | null;
  readonly progress?: ProgressFunction;
  readonly patience?: Patience;
}

/** The result of a flood. */
export interface FloodResult {
  readonly sent: number;
  readonly delivered: number;
  readonly faults: Faults;
  /** From the first message to the last. */
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Processor time of the broker per delivered message; null if unknown. */
  readonly brokerMicroseconds: number | null;
  /** The same for this process. */
  readonly ownMicroseconds: number | null;
}

/** Publishers publish as fast as possible. Received messages are checked and counted. */
export async function flood(options: FloodOptions): Promise<FloodResult> {
  const { target, traffic, plan, messages } = options;
  const streams = plan.listeners.reduce((sum, listener) => sum + listener.streams.length, 0);
  const tally = new Tally(streams * messages);
  using crowd = new Crowd(target, `flood-${plan.name}`);
  const readBytes = readBytesFor(plan.listeners.length, publishBytes(traffic));
  await crowd.join(plan.listeners.length, readBytes, async (link, index) => {
    const { filter, streams } = plan.listeners[index]!;
    await link.subscribe([filter], traffic.qos);
    link.start(new Subscriber(target.protocol, tally, streams));
  });
  let unfinished = plan.topics.length;
  const publishers: Publisher[] = [];
  await crowd.join(plan.topics.length, 4096, (link, stream) => {
    const batch = new FrameBatch({ target, traffic, topic: plan.topics[stream]!, stream });
    const publisher = new Publisher(link, {
      batch,
      traffic,
      messages,
      tally,
      finished: () => unfinished--,
      ...pace(options, tally),
    });
    publishers.push(publisher);
    link.start(publisher);
  });
  return await measure(options, tally, publishers, () => unfinished === 0);
}

/** Starts the publishers and measures until all messages have arrived. */
export async function measure(
  options: Pick<FloodOptions, "pid" | "progress" | "patience">,
  tally: Tally,
  publishers: readonly Publisher[],
  isSent: () => boolean,
): Promise<FloodResult> {
  const { pid = null, progress = noProgress, patience = PATIENCE } = options;
  const release = () => publishers.forEach((publisher) => publisher.release());
  tally.wake = release;
  const before = usage(pid);
  const ownBefore = usage(Deno.pid);
  const started = performance.now();
  release();
  const ended = await watch(tally, isSent, progress, patience);
  const seconds = (ended - started) / 1000;
  const sent = publishers.reduce((sum, publisher) => sum + publisher.sent, 0);
  const perMessage = (cpu: number | null) =>
    cpu === null || tally.delivered === 0 ? null : cpu * 1e6 / tally.delivered;
  return {
    sent,
    delivered: tally.delivered,
    faults: tally.faults(),
    seconds,
    messagesPerSecond: tally.delivered / seconds,
    brokerMicroseconds: perMessage(cpuBetween(before, usage(pid))),
    ownMicroseconds: perMessage(cpuBetween(ownBefore, usage(Deno.pid))),
  };
}

/** Slows down a publisher that is too far ahead. */
function pace({ ahead, plan }: FloodOptions, tally: Tally): { mayHaveSent?: () => number } {
  if (ahead === undefined || plan.topics.length > 1) return {};
  const audience = plan.listeners.length;
  return {
    mayHaveSent: () => {
      const received = Math.floor(tally.delivered / audience);
      tally.wakeAt = (received + Math.ceil(ahead / 2)) * audience;
      return received + ahead;
    },
  };
}
