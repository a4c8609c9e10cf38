import type { ClientInfo } from "./authenticator.ts";

/** What a rule says of the topics that it matches; bits that add up. */
export const AclAccess = {
  /** They may be received. */
  read: 1,
  /** They may be published to. */
  write: 2,
  /** Neither, whatever other rules of its kind say. */
  deny: 4,
} as const;

/** Whom a pattern is about. */
export type Named = Pick<ClientInfo, "clientId" | "username">;

const SLASH = "/";
const DOLLAR = "$";

/** One level of one or more filters. */
class Node {
  /** The bits of filters that end here. */
  access = 0;
  /** The bits of filters that go on with `#`, and so end. */
  rest = 0;
  /** Where filters with `+` go on. */
  plus: Node | null = null;
  /** Where filters with a literal level go on, by the level with a slash before it. */
  literals: Map<string, Node> | null = null;
  /** Where patterns go on whose level has a `%u` or `%c`: the names of a client stand in for it. */
  templates: { readonly level: string; readonly node: Node }[] | null = null;
}

/**
 * Rules about topics, so that asking takes a walk along the levels of the topic
 * and not along the rules.
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
    // Only what begins with the very same word matches [MQTT-4.7.2-1].
    const end = levelEnd(topic, 0);
    const child = root.literals?.get(keyOf(topic, 0, end));
    return child === undefined ? 0 : walk(child, topic, end + 1, client);
  }
}

/** @param start Where in the topic the level below the node begins. */
function walk(node: Node, topic: string, start: number, client: Named): number {
  // `a/#` matches `a`, too.
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
    // A name with slashes in it stands for several levels, but for whole ones.
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
 * A level with the names of a client in it: several, if a name has slashes. `null` if it has no
 * such name, or one with `+` or `#`, which reaches nothing: it is compared with topics, which have
 * neither.
 */
function fill(template: string, { username, clientId }: Named): string | null {
  if (template === "%c") return clientId;
  if (template === "%u") return username;
  if (username === null && template.includes("%u")) return null;
  return template.replace(/%[uc]/g, (name) => name === "%c" ? clientId : username!);
}

/**
 * The key of a level: with its slash, so that no level that a peer asks for is
 * a numeral, whose hash it could choose.
 */
function keyOf(topic: string, start: number, end: number): string {
  return start === 0 ? `/${topic.slice(0, end)}` : topic.slice(start - 1, end);
}

function levelEnd(topic: string, start: number): number {
  const slash = topic.indexOf(SLASH, start);
  return slash < 0 ? topic.length : slash;
}
