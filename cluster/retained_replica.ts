/** Retained messages, as a matter between nodes: every node has those of all. */
import type { NodeHost } from "../broker/node_port.ts";
import type { RetainedContent } from "../broker/retained_port.ts";
import { LinkRetained } from "./link_retained.ts";
import type { ClusterPart, PeerContext, PeerPart } from "./peer_part.ts";
import { type RetainedState, RetainedVersions } from "./retained_versions.ts";

/**
 * The retained messages of this node, which are those of all nodes. A change that a client of this
 * node makes goes to every other node, and from there to none; but a deletion does, so that a node that
 * asks whether another one has stored it has sent it, too.
 */
export class RetainedReplica implements ClusterPart {
  readonly #host: NodeHost;
  readonly #versions: RetainedVersions;
  readonly #links = new Set<LinkRetained>();
  readonly #others: number;
  /** The number of the last deletion that each other node has stored, with all before it. */
  readonly #stored = new Map<number, number>();
  readonly #unwatch: () => void;
  /** Whether the change comes from another node. */
  #isTaking = false;

  /**
   * @param nodes How many nodes there are.
   */
  constructor(host: NodeHost, nodes: number) {
    this.#others = nodes - 1;
    this.#host = host;
    this.#versions = new RetainedVersions(host.retained, host.wallClock);
    this.#unwatch = host.retained.watch((topic, isExpired) => {
      if (isExpired) this.#versions.onExpired(topic);
      else if (!this.#isTaking) this.#onChanged(topic);
    });
  }

  open(peer: PeerContext): PeerPart {
    const { retained } = this.#host;
    const link: LinkRetained = new LinkRetained(peer, {
      retained,
      versions: this.#versions,
      take: (topic, content, state) => this.#take(link, topic, content, state),
      onStored: (last) => {
        this.#stored.set(peer.node, Math.max(last, this.#stored.get(peer.node) ?? 0));
        this.#collect();
      },
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
    return link;
  }

  close(): void {
    this.#unwatch();
  }

  #onChanged(topic: string): void {
    this.#versions.onChanged(topic);
    for (const link of this.#links) link.onChanged(topic);
    this.#collect();
  }

  /** Deletions that every other node has stored need not be kept for nodes that come back. */
  #collect(): void {
    if (this.#stored.size < this.#others) return;
    this.#host.retained.collectDeletions(Math.min(...this.#stored.values()));
  }

  #take(
    from: LinkRetained,
    topic: string,
    content: RetainedContent | null,
    state: RetainedState,
  ): void {
    if (!this.#versions.isLater(topic, state)) return;
    this.#isTaking = true;
    try {
      if (!this.#host.retained.set(topic, content, state.version)) return;
    } finally {
      this.#isTaking = false;
    }
    this.#versions.note(topic, state.version);
    if (content !== null) return;
    for (const link of this.#links) if (link !== from) link.onChanged(topic);
  }
}
