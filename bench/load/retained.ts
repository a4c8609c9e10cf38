import { encodePacket } from "../../codec/mod.ts";
import { Crowd, readBytesFor } from "./crowd.ts";
import { type FloodResult, measure } from "./flood.ts";
import { FrameBatch, numbered, publishBytes } from "./frames.ts";
import { Tally } from "./ledger.ts";
import { subscribePacket } from "./link.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";
import { runName, type Target, type Traffic } from "./target.ts";
import type { Patience } from "./watch.ts";

/** Settings of the burst. */
export interface RetainedOptions {
  readonly target: Target;
  readonly traffic: Traffic;
  /** Retained messages, each with its own topic. */
  readonly messages: number;
  /** Subscribers that request all of them at the same time. */
  readonly subscribers: number;
  readonly pid?: number | null;
  readonly patience?: Patience;
}

/** Retains messages, then sends all of them to subscribers that connect at the same time. */
export async function retained(options: RetainedOptions): Promise<FloodResult> {
  const { target, traffic, messages, subscribers } = options;
  const name = runName();
  using crowd = new Crowd(target, `retained-${name}`);
  await retain(crowd, options, `ret/${name}/`);
  const tally = new Tally(messages * subscribers);
  const readBytes = readBytesFor(subscribers, publishBytes(traffic));
  const links = await crowd.join(subscribers, readBytes);
  const request = encodePacket(subscribePacket([`ret/${name}/#`], traffic.qos), target.protocol);
  for (const link of links) {
    const subscriber = new Subscriber(target.protocol, tally, [0]);
    // Some brokers send the messages before the SUBACK.
    subscriber.send(request);
    link.start(subscriber);
  }
  const result = await measure(options, tally, [], () => true);
  // Retained messages of different topics have no order.
  return { ...result, sent: messages, faults: { ...result.faults, outOfOrder: 0 } };
}

/** Publishes at QoS 1, and waits until the broker has acknowledged all. */
async function retain(
  crowd: Crowd,
  { target, traffic, messages }: RetainedOptions,
  prefix: string,
): Promise<void> {
  const { promise, resolve: finished } = Promise.withResolvers<void>();
  const safe: Traffic = { ...traffic, qos: 1 };
  const topic = prefix + numbered(0);
  const batch = new FrameBatch({
    target,
    traffic: safe,
    topic,
    stream: 0,
    retain: true,
    numberOf: (sequence) => sequence,
  });
  const [link] = await crowd.join(1, 4096);
  const tally = new Tally(Infinity);
  const publisher = new Publisher(link!, { batch, traffic: safe, messages, tally, finished });
  link!.start(publisher);
  publisher.release();
  await Promise.race([promise, tally.done]);
}
