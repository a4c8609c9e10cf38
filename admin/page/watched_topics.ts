/** The tree of topics while somebody looks at it, and for a while after. */
import type { Inspection } from "../../broker/inspection.ts";
import { TopicTree } from "./topic_tree.ts";

/** How long the tree is kept when nobody looks at it, in milliseconds. */
const KEPT_MS = 60_000;

/** The tree of topics. It grows, and costs something, only while it is used. */
export class WatchedTopics {
  readonly #inspection: Inspection;
  #tree: TopicTree | null = null;
  #stop: () => void = () => {};
  /** When somebody looked last, by the clock of the broker. */
  #usedMs = 0;

  constructor(inspection: Inspection) {
    this.#inspection = inspection;
  }

  /** The tree; `null` if nobody has looked at it of late. */
  get tree(): TopicTree | null {
    return this.#tree;
  }

  /** The tree, which grows from now on if it did not. */
  use(): TopicTree {
    const { clock } = this.#inspection;
    this.#usedMs = clock.now();
    if (this.#tree !== null) return this.#tree;
    const tree = this.#tree = new TopicTree();
    this.#stop = this.#inspection.observe({
      published: (info) => tree.add(info, clock.now()),
    });
    return tree;
  }

  /** Drops the tree if nobody has looked for a while. */
  dropIfUnused(): void {
    if (this.#inspection.clock.now() - this.#usedMs >= KEPT_MS) this.drop();
  }

  /** Drops the tree. */
  drop(): void {
    this.#stop();
    this.#stop = () => {};
    this.#tree = null;
  }
}
