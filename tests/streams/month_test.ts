/**
 * The garbage of a month: what is beyond a limit is gone at every moment, for readers at once, on
 * the disk and in memory but for the chunks at the ends.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { StreamOptions } from "../../mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { Random } from "../harness/random.ts";
import { Scene, START } from "./_scene.ts";

const HOUR = 3_600_000;
const HOURS = 30 * 24;
const CHUNK_BYTES = 64 * 1024;
const CACHE_BYTES = 200_000;
/** What the ends of a stream may have beyond its limit: a chunk to be dropped, and an open one. */
const ENDS_BYTES = 2.5 * CHUNK_BYTES;
/** The same in memory: two chunks at the front, and the open one, which doubles. */
const ENDS_MEMORY_BYTES = 5 * CHUNK_BYTES;

/** A record without its payload: its head, and a topic of three bytes. */
const RECORD_BYTES = 22 + 3;

const FILTERS = ["t/#"];
const STREAMS: StreamOptions[] = [
  { name: "age", filters: FILTERS, maxAgeMs: 24 * HOUR },
  { name: "bytes", filters: FILTERS, maxBytes: 400_000 },
  { name: "messages", filters: FILTERS, maxMessages: 700 },
  { name: "all", filters: FILTERS, maxAgeMs: 36 * HOUR, maxBytes: 600_000, maxMessages: 900 },
];

interface Sent {
  readonly timeMs: number;
  readonly bytes: number;
}

/** What a stream keeps of the messages that there were: the last so many that are in each limit. */
class Expected {
  bytes = 0;
  #from = 0;
  #to = 0;

  constructor(readonly options: StreamOptions) {}

  get messages(): number {
    return this.#to - this.#from;
  }

  goOn(sent: readonly Sent[], nowMs: number): void {
    const { maxAgeMs = Infinity, maxBytes = Infinity, maxMessages = Infinity } = this.options;
    while (this.#to < sent.length) this.bytes += sent[this.#to++]!.bytes;
    while (this.#from < this.#to) {
      const { timeMs, bytes } = sent[this.#from]!;
      const isIn = timeMs > nowMs - maxAgeMs && this.bytes <= maxBytes;
      if (isIn && this.messages <= maxMessages) return;
      this.bytes -= bytes;
      this.#from++;
    }
  }
}

Deno.test("a month of traffic stays within each limit at every moment, on disk and in memory", async () => {
  const random = new Random(12);
  const store = new MemoryStore();
  const limits = { streamCacheBytesMax: CACHE_BYTES };
  await using scene = await Scene.open({ store, limits }, STREAMS);
  const { broker, clock } = scene;
  const streams = STREAMS.map((options) => {
    return { expected: new Expected(options), stream: broker.stream(options.name)! };
  });
  const sent: Sent[] = [];
  const check = (told: string) => {
    for (const { expected, stream } of streams) {
      expected.goOn(sent, START + clock.now());
      const { messages, bytes, options: { name } } = expected;
      assertEquals(stream.messages, messages, `${name} ${told}`);
      // Without a limit of age or bytes the oldest chunk is not in memory.
      if (name !== "messages") assertEquals(stream.bytes, bytes, `${name} ${told}`);
    }
  };
  for (let hour = 0; hour < HOURS; hour++) {
    // Nights, a week with nothing at all, and hours with much more.
    const isQuiet = hour % 24 < 6 || (hour > 300 && hour < 468);
    const count = isQuiet ? 0 : random.integer(0, hour % 7 === 0 ? 300 : 40);
    for (let i = 0; i < count; i++) {
      const payload = "x".repeat(random.integer(10, 1500));
      broker.publish(`t/${random.integer(0, 9)}`, payload, { qos: random.pick([0, 1]) });
      const timeMs = START + Math.floor(clock.now());
      sent.push({ timeMs, bytes: RECORD_BYTES + payload.length });
      check(`after message ${sent.length}`);
      await clock.advance(random.integer(0, Math.floor(HOUR / count)));
    }
    await clock.advance(HOUR * (hour + 1) - clock.now());
    check(`in hour ${hour}`);
    const declared = streams.reduce((sum, { expected }) => sum + expected.bytes, 0);
    const { bytes } = await store.size();
    const told = `hour ${hour}: ${bytes} bytes in the store for ${declared}`;
    assert(bytes <= declared + STREAMS.length * ENDS_BYTES, told);
    const { pages } = broker.stats.memory;
    assert(
      pages <= CACHE_BYTES + STREAMS.length * ENDS_MEMORY_BYTES,
      `${told}, ${pages} in memory`,
    );
  }
  assert(sent.length > 10_000, `${sent.length} messages`);
});
