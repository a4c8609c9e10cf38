/** Subscriptions, as a matter between nodes: what is subscribed to on one node, all others send it. */
import type { LinkedNodes } from "../broker/base/node_peer.ts";
import type { NodeHost, NodeSession } from "../broker/node_port.ts";
import { FrameKind, type FrameReader, FrameWriter } from "./frames.ts";
import { InterestFeed } from "./interest_feed.ts";
import { InterestReplica } from "./interest_replica.ts";
import { InterestTable } from "./interest_table.ts";
import type { ClusterPart, PeerContext, PeerPart } from "./peer_part.ts";

/** The subscriptions of this node, and the links by which other nodes are told of them. */
export class Interest implements ClusterPart, LinkedNodes {
  readonly #host: NodeHost;
  readonly #links = new Set<LinkInterest>();
  readonly #table: InterestTable;
  readonly #unwatch: () => void;

  constructor(host: NodeHost) {
    this.#host = host;
    this.#table = new InterestTable((filter) => {
      for (const link of this.#links) link.onChanged(filter);
    });
    this.#unwatch = host.watchInterest(this.#table);
  }

  open(peer: PeerContext): PeerPart {
    const link: LinkInterest = new LinkInterest(this.#host, this.#table, peer, () => {
      this.#links.delete(link);
    });
    this.#links.add(link);
    return link;
  }

  whenTold(wantsRetained: boolean): PromiseLike<void> | null {
    const waits: Promise<void>[] = [];
    for (const link of this.#links) {
      if (wantsRetained) link.ask();
      const wait = link.whenKnown();
      if (wait !== null) waits.push(wait);
    }
    return waits.length === 0 ? null : Promise.all(waits).then(() => {});
  }

  groupOf(number: number): string | null {
    return this.#table.groups.filterOf(number);
  }

  close(): void {
    this.#unwatch();
  }
}

/** The subscriptions of two nodes over one link, in both directions. */
class LinkInterest implements PeerPart {
  readonly kinds = [FrameKind.interest, FrameKind.interestKnown];
  readonly #host: NodeHost;
  readonly #table: InterestTable;
  readonly #peer: PeerContext;
  readonly #feed: InterestFeed;
  readonly #onEnd: () => void;
  #replica: InterestReplica | null = null;
  /** The last change of the other node that is known, and not said to be; 0 for none. */
  #known = 0;
  /** The one of which that is said next. */
  #telling = 0;
  /** Whether it may be said: what had changed here before, and waited to be sent, was sent. */
  #mayTell: () => boolean = () => true;
  #isEnded = false;

  constructor(host: NodeHost, table: InterestTable, peer: PeerContext, onEnd: () => void) {
    this.#host = host;
    this.#table = table;
    this.#peer = peer;
    this.#feed = new InterestFeed(table);
    this.#onEnd = onEnd;
  }

  get isReady(): boolean {
    return this.#feed.isKnown && this.#replica !== null && this.#replica.isComplete;
  }

  start(session: NodeSession): void {
    this.#replica = new InterestReplica(this.#host, session, this.#table, (change) => {
      if (this.#isEnded) return;
      this.#known = change;
      this.#peer.wake();
      this.#peer.onReady();
    });
  }

  onChanged(filter: string): void {
    this.#feed.onChanged(filter);
    this.#peer.wake();
  }

  ask(): void {
    this.#feed.ask();
    this.#peer.wake();
  }

  whenKnown(): Promise<void> | null {
    return this.#feed.whenKnown();
  }

  next(): Uint8Array | null {
    if (this.#telling === 0 && this.#known > 0) {
      this.#telling = this.#known;
      this.#known = 0;
      this.#mayTell = this.#peer.mark();
    }
    if (this.#telling === 0 || !this.#mayTell()) return this.#feed.next();
    const frame = new FrameWriter(FrameKind.interestKnown).number(this.#telling).take();
    this.#telling = 0;
    return frame;
  }

  mark(): () => boolean {
    return () => true;
  }

  onFrame(kind: number, body: FrameReader): PromiseLike<void> | null {
    if (kind === FrameKind.interest) return this.#replica!.take(body);
    this.#feed.onKnown(body.number());
    this.#peer.onReady();
    return null;
  }

  end(): void {
    this.#isEnded = true;
    this.#feed.end();
    this.#onEnd();
  }
}
