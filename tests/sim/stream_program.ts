import type { Stream, StreamMessage } from "../../stream/mod.ts";
import type { Random } from "../harness/random.ts";
import type { StreamBook } from "./stream_book.ts";
import { FEED, type StreamPlan } from "./stream_plan.ts";
import type { World } from "./world.ts";

/** How long it rests at most between two things that it does, in milliseconds. */
const REST_MS_MAX = 60;

/**
 * The program that the broker is part of, as far as it has to do with the stream: it reads
 * everything, appends, drops the oldest messages, and begins anew with each broker.
 */
export class StreamProgram {
  readonly #world: World;
  readonly #plan: StreamPlan;
  readonly #book: StreamBook;
  readonly #random: Random;
  #ending = new AbortController();

  constructor(world: World, plan: StreamPlan, book: StreamBook, random: Random) {
    this.#world = world;
    this.#plan = plan;
    this.#book = book;
    this.#random = random;
  }

  /** A broker has its stream: goes on with what it has. */
  start(stream: Stream): void {
    const ending = this.#ending = new AbortController();
    this.#read(stream, ending.signal);
    if (this.#plan.feedBytesMax > 0 || this.#plan.purgeChance > 0) {
      this.#restThen(() => this.#act(stream, ending.signal));
    }
  }

  /** The broker is no more. */
  stop(): void {
    this.#ending.abort();
  }

  async #read(stream: Stream, signal: AbortSignal): Promise<void> {
    const book = this.#book;
    try {
      for await (const message of stream.read({ after: book.read, signal })) {
        if (signal.aborted) return;
        this.#got(stream, message);
      }
    } catch (error) {
      if (!signal.aborted) this.#world.ledger.fault(`the program cannot read: ${error}`);
    }
  }

  #got(stream: Stream, { seq, topic, payload, timeMs }: StreamMessage): void {
    const { ledger } = this.#world;
    const book = this.#book;
    const publication = ledger.publicationOf(payload);
    ledger.activity++;
    book.begins(stream.first);
    if (publication === undefined || publication.topic !== topic) {
      return ledger.fault(`the program got bytes of ${topic} that nobody has published there`);
    }
    ledger.note(() => `the program reads ${seq}: #${publication.id} to ${topic}`);
    if (seq <= book.read) ledger.fault(`the program got ${seq} after ${book.read}`);
    this.#passTo(seq);
    book.read = seq;
    book.observe("the program", seq, publication, timeMs);
    const { maxAgeMs = Infinity } = this.#plan.retention;
    if (timeMs <= this.#world.nowMs - maxAgeMs) {
      ledger.fault(`the program got ${seq}, which is ${this.#world.nowMs - timeMs} ms old`);
    }
  }

  /** Nothing moves any more: what it has not read by now it never will. */
  settled(): void {
    this.#passTo(this.#world.ends.last + 1);
  }

  /** It gets nothing in front of a sequence any more. */
  #passTo(seq: number): void {
    const { ledger, scenario } = this.#world;
    const book = this.#book;
    for (let missed = book.read + 1; missed < seq; missed++) {
      if (missed < book.firstMost) book.unseen.add(missed);
      // Only what was refused has a sequence that nobody gets.
      else if (scenario.overflow !== "refuse-publisher") {
        ledger.fault(`the program never got ${missed}`);
      }
    }
  }

  #restThen(action: () => void): void {
    const { clock } = this.#world;
    clock.schedule(clock.now() + this.#random.integer(1, REST_MS_MAX), action);
  }

  #act(stream: Stream, signal: AbortSignal): void {
    const { scenario, clock } = this.#world;
    if (signal.aborted || clock.now() > scenario.activeMs) return;
    const random = this.#random;
    if (this.#plan.feedBytesMax > 0) this.#append(stream, signal);
    if (random.chance(this.#plan.purgeChance)) this.#purge(stream, signal);
    this.#restThen(() => this.#act(stream, signal));
  }

  async #append(stream: Stream, signal: AbortSignal): Promise<void> {
    const { ledger } = this.#world;
    const payloadBytes = this.#random.integer(1, this.#plan.feedBytesMax);
    const topic = `${FEED}${this.#random.integer(0, 2)}`;
    const fields = { topic, qos: 0, retain: false, payloadBytes } as const;
    const publication = ledger.publication("the program", fields);
    const seq = await stream.append(topic, publication.payload);
    if (!signal.aborted) this.#book.promised.push({ seq, publication });
  }

  async #purge(stream: Stream, signal: AbortSignal): Promise<void> {
    const before = this.#random.integer(1, stream.last + 1);
    await stream.purge({ before });
    if (!signal.aborted && stream.first < before) {
      this.#world.ledger.fault(`the stream begins with ${stream.first} after purge ${before}`);
    }
  }
}
