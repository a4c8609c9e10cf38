/** The nodes of the filter trie. */
import { type Children, findChild, type Keyed } from "./_children.ts";
import { WideMap } from "./wide_map.ts";

/**
 * One level of one or more filters. Its fields are set by the trie; a million nodes need to be
 * small.
 */
export class TrieNode<V> implements Keyed {
  /** The value of the filter that ends in this level. */
  value: V | undefined = undefined;
  /** The value of the filter that ends with `#` after this level. */
  rest: V | undefined = undefined;
  /** The node for `+` in the next level. */
  plus: TrieNode<V> | undefined = undefined;
  /** The nodes for literals in the next level. */
  literals: Children<TrieNode<V>> = undefined;
  /** Cost and depth of a match from here on: see `_match_cost.ts`. */
  reach = 0;

  constructor(readonly key: string) {}
}

/** Whether the level `filter.slice(start, end)` is `+`. */
export function isPlus(filter: string, start: number, end: number): boolean {
  return end - start === 1 && filter[start] === "+";
}

/** The child for a level of a filter; `+` is treated as any other level. */
export function childOf<V>(
  node: TrieNode<V>,
  filter: string,
  start: number,
  end: number,
): TrieNode<V> | undefined {
  if (isPlus(filter, start, end)) return node.plus;
  return findChild(node.literals, filter, start, end);
}

/** The number of filters and branches that need this node; 2 means "more than one". */
export function usesOf<V>(node: TrieNode<V>): number {
  const { value, rest, plus, literals } = node;
  const branches = literals === undefined ? 0 : literals instanceof WideMap ? 2 : 1;
  return branches + (value ? 1 : 0) + (rest ? 1 : 0) + (plus ? 1 : 0);
}

/** All direct children of a node. */
export function* branchesOf<V>({ plus, literals }: TrieNode<V>): Generator<TrieNode<V>> {
  if (plus !== undefined) yield plus;
  if (literals instanceof WideMap) yield* literals.values();
  else if (literals !== undefined) yield literals;
}
