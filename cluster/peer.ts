/** Another node, over one link: from its first frame to the end of the link. */
import type { NodeHost, NodeSession } from "../broker/node_port.ts";
import { ControlChannel, type ControlOwner } from "./control_channel.ts";
import { FrameError, FrameKind, type FrameReader, FrameWriter } from "./frames.ts";
import type { Link } from "./link.ts";
import { LinkWatch } from "./link_watch.ts";
import type { ClusterPart, PeerContext, PeerPart } from "./peer_part.ts";
import { PeerTransport, type PeerTransportOwner } from "./peer_transport.ts";

/** The version of what nodes tell each other. Nodes of different versions are not linked. */
const VERSION = 2;

/** Characters of the name of a pair of sessions. */
const PAIR_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** The length of such a name: about 103 bits. */
const PAIR_LENGTH = 20;

/** What a peer has to know of the cluster. */
export interface PeerOptions {
  readonly host: NodeHost;
  /** The number of this node, and how many there are. */
  readonly node: number;
  readonly nodes: number;
  /** The number of the other node. */
  readonly peer: number;
  readonly link: Link;
  readonly parts: readonly ClusterPart[];
  /** How often each side says that it is there, in milliseconds. */
  readonly aliveMs: number;
}

/**
 * One link to another node.
 *
 * 1. Both nodes say hello: who they are, and which pair of sessions they have with each other.
 * 2. If both have the same pair, the sessions go on. If not, both begin a new one: a session that
 *    continued alone would take new messages for repetitions.
 * 3. Each node connects the other one to its own broker, which stores the session.
 * 4. The parts of the cluster exchange what they know. Then the nodes are joined.
 */
export class Peer implements PeerContext, ControlOwner, PeerTransportOwner {
  /** The number of the other node. */
  readonly node: number;
  readonly #options: PeerOptions;
  readonly #channel: ControlChannel;
  readonly #watch: LinkWatch;
  readonly #parts: readonly PeerPart[];
  readonly #joined = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<unknown>();
  /** Resolves when the broker has the session of the other node. */
  readonly #opened = Promise.withResolvers<void>();
  /** What the broker would call a new pair, if this node is to name it. */
  readonly #proposal: string;
  #hello: Uint8Array | null;
  #transport: PeerTransport | null = null;
  #session: NodeSession | null = null;
  #isOpen = false;
  #isJoined = false;
  #isEnded = false;

  constructor(options: PeerOptions) {
    const { host, node, nodes, link, aliveMs } = options;
    this.#options = options;
    this.node = options.peer;
    this.#proposal = newPair(host.random);
    this.#hello = new FrameWriter(FrameKind.hello).uint32(VERSION).uint32(node).uint32(nodes)
      .text(host.pairWith(this.node) ?? "").text(this.#proposal).take();
    this.#parts = options.parts.map((part) => part.open(this));
    const next = () => this.#next();
    this.#channel = new ControlChannel(link.control, this, [{ next }]);
    this.#watch = new LinkWatch(host.clock, aliveMs, this.#channel, () => {
      this.fail(new Error(`Node ${this.node} does not answer`));
    });
    this.#channel.start();
  }

  /** Whether each node knows all subscriptions that the other one had. */
  get isJoined(): boolean {
    return this.#isJoined && !this.#isEnded;
  }

  /** Resolves when the nodes are joined: to true; or to false if the link has ended before. */
  whenJoined(): Promise<boolean> {
    return this.#joined.promise;
  }

  /** Resolves when the link has ended: to the error that has ended it, or `null`. */
  whenEnded(): Promise<unknown> {
    return this.#ended.promise;
  }

  /** Ends the link. */
  end(): void {
    this.fail(null);
  }

  wake(): void {
    this.#channel.wake();
  }

  mark(): () => boolean {
    const marks = this.#parts.map((part) => part.mark());
    return () => marks.every((isReached) => isReached());
  }

  onReady(): void {
    if (this.#isJoined || this.#isEnded || !this.#parts.every(({ isReady }) => isReady)) return;
    this.#isJoined = true;
    // A message for a shared group may have to go on to this node again.
    this.#transport!.release();
    this.#joined.resolve(true);
  }

  fail(error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#watch.end();
    this.#channel.close();
    if (this.#transport === null) this.#options.link.messages.close();
    else this.#transport.close();
    for (const part of this.#parts) part.end();
    this.#opened.resolve();
    this.#joined.resolve(false);
    this.#ended.resolve(error ?? null);
  }

  onHeard(): void {
    this.#watch.onHeard();
  }

  onFrame(kind: number, body: FrameReader): PromiseLike<void> | null {
    if (this.#isEnded) return null;
    if (this.#session === null) {
      if (kind !== FrameKind.hello) throw new FrameError(`A frame of kind ${kind} before hello`);
      this.#onHello(body);
      return null;
    }
    if (kind === FrameKind.alive) return null;
    const part = this.#parts.find(({ kinds }) => kinds.includes(kind));
    if (part === undefined) throw new FrameError(`A frame of unknown kind ${kind}`);
    if (this.#isOpen) return part.onFrame(kind, body);
    return this.#opened.promise.then(async () => {
      if (!this.#isEnded) await part.onFrame(kind, body);
    });
  }

  onOpen(): void {
    if (this.#isEnded) return;
    for (const part of this.#parts) part.start(this.#session!);
    this.#isOpen = true;
    this.#opened.resolve();
    this.wake();
  }

  onEnded(error: unknown): void {
    this.fail(error);
  }

  #next(): Uint8Array | null {
    const hello = this.#hello;
    if (hello !== null) {
      this.#hello = null;
      return hello;
    }
    const alive = this.#watch.next();
    if (alive !== null || !this.#isOpen) return alive;
    for (const part of this.#parts) {
      const frame = part.next();
      if (frame !== null) return frame;
    }
    return null;
  }

  #onHello(body: FrameReader): void {
    const { host, node, nodes, link } = this.#options;
    const version = body.uint32();
    if (version !== VERSION) throw new FrameError(`Version ${version}, this node has ${VERSION}`);
    const [other, count] = [body.uint32(), body.uint32()];
    if (other !== this.node || count !== nodes) {
      throw new FrameError(
        `Node ${other} of ${count} at the link to node ${this.node} of ${nodes}`,
      );
    }
    const pair = body.text();
    const proposal = body.text();
    const isSame = pair !== "" && pair === host.pairWith(this.node);
    const next = isSame ? pair : node < this.node ? this.#proposal : proposal;
    this.#transport = new PeerTransport(link.messages, this);
    this.#session = host.accept(this.node, next, this.#transport);
  }
}

function newPair(random: () => number): string {
  let pair = "";
  for (let i = 0; i < PAIR_LENGTH; i++) {
    pair += PAIR_CHARACTERS[Math.floor(random() * PAIR_CHARACTERS.length)];
  }
  return pair;
}
