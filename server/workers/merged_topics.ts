/** The trees of topics of several nodes as one tree: each node knows what its own clients publish. */

/** `[id, parent, name, total, messages, bytes, other, retain, preview]`, as a node tells it. */
export type TopicView = [
  number,
  number | null,
  string,
  number,
  number,
  number,
  number,
  number,
  ...(string | null)[],
];

/** A level of topics. The trees of nodes are bounded, and so is their union. */
interface MergedTopic {
  readonly id: number;
  readonly parent: MergedTopic | null;
  readonly name: string;
  readonly children: Map<string, MergedTopic>;
  /** What each node counts: total, messages, bytes, other. */
  readonly counts: Map<number, readonly number[]>;
  /** Whether the last message was retained, and its preview. */
  last: readonly (number | string | null)[];
}

/** One tree for one reader. */
export class MergedTopics {
  readonly #root: MergedTopic = newTopic(0, null, "");
  /** By the number of the node and the identifier there. */
  readonly #known = new Map<number, Map<number, MergedTopic>>();
  #lastId = 0;

  /** A node tells its whole tree again: its identifiers may be others. */
  begin(node: number): void {
    this.#known.delete(node);
  }

  /** Takes what a node tells. Returns what the reader has to be told. */
  take(node: number, views: readonly TopicView[]): TopicView[] {
    let known = this.#known.get(node);
    if (known === undefined) this.#known.set(node, known = new Map());
    const changed = new Set<MergedTopic>();
    for (const [id, parentId, name, total, messages, bytes, other, ...last] of views) {
      const parent = parentId === null ? null : known.get(parentId);
      if (parent === undefined) continue;
      const topic = known.get(id) ?? (parent === null ? this.#root : this.#childOf(parent, name));
      known.set(id, topic);
      topic.counts.set(node, [total, messages, bytes, other]);
      topic.last = last;
      changed.add(topic);
    }
    return [...changed].map(viewOf);
  }

  #childOf(parent: MergedTopic, name: string): MergedTopic {
    let child = parent.children.get(name);
    if (child === undefined) {
      parent.children.set(name, child = newTopic(++this.#lastId, parent, name));
    }
    return child;
  }
}

function newTopic(id: number, parent: MergedTopic | null, name: string): MergedTopic {
  return { id, parent, name, children: new Map(), counts: new Map(), last: [0] };
}

function viewOf({ id, parent, name, counts, last }: MergedTopic): TopicView {
  const sums = [0, 0, 0, 0];
  for (const one of counts.values()) for (const [i, count] of one.entries()) sums[i]! += count;
  return [id, parent?.id ?? null, name, ...sums, ...last] as unknown as TopicView;
}
