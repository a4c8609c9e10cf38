/**
 * The topics that messages were published to since somebody looks, as a tree with the last message
 * of each. It is bounded: what finds no room is counted as "other" where it would have been.
 *
 * @module
 */
import type { PublishInfo } from "../../broker/base/hooks.ts";

/** Nodes of the tree, one for each level of each topic. */
export const NODES_MAX = 5000;
/** Characters of all names of levels together. */
export const NAME_CHARACTERS_MAX = 512 * 1024;
/** Levels of a topic. */
export const LEVELS_MAX = 32;
/** Characters of a topic that is found at once; a longer one is looked for level by level. */
const KNOWN_CHARACTERS_MAX = 256;
/** Bytes that are kept of a payload. */
export const VALUE_BYTES_MAX = 4096;
/** Bytes that are kept of all payloads together; past it a new payload is not kept. */
export const VALUES_BYTES_MAX = 4 * 1024 * 1024;

/** The last message of a topic. */
export interface LastMessage {
  /** When it was published, by the clock of the broker. */
  readonly atMs: number;
  readonly qos: number;
  readonly retain: boolean;
  readonly clientId: string | null;
  /** The size of its payload. */
  readonly bytes: number;
  /** The beginning of its payload; `null` if there was no room for it. */
  readonly value: Uint8Array | null;
}

/** A level of topics. */
export class TopicNode {
  readonly id: number;
  readonly parent: TopicNode | null;
  readonly name: string;
  readonly children: Map<string, TopicNode> = new Map();
  /** Messages of this very topic, and the bytes of their payloads. */
  messages = 0;
  bytes = 0;
  /** Messages of this topic and all below. */
  total = 0;
  /** Messages of topics below for which there was no room. */
  other = 0;
  last: LastMessage | null = null;
  /** Set by TopicTree: whether it has changed since it was taken. */
  hasChanged = false;

  constructor(id: number, parent: TopicNode | null, name: string) {
    this.id = id;
    this.parent = parent;
    this.name = name;
  }
}

/** What a tree may hold. */
export interface TopicTreeLimits {
  readonly nodes: number;
  readonly nameCharacters: number;
  readonly valuesBytes: number;
}

const LIMITS: TopicTreeLimits = {
  nodes: NODES_MAX,
  nameCharacters: NAME_CHARACTERS_MAX,
  valuesBytes: VALUES_BYTES_MAX,
};

/** The tree of topics. */
export class TopicTree {
  readonly root: TopicNode = new TopicNode(0, null, "");
  readonly #limits: TopicTreeLimits;
  readonly #nodes: TopicNode[] = [this.root];
  #nameCharacters = 0;
  #valuesBytes = 0;
  /** Nodes that have changed since they were taken, in the order in which they did first. */
  readonly #changed: TopicNode[] = [];
  /** The nodes of topics that are not too long, so that most messages cost no walk. */
  readonly #known = new Map<string, TopicNode>();

  constructor(limits: TopicTreeLimits = LIMITS) {
    this.#limits = limits;
    this.#change(this.root);
  }

  /** Every node, parents before children. */
  get nodes(): readonly TopicNode[] {
    return this.#nodes;
  }

  /** How many nodes have changed and were not taken yet. */
  get changed(): number {
    return this.#changed.length;
  }

  /** Takes a message. */
  add({ topic, payload, qos, retain, clientId }: PublishInfo, atMs: number): void {
    const node = this.#nodeOf(topic);
    if (node === null) return;
    this.#count(node);
    node.messages++;
    node.bytes += payload.length;
    const value = this.#keep(node, payload);
    node.last = { atMs, qos, retain, clientId, bytes: payload.length, value };
  }

  /** Finds the node of a topic; `null` if there is none. */
  find(topic: string): TopicNode | null {
    let node: TopicNode | undefined = this.root;
    for (const name of topic.split("/")) node = node?.children.get(name);
    return node ?? null;
  }

  /** Takes nodes that have changed, no more than so many. */
  takeChanged(max: number): TopicNode[] {
    const taken = this.#changed.splice(0, max);
    for (const node of taken) node.hasChanged = false;
    // A reader must know a parent before its child.
    return taken.sort((a, b) => a.id - b.id);
  }

  /** Counts a message for a node and all above it. */
  #count(node: TopicNode): void {
    for (let at: TopicNode | null = node; at !== null; at = at.parent) {
      at.total++;
      if (!at.hasChanged) this.#change(at);
    }
  }

  #change(node: TopicNode): void {
    node.hasChanged = true;
    this.#changed.push(node);
  }

  /** The node of a topic, made if there is room; else the message is counted as other: `null`. */
  #nodeOf(topic: string): TopicNode | null {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    let node = this.root;
    let levels = 0;
    for (let start = 0; start <= topic.length;) {
      const slash = topic.indexOf("/", start);
      const end = slash < 0 ? topic.length : slash;
      const next = ++levels > LEVELS_MAX ? null : this.#child(node, topic.slice(start, end));
      if (next === null) {
        node.other++;
        this.#count(node);
        return null;
      }
      node = next;
      start = end + 1;
    }
    if (topic.length <= KNOWN_CHARACTERS_MAX) this.#known.set(topic, node);
    return node;
  }

  /** The child with a name, made if there is room; else `null`. */
  #child(parent: TopicNode, name: string): TopicNode | null {
    const known = parent.children.get(name);
    if (known !== undefined) return known;
    const { nodes, nameCharacters } = this.#limits;
    if (this.#nodes.length >= nodes) return null;
    if (this.#nameCharacters + name.length > nameCharacters) return null;
    const node = new TopicNode(this.#nodes.length, parent, name);
    this.#nodes.push(node);
    // Before all below it, so that a reader never hears of a node whose parent it does not know.
    this.#change(node);
    this.#nameCharacters += name.length;
    parent.children.set(name, node);
    return node;
  }

  /** Keeps the beginning of a payload in place of the one before. */
  #keep(node: TopicNode, payload: Uint8Array): Uint8Array | null {
    const before = node.last?.value ?? null;
    const length = Math.min(payload.length, VALUE_BYTES_MAX);
    if (before?.length === length) {
      before.set(length === payload.length ? payload : payload.subarray(0, length));
      return before;
    }
    this.#valuesBytes -= before?.length ?? 0;
    if (this.#valuesBytes + length > this.#limits.valuesBytes) return null;
    this.#valuesBytes += length;
    return payload.slice(0, length);
  }
}
