/**
 * The maximum number of trie nodes that a match can visit, for any topic.
 *
 * From a node, a topic leads to at most one literal child, and to the child for `+`. So the cost of
 * a node is 1, plus the maximum cost of its literal children, plus the cost of the child for `+`.
 * Each node stores its cost, and the maximum depth of the filters below it. A topic with more
 * levels left than that matches nothing there.
 *
 * Both numbers are in one small integer, because there may be millions of nodes.
 *
 * @module
 */
import { isPlus, type TrieNode } from "./_trie_node.ts";
import { WideMap } from "./wide_map.ts";

const DEPTH_BITS = 10;
/** Means this many levels or more, or a `#`. */
const DEPTH_MAX = 2 ** DEPTH_BITS - 1;
/** Means this many nodes or more. */
export const COST_MAX = 2 ** 20 - 1;
/**
 * The maximum number of literal children that are compared one by one. For more, their costs are
 * counted.
 */
const SCANNED_MAX = 16;

/** The maximum number of nodes that a match visits from a node on; 0 without a node. */
export function costOf<V>(node: TrieNode<V> | undefined): number {
  return node === undefined ? 0 : node.reach >>> DEPTH_BITS;
}

/** Whether filters below a node may match a topic with this many levels left. */
export function goesAsDeep<V>(node: TrieNode<V>, levels: number): boolean {
  const depth = node.reach & DEPTH_MAX;
  return levels <= depth || depth === DEPTH_MAX;
}

/** The maximum depth of filters below the parent of a node, through the node. */
function depthBy<V>(child: TrieNode<V>): number {
  return Math.min(DEPTH_MAX, 1 + (child.reach & DEPTH_MAX));
}

/** The number of children for each cost, for nodes with many children. */
class CostCounts {
  readonly #counts = new Map<number, number>();
  #max = 0;

  /** The maximum cost of a child. */
  get max(): number {
    return this.#max;
  }

  /** Records that a child's cost changed. A cost of 0 means that the child does not exist. */
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
    // Children with k different costs have k²/2 nodes, so there are at most some hundred costs.
    if (from === this.#max) {
      this.#max = 0;
      for (const cost of this.#counts.keys()) if (cost > this.#max) this.#max = cost;
    }
  }
}

/** Updates the costs in the nodes of a trie when filters are added or removed. */
export class MatchCosts<V> {
  /** The counts of each node with many literal children. */
  readonly #counts = new WeakMap<TrieNode<V>, CostCounts>();

  /**
   * Updates all nodes of a path after its last node has changed, or the path was created.
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
        this.#updateCounts(parent, before >>> DEPTH_BITS, costOf(node));
      }
      child = node;
    }
  }

  /** Call before a literal child of a node is removed. */
  onRemove(parent: TrieNode<V>, child: TrieNode<V>): void {
    this.#updateCounts(parent, costOf(child), 0);
  }

  #updateCounts(parent: TrieNode<V>, from: number, to: number): void {
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
      // The depth may have decreased, but a scan of all children would cost too much.
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
 * The cost of a match after a filter is added whose first levels have the nodes of `path`.
 *
 * @param path From the root to the last existing node.
 * @param filter The filter; the level at `start` is the first without a node.
 * @param missing The number of levels without a node, 1 or more.
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
    // The maximum cost of the literal children.
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
