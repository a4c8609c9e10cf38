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
  readonly #changed = new Set<TopicNode>();

  constructor(limits: TopicTreeLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Every node, parents before children. */
  get nodes(): readonly TopicNode[] {
    return this.#nodes;
  }

  /** How many nodes have changed and were not taken yet. */
  get changed(): number {
    return this.#changed.size;
  }

  /** Takes a message. */
  add({ topic, payload, qos, retain, clientId }: PublishInfo, atMs: number): void {
    let node = this.root;
    this.#count(node);
    let levels = 0;
    for (let start = 0; start <= topic.length;) {
      const slash = topic.indexOf("/", start);
      const end = slash < 0 ? topic.length : slash;
      const next = ++levels > LEVELS_MAX ? null : this.#child(node, topic.slice(start, end));
      if (next === null) {
        node.other++;
        return;
      }
      node = next;
      this.#count(node);
      start = end + 1;
    }
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
    const taken: TopicNode[] = [];
    for (const node of this.#changed) {
      if (taken.length >= max) break;
      taken.push(node);
      this.#changed.delete(node);
    }
    // A reader must know a parent before its child.
    return taken.sort((a, b) => a.id - b.id);
  }

  #count(node: TopicNode): void {
    node.total++;
    this.#changed.add(node);
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
    this.#nameCharacters += name.length;
    parent.children.set(name, node);
    return node;
  }

  /** Keeps the beginning of a payload in place of the one before. */
  #keep(node: TopicNode, payload: Uint8Array): Uint8Array | null {
    this.#valuesBytes -= node.last?.value?.length ?? 0;
    const length = Math.min(payload.length, VALUE_BYTES_MAX);
    if (this.#valuesBytes + length > this.#limits.valuesBytes) return null;
    this.#valuesBytes += length;
    return payload.slice(0, length);
  }
}
