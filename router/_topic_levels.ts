/** The levels of a topic while it is matched. */
import { type Children, findChild, type Keyed } from "./_children.ts";
import { levelEnd } from "./topic.ts";
import { WideMap } from "./wide_map.ts";

/** Longer levels are compared as a whole string, which is then faster. */
const SHORT_LEVEL_CHARACTERS = 32;
/** The number of levels for which the arrays are kept between topics. */
const LEVELS_KEPT = 256;

/**
 * The levels of a topic during a match: each is extracted once, even if many nodes are compared
 * with it. One object serves all topics in turn, to avoid garbage.
 */
export class TopicLevels {
  #topic = "";
  #count = 0;
  /** The end of each level. */
  #ends: number[] = [];
  /** The levels as keys, as far as they were needed. A string keeps its hash. */
  #keys: (string | undefined)[] = [];

  /** The number of levels of the topic. */
  get count(): number {
    return this.#count;
  }

  /** Starts with another topic. */
  read(topic: string): this {
    this.#topic = topic;
    this.#count = 0;
    if (this.#ends.length > LEVELS_KEPT) this.#ends = [];
    for (let start = 0; start <= topic.length;) {
      const end = levelEnd(topic, start);
      this.#ends[this.#count++] = end;
      start = end + 1;
    }
    if (this.#keys.length > 0) this.#keys = [];
    return this;
  }

  /** Finds the child for a level, counted from 0. */
  find<N extends Keyed>(children: Children<N>, level: number): N | undefined {
    if (children === undefined) return undefined;
    if (children instanceof WideMap) return children.get(this.#keys[level] ?? this.#key(level));
    const start = this.#start(level);
    const end = this.#ends[level]!;
    if (end - start <= SHORT_LEVEL_CHARACTERS) return findChild(children, this.#topic, start, end);
    return children.key === (this.#keys[level] ?? this.#key(level)) ? children : undefined;
  }

  #key(level: number): string {
    while (this.#keys.length < level) this.#keys.push(undefined);
    const text = this.#topic.slice(this.#start(level), this.#ends[level]);
    return this.#keys[level] = `/${text}`;
  }

  #start(level: number): number {
    return level === 0 ? 0 : this.#ends[level - 1]! + 1;
  }
}
