/**
 * A group over many random runs: members come, go, die, refuse and forget to answer, and the broker
 * is killed. After each step every message is acknowledged, or a dead letter, or still to be
 * acknowledged, and the store says the same. In the end each has come to one of the two ends.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { StreamOptions } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { readGroupRow } from "../../stream/group_row.ts";
import { Random } from "../harness/random.ts";
import { DAY, type Received, Scene, type SceneClient, texts } from "./_scene.ts";

const RUNS = 80;
const STEPS = 60;
const FILTER = "$share/g/$replay/day/earliest/t/#";
const STREAMS: StreamOptions[] = [
  { name: "lost", filters: [], maxMessages: 100_000 },
  { ...DAY, dead: "lost", maxDeliver: 3 },
];

/** A member, and what it was sent and has not answered. */
interface Worker {
  readonly id: string;
  readonly client: SceneClient;
  readonly expiry: number;
  held: Received[];
}

function seqOf({ properties }: Received): number {
  return Number(new Map(properties.userProperties).get("stream-seq"));
}

/** One run, repeated by its seed. */
class Run {
  readonly #random: Random;
  readonly #isExclusive: boolean;
  /** What is certain: the sequences that were acknowledged, and the dead letters. */
  #acknowledged = new Set<number>();
  readonly #dead = new Set<number>();
  /** Acknowledgements that the broker may not have stored yet. */
  #unsure: number[] = [];
  #workers: Worker[] = [];
  /** Sessions that last, and are away. */
  #away: string[] = [];
  #store = new MemoryStore();
  readonly #scenes: Scene[] = [];
  #published = 0;
  #named = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#isExclusive = this.#random.chance(0.3);
  }

  get #scene(): Scene {
    return this.#scenes.at(-1)!;
  }

  async play(): Promise<void> {
    await this.#open();
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      await this.#check();
    }
    await this.#finish();
    for (const scene of this.#scenes) await scene[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    const exclusiveGroups = this.#isExclusive ? ["g"] : [];
    const streams = STREAMS.map((one) => ({ ...one, exclusiveGroups }));
    this.#scenes.push(await Scene.open({ store: this.#store }, streams));
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const dice = random.integer(0, 99);
    if (dice < 20) return await this.#publish(random.integer(1, 8));
    if (dice < 33) return await this.#join(`w${++this.#named}`, random.pick([0, 1, 3600]));
    if (dice < 38 && this.#away.length > 0) {
      return await this.#join(this.#away.pop()!, random.pick([1, 3600]));
    }
    if (dice < 42) return await this.#scene.clock.advance(random.integer(0, 3000));
    if (dice < 46) return await this.#kill();
    if (this.#workers.length === 0) return;
    const worker = random.pick(this.#workers);
    if (dice < 54) return await this.#leave(worker);
    if (dice < 58) return void await worker.client.unsubscribe(FILTER);
    if (dice < 62) return await this.#refuse(worker);
    await this.#acknowledge(worker, random.chance(0.8));
  }

  async #publish(count: number): Promise<void> {
    await this.#scene.fill(count, this.#published + 1, `t/${this.#random.integer(1, 3)}`);
    this.#published += count;
  }

  async #join(id: string, expiry: number): Promise<void> {
    const receiveMaximum = this.#random.integer(1, 6);
    const clean = expiry === 0;
    const how = { clean, expiry, receiveMaximum, acknowledges: false };
    const client = await this.#scene.join(id, 5, how);
    this.#workers.push({ id, client, expiry, held: [] });
    assertEquals((await client.subscribe(FILTER, { qos: 1 })).reasonCodes, [1]);
  }

  async #leave(worker: Worker): Promise<void> {
    this.#workers = this.#workers.filter((one) => one !== worker);
    if (worker.expiry > 0) this.#away.push(worker.id);
    await worker.client.leave();
  }

  /** Answers some of what it has, in any order; perhaps without waiting for what comes of it. */
  async #acknowledge(worker: Worker, isSettled: boolean): Promise<void> {
    const done = worker.held.filter(() => this.#random.chance(0.7));
    worker.held = worker.held.filter((message) => !done.includes(message));
    if (this.#random.chance(0.3)) done.reverse();
    for (const { packetId } of done) {
      worker.client.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
    }
    this.#unsure.push(...done.map(seqOf));
    if (isSettled) await this.#scene.clock.settle();
    else await this.#kill();
  }

  async #refuse(worker: Worker): Promise<void> {
    const refused = worker.held.splice(0, 1);
    await worker.client.acknowledge(refused, 0x83);
    for (const message of refused) this.#dead.add(seqOf(message));
  }

  /** The broker is gone from one moment to the next: what is in the store is all there is. */
  async #kill(): Promise<void> {
    for (let turns = this.#random.integer(0, 6); turns > 0; turns--) await Promise.resolve();
    this.#store = MemoryStore.from(this.#store.snapshot());
    this.#away.push(...this.#workers.filter(({ expiry }) => expiry > 0).map(({ id }) => id));
    this.#workers = [];
    const stored = this.#done();
    for (const seq of this.#unsure) if (stored.has(seq)) this.#acknowledged.add(seq);
    this.#unsure = [];
    await this.#open();
  }

  async #check(): Promise<void> {
    await this.#scene.clock.settle();
    for (const seq of this.#unsure) this.#acknowledged.add(seq);
    this.#unsure = [];
    for (const worker of this.#workers) {
      for (const message of await worker.client.take("publish")) {
        const seq = seqOf(message);
        assert(!this.#acknowledged.has(seq), `${seq} was acknowledged, and is sent again`);
        assert(!this.#dead.has(seq), `${seq} is a dead letter, and is sent again`);
        const isHeld = this.#workers.some(({ held }) => held.some((one) => seqOf(one) === seq));
        assert(!isHeld, `${seq} is sent to two at once`);
        worker.held.push(message);
      }
    }
    await this.#readLetters();
    const settled = this.#acknowledged.union(this.#dead);
    assertEquals(this.#acknowledged.intersection(this.#dead).size, 0);
    assertEquals([...this.#done()].toSorted(byNumber), [...settled].toSorted(byNumber));
    const pending = this.#scene.broker.stream("day")!.groups()[0]?.pending ?? 0;
    const held = this.#workers.reduce((sum, worker) => sum + worker.held.length, 0);
    assert(pending >= held, `${pending} are pending, ${held} are in flight`);
  }

  /** Takes note of the dead letters; each is there once. */
  async #readLetters(): Promise<void> {
    const letters: number[] = [];
    const lost = this.#scene.broker.stream("lost")!;
    for await (const { properties } of lost.read({ after: 0, isFinite: true })) {
      letters.push(Number(new Map(properties.userProperties).get("dead-seq")));
    }
    assertEquals(new Set(letters).size, letters.length, "a message is a dead letter once");
    for (const seq of this.#dead) assert(letters.includes(seq), `dead letter ${seq} is there`);
    for (const seq of letters) this.#dead.add(seq);
  }

  /** What the store says that is done with. */
  #done(): Set<number> {
    const done = new Set<number>();
    for (const { value } of this.#store.snapshot().get("stream_groups")!) {
      const { next, pending } = readGroupRow("g", value);
      for (let seq = 1; seq < next; seq++) done.add(seq);
      for (const { seq } of pending) done.delete(seq);
    }
    return done;
  }

  /** Somebody comes who does all the work. */
  async #finish(): Promise<void> {
    for (const worker of [...this.#workers]) await this.#leave(worker);
    await this.#join("last", 0);
    const { client } = this.#workers[0]!;
    for (let rounds = 0; rounds < 100; rounds++) {
      await this.#check();
      const worker = this.#workers[0]!;
      if (worker.held.length === 0) break;
      this.#unsure.push(...worker.held.map(seqOf));
      await client.acknowledge(worker.held.splice(0));
    }
    await this.#scene.clock.advance(10_000);
    await this.#check();
    const ends = [...this.#acknowledged.union(this.#dead)].toSorted(byNumber);
    assertEquals(ends.map(String), texts(1, this.#published));
  }
}

function byNumber(a: number, b: number): number {
  return a - b;
}

for (let seed = 1; seed <= RUNS; seed++) {
  Deno.test(`each message of a group has one end, whoever dies (seed ${seed})`, async () => {
    await new Run(seed).play();
  });
}
