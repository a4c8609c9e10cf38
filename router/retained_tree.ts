/**
 * Finds the retained messages that match a filter, a page at a time.
 *
 * A tree with one node a topic level. A {@linkcode RetainedCursor} walks it with a stack of its
 * own and may pause anywhere while the tree changes.
 *
 * @module
 */

import {
  type Children,
  findChild,
  type Keyed,
  ownKey,
  withChild,
  withoutChild,
} from "./_children.ts";
import { levelEnd } from "./topic.ts";
import { WideMap } from "./wide_map.ts";

/**
 * What a node costs in memory, in bytes, with a key of a few characters: 77, measured with topics
 * of 200 levels (Deno 2.9.6, 64 bits). Those of a longer key are added.
 */
const NODE_BYTES = 77;

/** One level of one or more topics. */
class RetainedNode<V> implements Keyed {
  /** The value of the topic that ends in this level. */
  value: V | undefined = undefined;
  /** When the value came, as a count of the topics ever added; replacing it changes nothing. */
  born = 0;
  children: Children<RetainedNode<V>> = undefined;

  constructor(readonly key: string) {}
}

/**
 * A map from Topic Names to values that can also be asked by filter.
 *
 * Names and filters are valid (see `topicNameFault()`, `topicFilterFault()`); a shared filter is
 * none, as retained messages are not for it. Values belong to the caller; the tree only keeps them.
 *
 * @typeParam V What is kept for each topic.
 */
export class RetainedTree<V extends object> {
  readonly #root: RetainedNode<V> = new RetainedNode("");
  #size = 0;
  #nodeCount = 0;
  #keyChars = 0;
  #births = 0;

  /** Number of topics. */
  get size(): number {
    return this.#size;
  }

  /** Number of nodes below the root; 0 when there is no topic. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** What the nodes cost in memory, in bytes, without what the values do. */
  get bytes(): number {
    return this.#nodeCount * NODE_BYTES + this.#keyChars;
  }

  /** What the nodes of a topic cost at most, in bytes: it may share some with others. */
  costOf(topic: string): number {
    let levels = 1;
    for (let at = topic.indexOf("/"); at >= 0; at = topic.indexOf("/", at + 1)) levels++;
    return levels * NODE_BYTES + topic.length + 1;
  }

  /** The value of `topic`. */
  get(topic: string): V | undefined {
    let node: RetainedNode<V> | undefined = this.#root;
    for (let start = 0; node !== undefined && start <= topic.length;) {
      const end = levelEnd(topic, start);
      node = findChild(node.children, topic, start, end);
      start = end + 1;
    }
    return node?.value;
  }

  /** Keeps `value` for `topic`; returns the value that it replaces, if any. */
  set(topic: string, value: V): V | undefined {
    let node = this.#root;
    for (let start = 0; start <= topic.length;) {
      const end = levelEnd(topic, start);
      node = findChild(node.children, topic, start, end) ?? this.#grow(node, topic, start, end);
      start = end + 1;
    }
    const previous = node.value;
    node.value = value;
    if (previous === undefined) {
      node.born = ++this.#births;
      this.#size++;
    }
    return previous;
  }

  #grow(parent: RetainedNode<V>, topic: string, start: number, end: number): RetainedNode<V> {
    this.#nodeCount++;
    this.#keyChars += end - start + 1;
    const child = new RetainedNode<V>(ownKey(topic, start, end));
    parent.children = withChild(parent.children, child);
    return child;
  }

  /** Forgets `topic`, and every node that stood for nothing else; returns its value, if any. */
  delete(topic: string): V | undefined {
    // On the way down: `keep` is the last node that others need too, `cut` its child on our way,
    // and `below` the number of nodes from `cut` on. One cut there frees them all.
    let keep = this.#root;
    let cut: RetainedNode<V> | undefined;
    let below = 0;
    let charsBelow = 0;
    let node = this.#root;
    for (let start = 0; start <= topic.length;) {
      const end = levelEnd(topic, start);
      const child = findChild(node.children, topic, start, end);
      if (child === undefined) return undefined;
      if (cut === undefined || node.value !== undefined || node.children instanceof WideMap) {
        keep = node;
        cut = child;
        below = charsBelow = 0;
      }
      below++;
      charsBelow += end - start + 1;
      node = child;
      start = end + 1;
    }
    const previous = node.value;
    if (previous === undefined) return undefined;
    node.value = undefined;
    this.#size--;
    if (cut !== undefined && node.children === undefined) {
      keep.children = withoutChild(keep.children, cut);
      this.#nodeCount -= below;
      this.#keyChars -= charsBelow;
    }
    return previous;
  }

  /** Starts a walk over the values of all topics that match `filter`. */
  match(filter: string): RetainedCursor<V> {
    return new RetainedCursor(this.#root, filter, this.#births);
  }
}

/** A node to visit, or several, and where in the filter the level below them starts. */
interface Step<V> {
  readonly source: RetainedNode<V> | Iterator<RetainedNode<V>>;
  readonly start: number;
}

/**
 * A walk over the topics that match a filter, which may pause while the tree changes.
 *
 * A topic that is there from the first page to the last comes exactly once, with the value it has
 * when its page is made. A topic that goes before its turn does not come; one that arrives after
 * the walk began does not come either, even under a name that came before. None comes twice.
 *
 * Why that holds: a node with something below it never moves, and a node cut off the tree is
 * empty, so pausing inside one is harmless; and `born` tells a topic from its later namesake.
 */
export class RetainedCursor<V extends object> {
  readonly #filter: string;
  readonly #births: number;
  readonly #steps: Step<V>[] = [];
  /** The children of the root, if the filter begins with a wildcard. */
  readonly #firstLevel: Step<V> | undefined;
  #looks = 0;

  /** Made by {@linkcode RetainedTree.match}; `births` is the tree's count at that moment. */
  constructor(root: RetainedNode<V>, filter: string, births: number) {
    this.#filter = filter;
    this.#births = births;
    this.#descend(root, 0);
    this.#firstLevel = filter[0] === "+" || filter[0] === "#" ? this.#steps[0] : undefined;
  }

  /** Whether the walk is over, so that every further page is empty. */
  get done(): boolean {
    return this.#steps.length === 0;
  }

  /** How many nodes it has looked at so far. */
  get looks(): number {
    return this.#looks;
  }

  /**
   * Makes the next page.
   *
   * @param max Number of values at most, at least 1.
   * @param looksMax Number of nodes to look at, at most, for a caller that cannot be held up by a
   * filter such as `+/+/none` that searches much and finds little.
   * @returns The values; none only when the walk is over or, with `looksMax`, not {@linkcode done}.
   */
  next(max: number, looksMax = Infinity): V[] {
    const page: V[] = [];
    const end = this.#looks + looksMax;
    for (; this.#looks < end && page.length < max; this.#looks++) {
      const step = this.#steps.at(-1);
      if (step === undefined) break;
      const node = this.#take(step);
      if (node === undefined) continue;
      // A wildcard of the first level does not match a level with $ [MQTT-4.7.2-1].
      if (step === this.#firstLevel && node.key.startsWith("/$")) continue;
      this.#visit(node, step.start, page);
    }
    return page;
  }

  /** Takes the next node out of the topmost step; drops the step when nothing is left in it. */
  #take(step: Step<V>): RetainedNode<V> | undefined {
    if (step.source instanceof RetainedNode) {
      this.#steps.pop();
      return step.source;
    }
    const { done, value } = step.source.next();
    if (done) this.#steps.pop();
    return value;
  }

  /** Delivers a node whose levels match so far, if its topic matches, and plans its children. */
  #visit(node: RetainedNode<V>, start: number, page: V[]): void {
    if (node.value !== undefined && node.born <= this.#births) {
      const atEnd = start > this.#filter.length || this.#filter[start] === "#";
      if (atEnd) page.push(node.value);
    }
    this.#descend(node, start);
  }

  /** Plans the children that match the level of the filter that starts at `start`. */
  #descend(node: RetainedNode<V>, start: number): void {
    const { children } = node;
    if (start > this.#filter.length || children === undefined) return;
    const end = levelEnd(this.#filter, start);
    const wildcard = end - start === 1 ? this.#filter[start] : "";
    if (wildcard === "#") {
      this.#plan(children, start); // the level of # never ends
    } else if (wildcard === "+") {
      this.#plan(children, end + 1);
    } else {
      const child = findChild(children, this.#filter, start, end);
      if (child !== undefined) this.#steps.push({ source: child, start: end + 1 });
    }
  }

  #plan(children: RetainedNode<V> | WideMap<RetainedNode<V>>, start: number): void {
    this.#steps.push({ source: children instanceof WideMap ? children.values() : children, start });
  }
}
