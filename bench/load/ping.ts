import { Crowd } from "./crowd.ts";
import { type Arrival, FrameBatch, publishBytes } from "./frames.ts";
import { type Faults, Tally } from "./ledger.ts";
import type { Link } from "./link.ts";
import { cpuBetween, usage } from "./proc.ts";
import { noProgress, type ProgressFunction } from "./progress.ts";
import { Samples } from "./samples.ts";
import { Subscriber } from "./subscriber.ts";
import { runName, type Target, type Traffic } from "./target.ts";
import { PATIENCE, type Patience, watch } from "./watch.ts";

/** Settings of a ping test. */
export interface PingOptions {
  readonly target: Target;
  readonly traffic: Traffic;
  /** Pairs of clients, each with one message that goes back and forth. */
  readonly pairs: number;
  /** Round trips of each pair. */
  readonly messages: number;
  /** Subscribers that receive everything, by a wildcard. */
  readonly wsubs: number;
  readonly pid?: number | null;
  readonly progress?: ProgressFunction;
  readonly patience?: Patience;
}

/** The result of a ping test. */
export interface PingResult {
  readonly roundTrips: number;
  readonly delivered: number;
  readonly faults: Faults;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Round trips in microseconds, sorted. */
  readonly times: Float64Array;
  readonly brokerMicroseconds: number | null;
  readonly ownMicroseconds: number | null;
}

/** Answers each message with the next one of its own stream. */
class Player extends Subscriber {
  readonly #link: Link;
  readonly #batch: FrameBatch;
  readonly #messages: number;
  readonly #times: Samples | null;
  #sent = 0;

  constructor(
    link: Link,
    options: PingOptions,
    tally: Tally,
    hears: number,
    batch: FrameBatch,
    times: Samples | null,
  ) {
    super(options.target.protocol, tally, [hears]);
    this.#link = link;
    this.#batch = batch;
    this.#messages = options.messages;
    this.#times = times;
  }

  /** Sends the next message, if there is one. */
  play(now = performance.now()): void {
    if (this.#sent === this.#messages) return;
    this.replies.add(this.#batch.fill(this.#sent++, 1, now));
  }

  /** Sends the first message. */
  serve(): void {
    this.play();
    this.#link.wake();
  }

  protected override arrived({ sentAt }: Arrival): void {
    if (this.#times === null) {
      // Both directions carry the time of the first message.
      this.play(sentAt);
    } else {
      const now = performance.now();
      this.#times.add((now - sentAt) * 1000);
      this.play(now);
    }
  }
}

/** Pairs send a message back and forth; each round trip is timed. */
export async function ping(options: PingOptions): Promise<PingResult> {
  const { target, traffic, pairs, messages, wsubs } = options;
  const { pid = null, progress = noProgress, patience = PATIENCE } = options;
  const name = runName();
  const tally = new Tally(pairs * messages * 2 * (1 + wsubs));
  const times = new Samples();
  using crowd = new Crowd(target, `ping-${name}`);
  const readBytes = Math.max(4096, 2 * publishBytes(traffic));
  const everything = Array.from({ length: pairs * 2 }, (_, stream) => stream);
  await crowd.join(wsubs, 64 * 1024, async (link) => {
    await link.subscribe([`ping/${name}/#`], traffic.qos);
    link.start(new Subscriber(target.protocol, tally, everything));
  });
  // Player 2i begins, player 2i + 1 answers. A stream has the number of its sender.
  const players: Player[] = new Array(pairs * 2);
  await crowd.join(pairs * 2, readBytes, async (link, index) => {
    const partner = index ^ 1;
    const topic = `ping/${name}/${partner}`;
    const batch = new FrameBatch({ target, traffic, topic, stream: index, framesMax: 1 });
    await link.subscribe([`ping/${name}/${index}`], traffic.qos);
    const timed = index % 2 === 0 ? times : null;
    const player = new Player(link, options, tally, partner, batch, timed);
    players[index] = player;
    link.start(player);
  });
  const before = usage(pid);
  const ownBefore = usage(Deno.pid);
  const started = performance.now();
  for (let i = 0; i < players.length; i += 2) players[i]!.serve();
  const ended = await watch(tally, () => true, progress, patience);
  const seconds = (ended - started) / 1000;
  const perMessage = (cpu: number | null) =>
    cpu === null || tally.delivered === 0 ? null : cpu * 1e6 / tally.delivered;
  return {
    roundTrips: times.count,
    delivered: tally.delivered,
    faults: tally.faults(),
    seconds,
    messagesPerSecond: tally.delivered / seconds,
    times: times.sorted(),
    brokerMicroseconds: perMessage(cpuBetween(before, usage(pid))),
    ownMicroseconds: perMessage(cpuBetween(ownBefore, usage(Deno.pid))),
  };
}
