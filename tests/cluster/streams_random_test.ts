/**
 * A reader of a stream of another node, whatever is cut and killed meanwhile: nothing acknowledged
 * is missing, the order is that of the stream, and with QoS 2 each message comes once.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import { Random } from "../harness/random.ts";
import type { NodeClient } from "./_client.ts";
import { Nodes } from "./_nodes.ts";

const SEEDS = 20;
const STEPS = 40;

/** One run: a story of publications, reconnects, cuts and deaths. */
class Story {
  readonly #nodes: Nodes;
  readonly #random: Random;
  readonly #qos: QoS;
  readonly #byProperty: boolean;
  readonly #readers: NodeClient[] = [];
  /** The payloads that were acknowledged to their publisher. */
  readonly acknowledged: string[] = [];
  #publishers = 0;

  private constructor(nodes: Nodes, seed: number, qos: QoS) {
    this.#nodes = nodes;
    this.#random = new Random(seed);
    this.#qos = qos;
    this.#byProperty = this.#random.chance(0.5);
  }

  static async run(seed: number, qos: QoS): Promise<Story> {
    const streams = [{ name: "day", filters: ["s/#"], maxMessages: 10_000 }];
    await using nodes = await Nodes.start(2, { seed, commitMsMax: 5, streams });
    const story = new Story(nodes, seed, qos);
    await story.#begin();
    for (let i = 0; i < STEPS; i++) await story.#step();
    await story.#mend();
    await story.#connect();
    await nodes.settle();
    await nodes.settle();
    assertEquals(nodes.errors, []);
    return story;
  }

  /** All that has come. */
  get texts(): Set<string> {
    return new Set(this.#readers.flatMap(({ texts }) => texts));
  }

  /** The sequences of all that has come, in the order in which it came. */
  get seqs(): number[] {
    const all = this.#readers.flatMap(({ publishes }) => publishes);
    return all.map(({ properties }) => {
      return Number(properties.userProperties?.find(([key]) => key === "stream-seq")?.[1]);
    });
  }

  async #begin(): Promise<void> {
    const reader = await this.#connect();
    const properties = { userProperties: [["stream-offset", "earliest"] as [string, string]] };
    if (this.#byProperty) reader.subscribe("s/#", this.#qos, {}, properties);
    else reader.subscribe("$replay/day/earliest/s/#", this.#qos);
    await this.#nodes.settle();
    assertEquals([...reader.subacks.values()], [[this.#qos]]);
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const chosen = random.integer(0, 9);
    if (chosen < 5) await this.#publish();
    else if (chosen === 5) {
      this.#readers.at(-1)!.cut();
      if (random.chance(0.5)) await this.#publish();
      await this.#connect();
    } else if (chosen === 6) this.#nodes.cut(0, 1);
    else if (chosen === 7) this.#nodes.kill(random.integer(0, 1));
    else await this.#nodes.clock.advance(random.integer(0, 20));
    if (chosen >= 6 && chosen <= 7) await this.#mend();
  }

  /** Starts and links what was killed or cut. The reader connects again if it was told to. */
  async #mend(): Promise<void> {
    const nodes = this.#nodes;
    await nodes.clock.advance(this.#random.integer(0, 50));
    for (const node of [0, 1]) if (!nodes.isUp(node)) await nodes.boot(node);
    nodes.linkAll();
    if (this.#random.chance(0.5)) await nodes.untilJoined();
    await this.#connect();
  }

  async #connect(): Promise<NodeClient> {
    const last = this.#readers.at(-1);
    last?.cut();
    const receiveMaximum = this.#random.integer(1, 5);
    const known = last === undefined ? {} : { continues: last };
    const options = { isDurable: true, receiveMaximum, ...known };
    const reader = await this.#nodes.client(1, "reader", options);
    if (last !== undefined) assert(reader.connack!.sessionPresent);
    this.#readers.push(reader);
    return reader;
  }

  /** Publishes at a node that is up, and waits for the acknowledgement for a while. */
  async #publish(): Promise<void> {
    const node = this.#random.integer(0, 1);
    const publisher = await this.#nodes.client(node, `publisher${this.#publishers++}`);
    const ids = new Map<number, string>();
    for (let left = this.#random.integer(1, 5); left > 0; left--) {
      const text = `${this.#publishers} ${left}`;
      ids.set(publisher.publish("s/x", text, 1), text);
    }
    await this.#nodes.clock.advance(this.#random.integer(0, 40));
    for (const [id, text] of ids) if (publisher.acked.has(id)) this.acknowledged.push(text);
    publisher.cut();
  }
}

for (const qos of [1, 2] as const) {
  Deno.test(`a reader of another node misses nothing, with QoS ${qos}`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { texts, seqs, acknowledged } = await Story.run(seed, qos);
      assertEquals(acknowledged.filter((text) => !texts.has(text)), [], `seed ${seed}`);
      // What comes for the first time comes in order, and all of it.
      const first = [...new Set(seqs)];
      assertEquals(first, Array.from({ length: first.length }, (_, i) => i + 1), `seed ${seed}`);
      if (qos === 2) assertEquals(seqs.length, first.length, `seed ${seed}: each once`);
    }
  });
}
