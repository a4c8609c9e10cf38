/**
 * The children of a tree node, by their topic level, in as little memory as possible: most nodes of
 * a topic tree have none or one, a few have a hundred thousand.
 *
 * @module
 */

import { WideMap } from "./wide_map.ts";

/** A node that can be a child. */
export interface Keyed {
  /** The topic level of the node, with a slash before it: see {@linkcode ownKey}. */
  readonly key: string;
}

/** No child, one child, or (always a map) two or more. */
export type Children<N extends Keyed> = undefined | N | WideMap<N>;

/** Finds the child for the level `text.slice(start, end)`. */
export function findChild<N extends Keyed>(
  children: Children<N>,
  text: string,
  start: number,
  end: number,
): N | undefined {
  if (children === undefined) return undefined;
  // The first level has no slash before it.
  if (children instanceof WideMap) {
    if (start > 0) return children.find(text, start - 1, end);
    return children.get(`/${text.slice(0, end)}`);
  }
  const { key } = children;
  if (key.length - 1 !== end - start) return undefined;
  const same = start === 0 ? key.endsWith(text.slice(0, end)) : text.startsWith(key, start - 1);
  return same ? children : undefined;
}

/** Adds a child whose key does not exist yet; returns the new value for the parent. */
export function withChild<N extends Keyed>(children: Children<N>, child: N): Children<N> {
  if (children === undefined) return child;
  if (children instanceof WideMap) return children.set(child.key, child);
  return new WideMap<N>().set(children.key, children).set(child.key, child);
}

/** Removes an existing child; returns the new value for the parent. */
export function withoutChild<N extends Keyed>(children: Children<N>, child: N): Children<N> {
  if (!(children instanceof WideMap)) return undefined;
  children.delete(child.key);
  if (children.size > 1) return children;
  // The map keeps its last child, so that a walk which is paused in it still finds it.
  for (const last of children.values()) return last;
}

/**
 * The key of the node for the level `text.slice(start, end)`: the level with a slash before it.
 *
 * The slash is for safety. V8 hashes numeric strings without its secret seed, and adds each new one
 * to a table of its own when it is looked up in a map. A peer that chooses levels with colliding
 * hashes (such as the multiples of 65,536) makes every lookup take 0.3 ms and more. With the slash
 * no level is numeric.
 *
 * The key is a copy: a slice of 13 or more characters would keep all of `text` in memory, and a
 * node may live much longer than the 64 KB topic that created it. `join` always makes a copy.
 */
export function ownKey(text: string, start: number, end: number): string {
  return ["/", text.slice(start, end)].join("");
}
