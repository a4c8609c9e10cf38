/** Retained messages, as a matter between nodes: every node has those of all. */
import type { NodeHost } from "../broker/node_port.ts";
import type { RetainedContent } from "../broker/retained_port.ts";
import { LinkRetained } from "./link_retained.ts";
import type { ClusterPart, PeerContext, PeerPart } from "./peer_part.ts";
import { type RetainedState, RetainedVersions } from "./retained_versions.ts";

/**
 * The retained messages of this node, which are those of all nodes. A change that a client of this
 * node makes goes to every other node, and from there to none.
 */
export class RetainedReplica implements ClusterPart {
  readonly #host: NodeHost;
  readonly #versions: RetainedVersions;
  readonly #links = new Set<LinkRetained>();
  readonly #unwatch: () => void;
  /** Whether the change comes from another node. */
  #isTaking = false;

  constructor(host: NodeHost) {
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
      take: (topic, content, state) => this.#take(topic, content, state),
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
  }

  #take(topic: string, content: RetainedContent | null, state: RetainedState): void {
    if (!this.#versions.isLater(topic, state)) return;
    this.#isTaking = true;
    try {
      if (!this.#host.retained.set(topic, content, state.version)) return;
    } finally {
      this.#isTaking = false;
    }
    this.#versions.note(topic, state.version);
  }
}
