import { delay } from "@std/async";
import type { Child } from "../harness/child.ts";
import { Random } from "../harness/random.ts";
import type { Client } from "./client.ts";
import { Follower } from "./follower.ts";
import { DeadLetterReader, GroupBook } from "./group_book.ts";
import { Mortal } from "./mortal.ts";
import { OnceReader } from "./once_reader.ts";
import { Publisher } from "./publisher.ts";
import { retainedFaults } from "./retained.ts";
import { Subscriber } from "./subscriber.ts";
import { complaintOf, serverOf, smallOf, type Victim, workersOf } from "./victim.ts";
import { Worker } from "./worker.ts";
import { World } from "./world.ts";

/** How long a start, or the end of a round, may take on a busy machine, in milliseconds. */
const DEADLINE_MS = 60_000;
/** How long a broker lives under load at most before it is killed, in milliseconds. */
const LIFE_MS = 900;
/** After how long a broker that has hardly started is killed at most, in milliseconds. */
const BIRTH_MS = 500;
/** The same of one with workers: a worker that was ended needs time to run again. */
const WORKERS_LIFE_MS = 2500;
/** How often a worker is ended in a life at most. */
const WORKER_KILLS_MAX = 3;

/** What came of a round. */
export interface Outcome {
  readonly seed: number;
  readonly messages: number;
  readonly promised: number;
  readonly deliveries: number;
  readonly kills: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Everything that was not as promised, a line each. */
  readonly faults: readonly string[];
}

/**
 * One round: a broker under load is killed again and again, and in the end everyone must have what
 * was promised. What is done is decided by the seed; when exactly, by the machine.
 *
 * @param directory Where the broker has its configuration and its state.
 * @param hasWorkers Whether it is a server with workers, which are ended one by one, too.
 */
export async function playRound(
  seed: number,
  directory: string,
  hasWorkers: boolean,
): Promise<Outcome> {
  const round = new Round(seed, directory, hasWorkers);
  return await round.play();
}

class Round {
  readonly #seed: number;
  readonly #random: Random;
  readonly #world: World;
  readonly #victim: Victim;
  readonly #publishers: Publisher[];
  readonly #subscribers: Subscriber[];
  readonly #followers: Follower[];
  readonly #groups: readonly GroupBook[];
  readonly #workers: readonly Worker[];
  readonly #deadLetters: DeadLetterReader;
  #kills = 0;

  constructor(seed: number, directory: string, hasWorkers: boolean) {
    this.#seed = seed;
    const random = this.#random = new Random(seed);
    const limits = random.chance(0.5)
      ? { storeCacheBytesMax: random.pick([0, 20_000, 200_000]), journalBytesMax: 50_000 }
      : null;
    this.#victim = hasWorkers
      ? workersOf(directory)
      : limits === null
      ? serverOf(directory)
      : smallOf(directory, limits);
    const world = this.#world = new World(random.pick([20, 200, 3000]), hasWorkers);
    const publisher = (topics: string[], name: string) =>
      new Publisher(world, random.fork(), name, topics);
    this.#publishers = [
      ...Array.from(
        { length: random.integer(2, 4) },
        (_, i) => publisher([`t/0`, `t/${i + 1}`, "s/0", "s/1"], `pub${i}`),
      ),
      ...[0, 1].map((i) => publisher([`r/${i}`], `ret${i}`)),
    ];
    this.#subscribers = this.#makeSubscribers();
    const day = { stream: "day", filter: "t/#" };
    this.#followers = [
      ...[0, 1].map((i) => new Follower(world, random.fork(), `follower${i}`, day)),
      ...[0, 1].map((i) => new OnceReader(world, random.fork(), `once${i}`, day)),
    ];
    const [many, alone] = [
      new GroupBook(world, "many", false),
      new GroupBook(world, "alone", true),
    ];
    this.#groups = [many, alone];
    this.#workers = [many, many, many, alone, alone].map((book, i) =>
      new Worker(world, random.fork(), `worker${i}`, book)
    );
    this.#deadLetters = new DeadLetterReader(world, random.fork(), "undertaker", this.#groups);
  }

  async play(): Promise<Outcome> {
    const world = this.#world;
    const mortals = [0, 1, 2].map((i) => new Mortal(world, this.#random.fork(), `mortal${i}`));
    const clients: Client[] = [
      ...this.#subscribers,
      ...this.#publishers,
      ...this.#followers,
      ...this.#workers,
      this.#deadLetters,
      ...mortals,
    ];
    const running: Promise<void>[] = [];
    const kills = this.#random.integer(3, 5);
    let broker: Child | null = null;
    try {
      for (let kill = 0; kill < kills; kill++) {
        const isEarly = this.#random.chance(0.35);
        await using victim = this.#victim.start();
        if (isEarly) await delay(this.#random.integer(0, BIRTH_MS));
        else {
          await this.#listening(victim);
          if (running.length === 0) {
            // Sessions come first, so that something is promised to them.
            running.push(...this.#subscribers.map((client) => client.run()));
            await this.#until(() => this.#subscribers.every(({ isSubscribed }) => isSubscribed));
            running.push(...clients.slice(this.#subscribers.length).map((client) => client.run()));
          }
          await this.#letLive(victim);
        }
        this.#kill(victim);
        await victim.kill();
      }
      broker = this.#victim.start();
      await this.#listening(broker);
      if (running.length === 0) running.push(...clients.map((client) => client.run()));
      await this.#settle(broker);
      return this.#outcome(broker);
    } finally {
      world.finish();
      for (const { wire } of clients) wire?.close();
      await Promise.all(running);
      await broker?.kill();
    }
  }

  #makeSubscribers(): Subscriber[] {
    const random = this.#random;
    const { ledger } = this.#world;
    const make = (name: string, filter: string, qos: 1 | 2, stayMs: number, awayMs: number) =>
      new Subscriber(this.#world, random.fork(), name, ledger.subscriber(name, filter, qos), {
        stayMs,
        awayMs,
        unsubscribes: name.startsWith("fickle"),
      });
    const group = ledger.subscriber("group", "$share/g/s/#", 2, true);
    const habits = { stayMs: 500, awayMs: 300, unsubscribes: false };
    const qos = () => random.pick([1, 2] as const);
    return [
      // Enough on one filter that they share a log.
      ...Array.from(
        { length: 9 },
        (_, i) => make(`sub${i}`, "t/#", qos(), random.pick([0, 100, 1000]), 500),
      ),
      make("one", "t/0", qos(), 700, 100),
      make("any", "+/1", qos(), 300, 300),
      make("fickle0", "t/#", qos(), 150, 50),
      make("fickle1", "t/0", qos(), 150, 50),
      make("states", "r/#", qos(), 400, 400),
      make("heir", "w/#", 2, 400, 200),
      ...[0, 1, 2].map((i) =>
        new Subscriber(this.#world, random.fork(), `member${i}`, group, habits)
      ),
    ];
  }

  /** Lets a broker live for a while, and ends some of its workers meanwhile. */
  async #letLive(victim: Child): Promise<void> {
    const { workers } = this.#victim;
    const random = this.#random;
    if (workers.length === 0) return await delay(random.integer(20, LIFE_MS));
    for (let left = random.integer(0, WORKER_KILLS_MAX); left > 0; left--) {
      await delay(random.integer(20, WORKERS_LIFE_MS));
      victim.signal(random.pick(workers));
      this.#kills++;
    }
    await delay(random.integer(20, WORKERS_LIFE_MS));
  }

  /** Waits until the broker listens, and tells everybody where. */
  async #listening(broker: Child): Promise<void> {
    const [, port] = await broker.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
    this.#world.port = Number(port);
  }

  #kill(broker: Child): void {
    broker.signal("SIGKILL");
    this.#world.port = null;
    this.#kills++;
    this.#hear(broker);
  }

  /** A broker has nothing to complain of, however often it was killed. */
  #hear(broker: Child): void {
    const complaint = complaintOf(broker);
    if (complaint !== null) this.#world.fault(`the broker said: ${complaint}`);
  }

  /** Waits until everyone has answered and everything has arrived, and a last message behind it. */
  async #settle(broker: Child): Promise<void> {
    const world = this.#world;
    await this.#until(() => this.#subscribers.every(({ isSubscribed }) => isSubscribed));
    world.settle();
    const isAnswered = () => this.#publishers.every(({ isDone }) => isDone);
    await this.#until(() => isAnswered() && this.#publishers.every(({ wire }) => wire !== null));
    for (const publisher of this.#publishers) publisher.last(publisher.wire!);
    const { ledger } = world;
    await this.#until(() =>
      isAnswered() && ledger.received.every((each) => ledger.missing(each).length === 0) &&
      this.#followers.every((each) => each.missing(ledger.sent).length === 0) &&
      this.#groups.every((each) => each.missing(this.#keys).length === 0)
    );
    const faults = await retainedFaults(
      world,
      Number(/127\.0\.0\.1:(\d+)/.exec(broker.stdout)![1]),
    );
    world.faults.push(...faults);
    this.#hear(broker);
  }

  /** Waits for a condition; when that takes too long, the outcome tells what is missing. */
  async #until(isTrue: () => boolean): Promise<void> {
    for (const deadline = Date.now() + DEADLINE_MS; !isTrue();) {
      if (Date.now() > deadline) return this.#world.fault("some of it did not come in time");
      await delay(20);
    }
  }

  /** The number of the message with each sequence of the stream. */
  get #keys(): readonly number[] {
    return this.#followers[0]!.keys;
  }

  #outcome(_broker: Child): Outcome {
    const { ledger, faults } = this.#world;
    const lines = [...faults];
    let lost = 0;
    let duplicated = 0;
    let deliveries = 0;
    for (const each of ledger.received) {
      const missing = ledger.missing(each);
      const twice = ledger.duplicates(each);
      lost += missing.length;
      duplicated += twice.length;
      for (const count of each.counts.values()) deliveries += count;
      const tell = (what: string, { key, topic, qos, publisher }: (typeof missing)[number]) =>
        lines.push(
          `${each.name} (QoS ${each.subscription.qos}) ${what} #${key} of ${publisher} to ${topic}, QoS ${qos}`,
        );
      for (const message of missing) tell("never got", message);
      for (const message of twice) tell("got twice", message);
      for (const message of ledger.disordered(each)) tell("got too late", message);
    }
    for (const each of this.#followers) {
      const missing = each.missing(ledger.sent);
      lost += missing.length;
      deliveries += each.count;
      for (const { key, topic } of missing) {
        lines.push(`${each.clientId} never got #${key} to ${topic}: it is not in the stream`);
      }
    }
    const keys = this.#keys;
    for (const each of this.#groups) {
      const missing = each.missing(keys);
      lost += missing.length;
      deliveries += each.deliveries;
      for (const seq of missing) {
        lines.push(`group ${each.name} never got #${keys[seq - 1]}, sequence ${seq}`);
      }
    }
    for (const { group, seq, key } of this.#deadLetters.letters) {
      if (keys[seq - 1] !== key) {
        lines.push(`the dead letter #${key} of group ${group} is said to be ${seq} of the stream`);
      }
    }
    const promised = ledger.sent.filter(({ promisedAt }) => promisedAt < Infinity).length;
    const { length: messages } = ledger.sent;
    return {
      seed: this.#seed,
      messages,
      promised,
      deliveries,
      kills: this.#kills,
      lost,
      duplicated,
      faults: lines,
    };
  }
}
