/**
 * Finds the filters that match a topic, among a million.
 *
 * A filter without wildcards matches one topic, its own, so it lives in a map. Filters with
 * wildcards live in a trie, one node a level:
 *
 *     a/+/c   a/#        root ── a ─┬─ + ── c (value)
 *                                   └─ (rest)
 *
 * `#` needs no node: it is always last, so its value sits in the node before it as `rest`.
 *
 * A million filters take 51 bytes each, and their text, as `t/123/456`; 147 as `device/123456/#`;
 * 219 as `device/123456/+` (Deno 2.9.6, 64 bits).
 *
 * @module
 */

import { findChild, ownKey, withChild, withoutChild } from "./_children.ts";
import { costOf, costWith, goesAsDeep, MatchCosts } from "./_match_cost.ts";
import { TopicLevels } from "./_topic_levels.ts";
import { branchesOf, childOf, isPlus, TrieNode, usesOf } from "./_trie_node.ts";
import { hasWildcard, isDollarTopic, levelEnd } from "./topic.ts";
import { WideMap } from "./wide_map.ts";

/**
 * A branch that the match has not walked yet. The stack is a list, because filters may be very
 * deep.
 */
interface Branch<V> {
  readonly node: TrieNode<V>;
  /** The start of the next level in the topic. */
  readonly start: number;
  /** The number of that level, from 0. */
  readonly level: number;
  readonly after: Branch<V> | undefined;
}

/**
 * A map from Topic Filters to values that can also be matched by topic.
 *
 * Filters must be valid and without `$share/{name}/` (see `topicFilterFault()`,
 * `parseSharedFilter()`). Values belong to the caller.
 *
 * @typeParam V The type of the values.
 */
export class FilterTrie<V extends object> {
  readonly #exact: WideMap<V> = new WideMap();
  readonly #root: TrieNode<V> = new TrieNode("");
  readonly #costs = new MatchCosts<V>();
  readonly #levels = new TopicLevels();
  /** The nodes from the root to the last found node. */
  readonly #path: TrieNode<V>[] = [];
  #nodeCount = 0;
  #trieSize = 0;

  /** The number of filters. */
  get size(): number {
    return this.#exact.size + this.#trieSize;
  }

  /** The number of trie nodes below the root; 0 if no filter needs them. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** The maximum number of nodes that {@linkcode match} visits, for any topic. */
  get cost(): number {
    return this.#trieSize === 0 ? 0 : costOf(this.#root);
  }

  /**
   * The value of {@linkcode cost} after one more filter is added. A million means "a million or
   * more".
   */
  costWith(filter: string): number {
    if (isPlain(filter)) return this.cost;
    const path = this.#path;
    path.length = 0;
    let node: TrieNode<V> | undefined = this.#root;
    for (let start = 0; start <= filter.length && !endsInHash(filter, start);) {
      path.push(node);
      const end = levelEnd(filter, start);
      node = childOf(node, filter, start, end);
      if (node === undefined) {
        const missing = levelsFrom(filter, start);
        // The root counts when there is a filter below it.
        if (costOf(this.#root) === 0) return 1 + missing;
        return costWith(path, filter, start, end, missing);
      }
      start = end + 1;
    }
    return Math.max(1, this.cost);
  }

  /** The value of `filter`, compared as a text: `a/+` is not found by asking for `a/b`. */
  get(filter: string): V | undefined {
    if (isPlain(filter)) return this.#exact.get(filter);
    let node: TrieNode<V> | undefined = this.#root;
    for (let start = 0; node !== undefined && start <= filter.length;) {
      if (endsInHash(filter, start)) return node.rest;
      const end = levelEnd(filter, start);
      node = childOf(node, filter, start, end);
      start = end + 1;
    }
    return node?.value;
  }

  /** The value of `filter`. If there is none yet, stores the result of `create`. */
  getOrCreate(filter: string, create: () => V): V {
    const known = this.get(filter);
    if (known !== undefined) return known;
    // Before the trie changes: if `create` throws, the trie stays as it was.
    const value = create();
    if (isPlain(filter)) this.#exact.set(filter, value);
    else this.#insert(filter, value);
    return value;
  }

  /** Replaces the value of an existing `filter`. */
  replace(filter: string, value: V): void {
    if (isPlain(filter)) this.#exact.set(filter, value);
    else this.#put(filter, value);
  }

  #insert(filter: string, value: V): void {
    this.#trieSize++;
    this.#put(filter, value);
    this.#costs.update(this.#path);
  }

  #put(filter: string, value: V): void {
    let node = this.#root;
    const path = this.#path;
    path.length = 0;
    path.push(node);
    for (let start = 0; start <= filter.length;) {
      if (endsInHash(filter, start)) {
        node.rest = value;
        return;
      }
      const end = levelEnd(filter, start);
      node = childOf(node, filter, start, end) ?? this.#grow(node, filter, start, end);
      path.push(node);
      start = end + 1;
    }
    node.value = value;
  }

  #grow(parent: TrieNode<V>, filter: string, start: number, end: number): TrieNode<V> {
    this.#nodeCount++;
    // All nodes share one string, because there may be a million.
    if (isPlus(filter, start, end)) return parent.plus = new TrieNode<V>("/+");
    const child = new TrieNode<V>(ownKey(filter, start, end));
    parent.literals = withChild(parent.literals, child);
    return child;
  }

  /**
   * Removes `filter`, and every node that no other filter needs.
   *
   * @returns Whether it existed.
   */
  delete(filter: string): boolean {
    if (isPlain(filter)) return this.#exact.delete(filter);
    // On the way down: `keep` is the last node that others need too, `cut` its child on the path,
    // and `below` the number of nodes from `cut` on. One cut there removes them all.
    let keep = this.#root;
    let cut: TrieNode<V> | undefined;
    let below = 0;
    let node = this.#root;
    const path = this.#path;
    path.length = 0;
    path.push(node);
    const hash = filter.endsWith("#");
    for (let start = 0; start <= filter.length && !endsInHash(filter, start);) {
      const end = levelEnd(filter, start);
      const child = childOf(node, filter, start, end);
      if (child === undefined) return false;
      if (cut === undefined || usesOf(node) > 1) {
        keep = node;
        cut = child;
        below = 0;
      }
      below++;
      node = child;
      path.push(node);
      start = end + 1;
    }
    if ((hash ? node.rest : node.value) === undefined) return false;
    if (hash) node.rest = undefined;
    else node.value = undefined;
    this.#trieSize--;
    if (cut !== undefined && usesOf(node) === 0) {
      this.#cut(keep, cut);
      this.#nodeCount -= below;
      path.length -= below;
    }
    this.#costs.update(path);
    return true;
  }

  #cut(keep: TrieNode<V>, cut: TrieNode<V>): void {
    if (keep.plus === cut) {
      keep.plus = undefined;
    } else {
      this.#costs.onRemove(keep, cut);
      keep.literals = withoutChild(keep.literals, cut);
    }
  }

  /**
   * Appends the values of all filters that match a valid `topic` to `into`, in no specific order,
   * each once.
   *
   * It visits each node at most once, and only nodes whose levels so far match.
   *
   * @returns The number of visited nodes.
   */
  match(topic: string, into: V[]): number {
    const exact = isPlain(topic) ? this.#exact.get(topic) : undefined;
    if (exact !== undefined) into.push(exact);
    if (this.#trieSize === 0) return 0;
    let node: TrieNode<V> | undefined = this.#root;
    let start = 0;
    let level = 0;
    if (isDollarTopic(topic)) {
      const end = levelEnd(topic, 0);
      node = findChild(node.literals, topic, 0, end);
      start = end + 1;
      level = 1;
    }
    // Needed only where both a literal and `+` match, which is rare.
    let levels: TopicLevels | undefined;
    let pending: Branch<V> | undefined;
    let visited = 0;
    while (node !== undefined) {
      visited++;
      if (node.rest !== undefined) into.push(node.rest);
      let next: TrieNode<V> | undefined;
      if (start > topic.length) {
        if (node.value !== undefined) into.push(node.value);
      } else {
        const { plus, literals }: TrieNode<V> = node;
        const end = levelEnd(topic, start);
        next = levels === undefined
          ? findChild(literals, topic, start, end)
          : levels.find(literals, level);
        start = end + 1;
        level++;
        if (next === undefined) {
          next = plus;
        } else if (plus !== undefined) {
          levels ??= this.#levels.read(topic);
          const left = levels.count - level;
          const isPlusDeep = goesAsDeep(plus, left);
          if (!goesAsDeep(next, left)) next = isPlusDeep ? plus : undefined;
          else if (isPlusDeep) pending = { node: plus, start, level, after: pending };
        }
      }
      if (next === undefined && pending !== undefined) {
        ({ node: next, start, level, after: pending } = pending);
      }
      node = next;
    }
    return visited;
  }

  /**
   * All filters with their values, in no specific order. A filter that is added or removed during
   * the walk may or may not be returned.
   */
  *entries(): IterableIterator<[string, V]> {
    yield* this.#exact.entries();
    const nodes = [this.#root];
    const paths = [""]; // the keys from the root to the node: a filter with a slash before it
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const path = paths.pop() ?? "";
      if (node.value !== undefined) yield [path.slice(1), node.value];
      if (node.rest !== undefined) yield [`${path}/#`.slice(1), node.rest];
      for (const child of branchesOf(node)) {
        nodes.push(child);
        paths.push(path + child.key);
      }
    }
  }
}

/**
 * Whether a filter is in the map. A filter of one level is not: it may be numeric, and lookups of
 * numeric strings are not safe, even if they find nothing (see `ownKey()`).
 */
function isPlain(filter: string): boolean {
  return filter.includes("/") && !hasWildcard(filter);
}

/** Whether the level that starts at `start` is the final `#` of the filter. */
function endsInHash(filter: string, start: number): boolean {
  return start === filter.length - 1 && filter[start] === "#";
}

/** The number of levels from `start` on that need a node. */
function levelsFrom(filter: string, start: number): number {
  let levels = 0;
  for (; start <= filter.length && !endsInHash(filter, start); levels++) {
    start = levelEnd(filter, start) + 1;
  }
  return levels;
}
