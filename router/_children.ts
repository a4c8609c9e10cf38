/**
 * The children of a tree node, by their topic level, in as little memory as their number
 * allows: most nodes of a topic tree have none or one, a few have a hundred thousand.
 *
 * @module
 */

import { WideMap } from "./wide_map.ts";

/** What a node needs to be somebody's child. */
export interface Keyed {
  /** The topic level this node stands for, with the slash before it: see {@linkcode ownKey}. */
  readonly key: string;
}

/** No child, just one, or (always) two and more. */
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
    return children.get(start === 0 ? `/${text.slice(0, end)}` : text.slice(start - 1, end));
  }
  const { key } = children;
  if (key.length - 1 !== end - start) return undefined;
  const same = start === 0 ? key.endsWith(text.slice(0, end)) : text.startsWith(key, start - 1);
  return same ? children : undefined;
}

/** Adds a child whose key is not taken yet; returns what its parent is to hold from now on. */
export function withChild<N extends Keyed>(children: Children<N>, child: N): Children<N> {
  if (children === undefined) return child;
  if (children instanceof WideMap) return children.set(child.key, child);
  return new WideMap<N>().set(children.key, children).set(child.key, child);
}

/** Removes a child that is there; returns what its parent is to hold from now on. */
export function withoutChild<N extends Keyed>(children: Children<N>, child: N): Children<N> {
  if (!(children instanceof WideMap)) return undefined;
  children.delete(child.key);
  if (children.size > 1) return children;
  // Left behind, not emptied: a walk that stands in this map still finds the last child there.
  for (const last of children.values()) return last;
}

/**
 * The key of the node for the level `text.slice(start, end)`: the level with a slash before it.
 *
 * The slash is for safety. V8 hashes a numeral without its secret seed, and enters each new one that
 * a map is asked for in a table of its own: a peer that chooses levels with colliding hashes (the
 * multiples of 65,536 are) makes every lookup take 0.3 ms and more. With its slash no level is a
 * numeral.
 *
 * The key is a string of its own: a slice of 13 or more characters would keep all of `text` alive,
 * and a node may outlive by far the 64 KB topic that first made it. `join` always makes a copy.
 */
export function ownKey(text: string, start: number, end: number): string {
  return ["/", text.slice(start, end)].join("");
}
