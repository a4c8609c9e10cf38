/** Finds the ACL rules that match a topic, level by level. */
import type { ClientInfo } from "./authenticator.ts";

/** What a rule says about the topics that it matches, as bits. */
export const AclAccess = {
  /** The client may receive them. */
  read: 1,
  /** The client may publish to them. */
  write: 2,
  /** Neither, whatever the other rules of the same group say. */
  deny: 4,
} as const;

/** The client whose names replace `%u` and `%c`. */
export type Named = Pick<ClientInfo, "clientId" | "username">;

const SLASH = "/";
const DOLLAR = "$";

/** One level of one or more filters. */
class Node {
  /** The bits of filters that end here. */
  access = 0;
  /** The bits of filters that end here with `#`. */
  rest = 0;
  /** The next level of filters with `+`. */
  plus: Node | null = null;
  /** The next level of filters with a literal, by the level with a slash before it. */
  literals: Map<string, Node> | null = null;
  /** The next level of patterns with `%u` or `%c`, which a client's names replace. */
  templates: { readonly level: string; readonly node: Node }[] | null = null;
}

/**
 * Rules in a trie of topic levels. A check walks the levels of the topic, not the rules, so its
 * time does not depend on the number of rules.
 */
export class AclTrie {
  readonly #root = new Node();

  /**
   * Adds a rule.
   *
   * @param filter A valid topic filter.
   * @param access Bits of {@linkcode AclAccess}.
   * @param isPattern Whether `%u` and `%c` stand for the names of the client.
   */
  add(filter: string, access: number, isPattern: boolean): void {
    let node = this.#root;
    const levels = filter.split(SLASH);
    for (const level of levels) {
      if (level === "#") {
        node.rest |= access;
        return;
      }
      node = childOf(node, level, isPattern);
    }
    node.access |= access;
  }

  /** The bits of all rules that match a topic, or `deny` among them if one has it. */
  match(topic: string, client: Named): number {
    const root = this.#root;
    if (!topic.startsWith(DOLLAR)) return walk(root, topic, 0, client);
    // Only a filter whose first level is the same literal matches [MQTT-4.7.2-1].
    const end = levelEnd(topic, 0);
    const child = root.literals?.get(keyOf(topic, 0, end));
    return child === undefined ? 0 : walk(child, topic, end + 1, client);
  }
}

/** @param start Where in the topic the level below the node begins. */
function walk(node: Node, topic: string, start: number, client: Named): number {
  // `a/#` also matches `a`.
  let found = node.rest;
  if (start > topic.length) return found | node.access;
  const end = levelEnd(topic, start);
  const literal = node.literals?.get(keyOf(topic, start, end));
  if (literal !== undefined) found |= walk(literal, topic, end + 1, client);
  if (node.plus !== null) found |= walk(node.plus, topic, end + 1, client);
  for (const { level, node: child } of node.templates ?? []) {
    const filled = fill(level, client);
    if (filled === null || !topic.startsWith(filled, start)) continue;
    const filledEnd = start + filled.length;
    // A name with slashes covers several levels, but only whole ones.
    const isWhole = filledEnd === topic.length || topic.startsWith(SLASH, filledEnd);
    if (isWhole) found |= walk(child, topic, filledEnd + 1, client);
  }
  return found;
}

function childOf(node: Node, level: string, isPattern: boolean): Node {
  if (level === "+") return node.plus ??= new Node();
  if (isPattern && /%[uc]/.test(level)) {
    const templates = node.templates ??= [];
    const known = templates.find((template) => template.level === level);
    if (known !== undefined) return known.node;
    const child = new Node();
    templates.push({ level, node: child });
    return child;
  }
  const literals = node.literals ??= new Map();
  const key = `/${level}`;
  let child = literals.get(key);
  if (child === undefined) literals.set(key, child = new Node());
  return child;
}

/**
 * A level with the names of a client filled in. It becomes several levels if a name has slashes.
 * `null` if the client has no such name, or if the name has `+` or `#`, which match no topic.
 */
function fill(template: string, { username, clientId }: Named): string | null {
  if (template === "%c") return clientId;
  if (template === "%u") return username;
  if (username === null && template.includes("%u")) return null;
  return template.replace(/%[uc]/g, (name) => name === "%c" ? clientId : username!);
}

/**
 * The key of a level, with its slash. Without the slash, a peer could choose a level that is a
 * numeral, and with it the hash.
 */
function keyOf(topic: string, start: number, end: number): string {
  return start === 0 ? `/${topic.slice(0, end)}` : topic.slice(start - 1, end);
}

function levelEnd(topic: string, start: number): number {
  const slash = topic.indexOf(SLASH, start);
  return slash < 0 ? topic.length : slash;
}
