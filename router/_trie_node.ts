import { type Children, findChild, type Keyed } from "./_children.ts";
import { WideMap } from "./wide_map.ts";

/** One level of one or more filters. */
export class TrieNode<V> implements Keyed {
  /** The value of the filter that ends in this level. */
  value: V | undefined = undefined;
  /** The value of the filter that goes on with `#` and so ends. */
  rest: V | undefined = undefined;
  /** Where filters that go on with `+` go on. */
  plus: TrieNode<V> | undefined = undefined;
  /** Where filters that go on with a literal level go on. */
  literals: Children<TrieNode<V>> = undefined;
  /** What a match costs from here on, and how deep it may go: see `_match_cost.ts`. */
  reach = 0;

  constructor(readonly key: string) {}
}

/** Tells whether the level `filter.slice(start, end)` is `+`. */
export function isPlus(filter: string, start: number, end: number): boolean {
  return end - start === 1 && filter[start] === "+";
}

/** The child for a level of a filter, where `+` is a level like any other. */
export function childOf<V>(
  node: TrieNode<V>,
  filter: string,
  start: number,
  end: number,
): TrieNode<V> | undefined {
  if (isPlus(filter, start, end)) return node.plus;
  return findChild(node.literals, filter, start, end);
}

/** How many filters and branches need this node, counted up to "more than one". */
export function usesOf<V>(node: TrieNode<V>): number {
  const { value, rest, plus, literals } = node;
  const branches = literals === undefined ? 0 : literals instanceof WideMap ? 2 : 1;
  return branches + (value ? 1 : 0) + (rest ? 1 : 0) + (plus ? 1 : 0);
}

/** All nodes right below a node. */
export function* branchesOf<V>({ plus, literals }: TrieNode<V>): Generator<TrieNode<V>> {
  if (plus !== undefined) yield plus;
  if (literals instanceof WideMap) yield* literals.values();
  else if (literals !== undefined) yield literals;
}
