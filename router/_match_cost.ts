/**
 * How many nodes of a trie a match may visit at most, whatever the topic.
 *
 * A topic leads from a node to one literal child at most, and to the child for `+`. So what a match
 * may visit from a node on is the node, what the costliest literal child takes, and what the child
 * for `+` takes. Each node knows that number, and how many levels below it filters go on at most:
 * whoever has more levels left than that finds nothing there.
 *
 * Both are kept in one small integer, as there may be millions of nodes.
 *
 * @module
 */
import { isPlus, type TrieNode } from "./_trie_node.ts";
import { WideMap } from "./wide_map.ts";

const DEPTH_BITS = 10;
/** Stands for this many levels and more, and for those that a `#` takes. */
const DEPTH_MAX = 2 ** DEPTH_BITS - 1;
/** Stands for this many nodes and more. */
export const COST_MAX = 2 ** 20 - 1;
/** Literal children that are looked at one by one; of more, the costs are counted. */
const SCANNED_MAX = 16;

/** How many nodes a match may visit from a node on; 0 for none. */
export function costOf<V>(node: TrieNode<V> | undefined): number {
  return node === undefined ? 0 : node.reach >>> DEPTH_BITS;
}

/** Whether filters below a node may match a topic with so many levels left. */
export function goesAsDeep<V>(node: TrieNode<V>, levels: number): boolean {
  const depth = node.reach & DEPTH_MAX;
  return levels <= depth || depth === DEPTH_MAX;
}

/** How many levels filters go on below the parent of a node, at most, by way of the node. */
function depthBy<V>(child: TrieNode<V>): number {
  return Math.min(DEPTH_MAX, 1 + (child.reach & DEPTH_MAX));
}

/** How many of many children have which cost. */
class CostCounts {
  readonly #counts = new Map<number, number>();
  #max = 0;

  /** The highest cost that one of them has. */
  get max(): number {
    return this.#max;
  }

  /** One of them has another cost; 0 is that of one that is not there. */
  move(from: number, to: number): void {
    if (to > 0) this.#counts.set(to, (this.#counts.get(to) ?? 0) + 1);
    if (to > this.#max) this.#max = to;
    if (from === 0) return;
    const left = this.#counts.get(from)! - 1;
    if (left > 0) {
      this.#counts.set(from, left);
      return;
    }
    this.#counts.delete(from);
    // Children of k different costs have k²/2 nodes: there are some hundred costs at most.
    if (from === this.#max) {
      this.#max = 0;
      for (const cost of this.#counts.keys()) if (cost > this.#max) this.#max = cost;
    }
  }
}

/** Keeps what the nodes of a trie know of the cost of a match, while filters come and go. */
export class MatchCosts<V> {
  /** For each node with many literal children. */
  readonly #counts = new WeakMap<TrieNode<V>, CostCounts>();

  /**
   * The last node of a path has changed, or is new with those before it: brings all nodes of the
   * path up to date.
   *
   * @param path The root, one of its children, one of that one's children, and so on.
   */
  update(path: readonly TrieNode<V>[]): void {
    let child: TrieNode<V> | undefined;
    for (let i = path.length - 1; i >= 0; i--) {
      const node = path[i]!;
      const before = node.reach;
      node.reach = this.#reachOf(node, child);
      if (node.reach === before) return;
      const parent = path[i - 1];
      if (parent !== undefined && node !== parent.plus) {
        this.#moved(parent, before >>> DEPTH_BITS, costOf(node));
      }
      child = node;
    }
  }

  /** A literal child of a node is about to go. */
  removed(parent: TrieNode<V>, child: TrieNode<V>): void {
    this.#moved(parent, costOf(child), 0);
  }

  #moved(parent: TrieNode<V>, from: number, to: number): void {
    if (isWide(parent) && from !== to) this.#counts.get(parent)?.move(from, to);
  }

  #reachOf(node: TrieNode<V>, child: TrieNode<V> | undefined): number {
    const { value, rest, plus, literals } = node;
    let depth = rest !== undefined ? DEPTH_MAX : value !== undefined ? 0 : -1;
    let cost = 0;
    if (plus !== undefined) depth = Math.max(depth, depthBy(plus));
    if (literals === undefined) {
      cost = 0;
    } else if (!(literals instanceof WideMap)) {
      cost = costOf(literals);
      depth = Math.max(depth, depthBy(literals));
    } else if (literals.size > SCANNED_MAX) {
      cost = this.#countsOf(node, literals).max;
      // It may have become less: that is not worth to look at all of them.
      depth = Math.max(depth, node.reach & DEPTH_MAX);
      if (child !== undefined) depth = Math.max(depth, depthBy(child));
    } else {
      if (literals.size === SCANNED_MAX) this.#counts.delete(node);
      for (const literal of literals.values()) {
        cost = Math.max(cost, costOf(literal));
        depth = Math.max(depth, depthBy(literal));
      }
    }
    cost = Math.min(COST_MAX, 1 + cost + costOf(plus));
    return cost << DEPTH_BITS | Math.max(0, depth);
  }

  #countsOf(node: TrieNode<V>, literals: WideMap<TrieNode<V>>): CostCounts {
    let counts = this.#counts.get(node);
    if (counts === undefined) {
      this.#counts.set(node, counts = new CostCounts());
      for (const literal of literals.values()) counts.move(0, costOf(literal));
    }
    return counts;
  }
}

/**
 * What a match may cost when a filter is added whose first levels have the nodes of `path`.
 *
 * @param path From the root to the last node that is there.
 * @param filter The filter, where the level at `start` is the first that has no node.
 * @param missing How many levels have no node, 1 or more.
 */
export function costWith<V>(
  path: readonly TrieNode<V>[],
  filter: string,
  start: number,
  end: number,
  missing: number,
): number {
  let cost = Math.min(COST_MAX, missing);
  let takesPlus = isPlus(filter, start, end);
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i]!;
    const before = costOf(node);
    const plus = costOf(node.plus);
    // Of the costliest literal child.
    const literal = Math.max(0, before - 1 - plus);
    const after = takesPlus ? 1 + literal + cost : 1 + Math.max(literal, cost) + plus;
    if (after <= before || before === COST_MAX) return costOf(path[0]);
    cost = Math.min(COST_MAX, after);
    takesPlus = node === path[i - 1]?.plus;
  }
  return cost;
}

function isWide<V>({ literals }: TrieNode<V>): boolean {
  return literals instanceof WideMap && literals.size > SCANNED_MAX;
}
