/**
 * The children of a tree node, by the name of their topic level, in as little memory as their
 * number allows: most nodes of a topic tree have none or one, a few have a hundred thousand.
 *
 * @module
 */

/** What a node needs to be somebody's child. */
export interface Named {
  /** The topic level this node stands for, without slashes; may be empty. */
  readonly name: string;
}

/** No child, just one, or (always) two and more. */
export type Children<N extends Named> = undefined | N | Map<string, N>;

/** Finds the child named `text.slice(start, end)`; makes that string only if it must hash it. */
export function findChild<N extends Named>(
  children: Children<N>,
  text: string,
  start: number,
  end: number,
): N | undefined {
  if (children === undefined) return undefined;
  if (children instanceof Map) return children.get(text.slice(start, end));
  const { name } = children;
  return name.length === end - start && text.startsWith(name, start) ? children : undefined;
}

/** Adds a child whose name is not taken yet; returns what its parent is to hold from now on. */
export function withChild<N extends Named>(children: Children<N>, child: N): Children<N> {
  if (children === undefined) return child;
  if (children instanceof Map) return children.set(child.name, child);
  return new Map([[children.name, children], [child.name, child]]);
}

/** Removes a child that is there; returns what its parent is to hold from now on. */
export function withoutChild<N extends Named>(children: Children<N>, child: N): Children<N> {
  if (!(children instanceof Map)) return undefined;
  children.delete(child.name);
  if (children.size > 1) return children;
  // Left behind, not emptied: a walk that stands in this map still finds the last child there.
  for (const last of children.values()) return last;
}

/**
 * Cuts one level out of a topic as a string of its own.
 *
 * A plain slice of 13 or more characters keeps the whole string it was cut from alive, and a node
 * may outlive by far the 64 KB topic that first made it. `join` always writes a new string.
 */
export function ownLevel(text: string, start: number, end: number): string {
  const level = text.slice(start, end);
  return level.length < 13 ? level : [level.slice(0, 1), level.slice(1)].join("");
}
