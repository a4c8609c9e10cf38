/**
 * Finds the retained messages that match a filter, one page at a time.
 *
 * The tree has one node per topic level. A {@linkcode RetainedCursor} walks it with its own stack,
 * and may pause at any point while the tree changes.
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
 * Memory of a node, in bytes, with a key of a few characters: 77, measured with topics of 200
 * levels (Deno 2.9.6, 64 bits). The characters of longer keys are added.
 */
const NODE_BYTES = 77;

/** One level of one or more topics. */
class RetainedNode<V> implements Keyed {
  /** The value of the topic that ends in this level. */
  value: V | undefined = undefined;
  /** The count of added topics when this topic was added; a replaced value does not change it. */
  born = 0;
  children: Children<RetainedNode<V>> = undefined;

  constructor(readonly key: string) {}
}

/**
 * A map from Topic Names to values that can also be matched by filter.
 *
 * Names and filters must be valid (see `topicNameFault()`, `topicFilterFault()`). Shared filters
 * are not allowed, because retained messages are not sent for them. Values belong to the caller.
 *
 * @typeParam V The type of the values.
 */
export class RetainedTree<V extends object> {
  readonly #root: RetainedNode<V> = new RetainedNode("");
  #size = 0;
  #nodeCount = 0;
  #keyChars = 0;
  #births = 0;

  /** The number of topics. */
  get size(): number {
    return this.#size;
  }

  /** The number of nodes below the root; 0 if there is no topic. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** Memory of the nodes, in bytes, without the values. */
  get bytes(): number {
    return this.#nodeCount * NODE_BYTES + this.#keyChars;
  }

  /** The maximum memory of the nodes of a topic, in bytes. It may share nodes with others. */
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

  /** Stores `value` for `topic`; returns the replaced value, if any. */
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

  /** Removes `topic`, and every node that no other topic needs; returns its value, if any. */
  delete(topic: string): V | undefined {
    // On the way down: `keep` is the last node that others need too, `cut` its child on the path,
    // and `below` the number of nodes from `cut` on. One cut there removes them all.
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
 * A walk over the topics that match a filter. It may pause while the tree changes.
 *
 * A topic that exists during the whole walk is returned exactly once, with its value at the time of
 * its page. A topic that is removed before its turn is not returned, nor is one that is added after
 * the walk began, even if a topic of that name existed before. No topic is returned twice.
 *
 * Reason: a node with children never moves, and a node that was cut off is empty, so a pause in one
 * is harmless. And `born` distinguishes a topic from a later one of the same name.
 */
export class RetainedCursor<V extends object> {
  readonly #filter: string;
  readonly #births: number;
  readonly #steps: Step<V>[] = [];
  /** The children of the root, if the filter begins with a wildcard. */
  readonly #firstLevel: Step<V> | undefined;
  #visits = 0;

  /** Created by {@linkcode RetainedTree.match}; `births` is the tree's count at that moment. */
  constructor(root: RetainedNode<V>, filter: string, births: number) {
    this.#filter = filter;
    this.#births = births;
    this.#descend(root, 0);
    this.#firstLevel = filter[0] === "+" || filter[0] === "#" ? this.#steps[0] : undefined;
  }

  /** Whether the walk has ended. Further pages are empty. */
  get done(): boolean {
    return this.#steps.length === 0;
  }

  /** The number of nodes visited so far. */
  get visits(): number {
    return this.#visits;
  }

  /**
   * Returns the next page.
   *
   * @param max The maximum number of values, at least 1.
   * @param visitsMax The maximum number of nodes to visit. It limits the time of a page for a filter
   * such as `+/+/none`, which visits many nodes and finds few values.
   * @returns The values. Empty only if the walk has ended or, with `visitsMax`, while not {@linkcode
   * done}.
   */
  next(max: number, visitsMax = Infinity): V[] {
    const page: V[] = [];
    const end = this.#visits + visitsMax;
    for (; this.#visits < end && page.length < max; this.#visits++) {
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

  /** Takes the next node from the topmost step; removes an empty step. */
  #take(step: Step<V>): RetainedNode<V> | undefined {
    if (step.source instanceof RetainedNode) {
      this.#steps.pop();
      return step.source;
    }
    const { done, value } = step.source.next();
    if (done) this.#steps.pop();
    return value;
  }

  /**
   * Adds the value of a node whose levels match so far, if its topic matches, and plans its
   * children.
   */
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
      this.#plan(children, start); // `#` matches all levels below
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
