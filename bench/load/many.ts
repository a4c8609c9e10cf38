import { Crowd } from "./crowd.ts";
import { type Arrival, FrameBatch, publishBytes } from "./frames.ts";
import { type Faults, Tally } from "./ledger.ts";
import type { Link } from "./link.ts";
import { cpuBetween, settledBytes, type Usage, usage } from "./proc.ts";
import { noProgress, type ProgressFunction } from "./progress.ts";
import { Subscriber } from "./subscriber.ts";
import { runName, type Target, type Traffic } from "./target.ts";

/** Settings of a crowd of slow clients. */
export interface ManyOptions {
  readonly target: Target;
  readonly traffic: Traffic;
  readonly conns: number;
  /** Seconds between two messages of one client to itself; 0 for no messages. */
  readonly pace: number;
  /** How long the clients stay, in seconds. */
  readonly hold: number;
  readonly pid?: number | null;
  /** How often memory is read, every tenth of a second, to find the minimum; 10 by default. */
  readonly readings?: number;
  readonly progress?: ProgressFunction;
}

/** The result of a crowd of slow clients. */
export interface ManyResult {
  readonly connected: number;
  readonly connectsPerSecond: number;
  /** The clients that were still connected at the end. */
  readonly held: number;
  readonly sent: number;
  readonly delivered: number;
  readonly faults: Faults;
  /** Resident memory of the broker before, and with all connections. */
  readonly bytesBefore: number | null;
  readonly bytesConnected: number | null;
  readonly bytesPerConnection: number | null;
  /** Processor time of the broker per connection with its subscription. */
  readonly connectMicroseconds: number | null;
  /** The share of one processor that the broker used while they stayed; 1 is all of it. */
  readonly holdLoad: number | null;
}

/** The interval for choosing the next publishers. */
const TICK_MS = 20;

/** A client that publishes to itself from time to time. */
class Idler extends Subscriber {
  readonly #link: Link;
  readonly #batch: () => FrameBatch;
  readonly #crowd: { held: number };
  #sent = 0;

  constructor(
    link: Link,
    protocol: number,
    tally: Tally,
    index: number,
    batch: () => FrameBatch,
    crowd: { held: number },
  ) {
    super(protocol, tally, [index]);
    this.#link = link;
    this.#batch = batch;
    this.#crowd = crowd;
  }

  publish(): void {
    this.replies.add(this.#batch().fill(this.#sent++, 1, performance.now()));
    this.#link.wake();
  }

  override lost(_error: Error): void {
    this.#crowd.held--;
  }

  protected override arrived(_arrival: Arrival): void {}
}

/** Connects many clients with one subscription each, and keeps them for a while. */
export async function many(options: ManyOptions): Promise<ManyResult> {
  const { target, traffic, conns, pace, hold } = options;
  const { pid = null, readings = 10, progress = noProgress } = options;
  const name = runName();
  const tally = new Tally(Infinity);
  const present = { held: 0 };
  using crowd = new Crowd(target, `many-${name}`);
  const idlers: Idler[] = [];
  const bytesBefore = await residentBytes(pid, readings);
  const before = usage(pid);
  const started = performance.now();
  await crowd.join(conns, 2 * publishBytes(traffic), async (link, index) => {
    const topic = `many/${name}/${index}`;
    await link.subscribe([topic], traffic.qos);
    const batch = () => new FrameBatch({ target, traffic, topic, stream: index, framesMax: 1 });
    const idler = new Idler(link, target.protocol, tally, index, batch, present);
    present.held++;
    idlers.push(idler);
    link.start(idler);
  }, progress);
  const seconds = (performance.now() - started) / 1000;
  const connectCpu = cpuBetween(before, usage(pid));
  const bytesConnected = await residentBytes(pid, readings);
  const connected = idlers.length;
  const { sent, load } = await stay(idlers, pace, hold, pid, progress);
  return {
    connected,
    connectsPerSecond: connected / seconds,
    held: present.held,
    sent,
    delivered: tally.delivered,
    faults: { ...tally.faults(), missed: sent - tally.delivered },
    bytesBefore,
    bytesConnected,
    bytesPerConnection: perConnection(bytesBefore, bytesConnected, connected),
    connectMicroseconds: connectCpu === null ? null : connectCpu * 1e6 / connected,
    holdLoad: load,
  };
}

/** All clients stay for `hold` seconds, and publish in turn. */
async function stay(
  idlers: readonly Idler[],
  pace: number,
  hold: number,
  pid: number | null,
  progress: ProgressFunction,
): Promise<{ sent: number; load: number | null }> {
  const before: Usage | null = usage(pid);
  const started = performance.now();
  let sent = 0;
  const until = started + hold * 1000;
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const elapsed = Math.min(performance.now() - started, hold * 1000);
    const due = pace > 0 ? Math.floor(elapsed / 1000 / pace * idlers.length) : 0;
    for (; sent < due; sent++) idlers[sent % idlers.length]!.publish();
    progress(elapsed, hold * 1000);
  }
  const cpu = cpuBetween(before, usage(pid));
  const seconds = (performance.now() - started) / 1000;
  // The last messages are still on their way.
  if (sent > 0) await new Promise((resolve) => setTimeout(resolve, 500));
  return { sent, load: cpu === null ? null : cpu / seconds };
}

async function residentBytes(pid: number | null, readings: number): Promise<number | null> {
  return pid === null || usage(pid) === null ? null : await settledBytes(pid, readings);
}

function perConnection(before: number | null, after: number | null, count: number): number | null {
  return before === null || after === null ? null : (after - before) / count;
}
