import { Crowd } from "./crowd.ts";
import { type FloodResult, measure } from "./flood.ts";
import { FrameBatch, numbered } from "./frames.ts";
import { Tally } from "./ledger.ts";
import { cpuBetween, settledBytes, usage } from "./proc.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";
import { runName, type Target, type Traffic } from "./target.ts";
import type { Patience } from "./watch.ts";

/** The kind of filters: all of one kind, or a third of each. */
export type FilterKind = "exact" | "plus" | "hash" | "mix";

/** Settings of the subscription table. */
export interface TopicsOptions {
  readonly target: Target;
  readonly traffic: Traffic;
  readonly filters: number;
  readonly kind: FilterKind;
  readonly messages: number;
  readonly pid?: number | null;
  readonly patience?: Patience;
}

/** The cost of the subscriptions themselves. */
export interface SubscribeResult {
  readonly subscribesPerSecond: number;
  readonly subscribeMicroseconds: number | null;
  readonly bytesPerSubscription: number | null;
}

/** Filters per client: some brokers scan all of them for each new one. */
const FILTERS_PER_CLIENT = 1000;
/** Filters per packet. */
const FILTERS_PER_PACKET = 250;
/** The lead of the publisher: enough to keep the broker busy. */
const AHEAD = 1000;

/** Each message goes to another of many subscribed topics, and to one subscriber by one filter. */
export async function topics(options: TopicsOptions): Promise<FloodResult & SubscribeResult> {
  const { target, traffic, filters, kind, messages, pid = null } = options;
  const name = runName();
  const tally = new Tally(messages);
  const ledger = tally.open();
  using crowd = new Crowd(target, `topics-${name}`);
  const filterOf = (number: number) => filterFor(`t/${name}`, number, kind);
  const subscribed = await subscribeAll(crowd, filters, filterOf, pid, () => {
    return new Subscriber(target.protocol, tally, [0], ledger);
  });
  const [link] = await crowd.join(1, 4096);
  let isSent = false;
  const topic = `t/${name}/x/${numbered(0)}`;
  const publisher = new Publisher(link!, {
    batch: new FrameBatch({
      target,
      traffic,
      topic,
      stream: 0,
      numberOf: (i) => scatter(i) % filters,
    }),
    traffic,
    messages,
    tally,
    finished: () => isSent = true,
    mayHaveSent: () => {
      tally.wakeAt = tally.delivered + AHEAD / 2;
      return tally.delivered + AHEAD;
    },
  });
  link!.start(publisher);
  const result = await measure(options, tally, [publisher], () => isSent);
  // Messages to different subscribers have no order.
  return { ...result, ...subscribed, faults: { ...result.faults, outOfOrder: 0 } };
}

/** Subscribes to many filters, from several clients. */
export async function subscribeAll(
  crowd: Crowd,
  filters: number,
  filterOf: (number: number) => string,
  pid: number | null,
  role: () => Subscriber,
): Promise<SubscribeResult> {
  const clients = Math.ceil(filters / FILTERS_PER_CLIENT);
  const links = await crowd.join(clients, 4096);
  const bytesBefore = pid === null ? 0 : await settledBytes(pid, 3);
  const before = usage(pid);
  const started = performance.now();
  for (const [index, link] of links.entries()) {
    const end = Math.min(filters, (index + 1) * FILTERS_PER_CLIENT);
    for (let i = index * FILTERS_PER_CLIENT; i < end; i += FILTERS_PER_PACKET) {
      const count = Math.min(FILTERS_PER_PACKET, end - i);
      await link.subscribe(Array.from({ length: count }, (_, k) => filterOf(i + k)), 0);
    }
    link.start(role());
  }
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuBetween(before, usage(pid));
  const bytesAfter = pid === null ? 0 : await settledBytes(pid, 5);
  return {
    subscribesPerSecond: filters / seconds,
    subscribeMicroseconds: cpu === null ? null : cpu * 1e6 / filters,
    bytesPerSubscription: pid === null ? null : (bytesAfter - bytesBefore) / filters,
  };
}

/** A filter that matches `PREFIX/x/NUMBER` and no other topic of the run. */
export function filterFor(prefix: string, number: number, kind: FilterKind): string {
  const digits = numbered(number);
  const own = kind === "mix" ? (["exact", "plus", "hash"] as const)[number % 3] : kind;
  if (own === "plus") return `${prefix}/+/${digits}`;
  return own === "hash" ? `${prefix}/x/${digits}/#` : `${prefix}/x/${digits}`;
}

/** Maps a number to one far from those of its neighbours; the same in every run. */
function scatter(number: number): number {
  let hash = Math.imul(number + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ hash >>> 15, 0x85ebca6b);
  return (hash ^ hash >>> 13) >>> 0;
}
