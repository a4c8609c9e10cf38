/**
 * Readers of streams whose sessions move to another number of nodes again and again, wherever a power
 * failure comes: nothing acknowledged is missing, the order is that of the stream, and with QoS 2
 * each message comes once.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import type { StoreSnapshot } from "../../store/mod.ts";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import type { NodeClient } from "./_client.ts";
import { move } from "./_move.ts";
import { Nodes } from "./_nodes.ts";

const SEEDS = 6;
const MOVES = 4;
const READERS = 4;
const DAY = { name: "day", filters: ["s/#"], maxMessages: 10_000 };

/** A reader, and all its connections. */
interface Reader {
  readonly id: string;
  readonly qos: QoS;
  /** Each with whether it has acknowledged everything. */
  readonly connections: { readonly client: NodeClient; readonly isDone: boolean }[];
}

/** One run. */
class Story {
  readonly readers: readonly Reader[];
  /** The payloads that were acknowledged to their publisher. */
  readonly acknowledged = new Set<string>();
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  #count = 1;
  #nodes!: Nodes;
  #published = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.readers = Array.from({ length: READERS }, (_, i) => ({
      id: `reader ${seed} ${i}`,
      qos: i % 2 === 0 ? 1 : 2,
      connections: [],
    }));
  }

  async run(): Promise<void> {
    let disks: readonly StoreSnapshot[] | null = null;
    for (let left = MOVES; left >= 0; left--) {
      if (disks !== null) {
        const counts = [1, 2, 3].filter((count) => count !== this.#count);
        this.#count = this.#random.pick(counts);
        disks = await move(disks, this.#count, this.#clock);
      }
      await using nodes = await this.#start(disks);
      this.#nodes = nodes;
      if (disks === null) await this.#subscribe();
      for (let steps = this.#random.integer(2, 8); steps > 0; steps--) await this.#step();
      if (left === 0) await this.#finish();
      for (let node = 0; node < this.#count; node++) nodes.kill(node);
      assertEquals(nodes.errors, []);
      disks = nodes.disks;
    }
  }

  #start(disks: readonly StoreSnapshot[] | null): Promise<Nodes> {
    return Nodes.start(this.#count, {
      ...{ commitMsMax: 5, isOwned: true, streams: [DAY], clock: this.#clock },
      seed: this.#random.integer(1, 1_000_000),
      ...(disks === null ? {} : { disks }),
    });
  }

  async #connect(reader: Reader, acknowledges: boolean): Promise<NodeClient> {
    const { id, connections } = reader;
    const continues = connections.at(-1)?.client;
    continues?.cut();
    const receiveMaximum = this.#random.pick([1, 3, 100]);
    const options = { isDurable: true, acknowledges, receiveMaximum };
    const client = await this.#nodes.client(ownerOf(id, this.#count), id, {
      ...options,
      ...(continues === undefined ? {} : { continues }),
    });
    assertEquals(client.connack!.sessionPresent, continues !== undefined, id);
    connections.push({ client, isDone: acknowledges });
    return client;
  }

  async #subscribe(): Promise<void> {
    for (const reader of this.readers) {
      const client = await this.#connect(reader, true);
      client.subscribe("$replay/day/earliest/s/#", reader.qos);
      client.subscribe("plain", 2);
      await this.#nodes.settle();
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const nodes = this.#nodes;
    if (random.chance(0.5)) await this.#connect(random.pick(this.readers), random.chance(0.6));
    const publisher = await nodes.client(
      random.integer(0, this.#count - 1),
      `publisher ${this.#published}`,
    );
    const ids = new Map<number, string>();
    for (let count = random.integer(1, 8); count > 0; count--) {
      const text = `${++this.#published}`;
      ids.set(publisher.publish("s/x", text, random.pick([1, 2] as const)), text);
      publisher.publish("plain", text, 2);
    }
    await nodes.clock.advance(random.pick([1, 5, 20, 5000]));
    for (const id of publisher.acked.keys()) {
      const text = ids.get(id);
      if (text !== undefined) this.acknowledged.add(text);
    }
    if (random.chance(0.3)) publisher.cut();
  }

  async #finish(): Promise<void> {
    for (const reader of this.readers) await this.#connect(reader, true);
    await this.#nodes.settle();
    await this.#nodes.settle();
  }
}

Deno.test("readers that move at any moment miss nothing, and read in order", async () => {
  let came = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const story = new Story(seed);
    await story.run();
    for (const { id, qos, connections } of story.readers) {
      const streamed = connections.flatMap(({ client: { publishes, received }, isDone }) =>
        publishes.flatMap(({ properties }, i) => {
          const { topic, text, dup } = received[i]!;
          if (!topic.startsWith("$replay/")) return [];
          const [, seq] = properties.userProperties!.find(([key]) => key === "stream-seq")!;
          return { seq: Number(seq), text, dup, isDone };
        })
      );
      const texts = new Set(streamed.map(({ text }) => text));
      const missing = [...story.acknowledged].filter((text) => !texts.has(text));
      assertEquals(missing, [], `${id}, seed ${seed}`);
      let last = 0;
      for (const { seq } of streamed) {
        assert(seq <= last + 1, `${id}, seed ${seed}: ${seq} after ${last}`);
        if (seq === last + 1) last = seq;
      }
      came += streamed.length;
      if (qos < 2) continue;
      for (
        const some of [
          streamed.filter(({ dup }) => !dup),
          streamed.filter((one) => one.isDone),
        ]
      ) {
        const once = some.map((one) => one.seq);
        assertEquals(once, [...new Set(once)].sort((a, b) => a - b), `${id}, seed ${seed}`);
      }
    }
  }
  assert(came > 500, `${came} messages came`);
});
