/** The interface between a link and what two nodes tell each other over it. */
import type { NodeSession } from "../broker/node_port.ts";
import type { FrameReader } from "./frames.ts";

/** Has frames to send. It keeps what they are made of, and makes each when there is room for it. */
export interface FrameSource {
  /** The next frame, made by a {@linkcode ./frames.ts | FrameWriter}; `null` for none now. */
  next(): Uint8Array | null;
}

/** The link, as a part of the cluster sees it. */
export interface PeerContext {
  /** The number of the other node. */
  readonly node: number;
  /** There are frames to send. */
  wake(): void;
  /** {@linkcode PeerPart.isReady} has become true. */
  onReady(): void;
  /**
   * Marks a place among the frames. Returns whether it was reached: all that waits to be sent now was
   * sent, so the other node knows it before what is sent from then on.
   */
  mark(): () => boolean;
  /** Ends the link. */
  fail(error: unknown): void;
}

/** What two nodes tell each other about one matter, over one link: from its start to its end. */
export interface PeerPart extends FrameSource {
  /** The kinds of its frames. */
  readonly kinds: readonly number[];
  /** Whether each node knows all that the other one knew when the link was made. */
  readonly isReady: boolean;
  /** Marks a place among its own frames: {@linkcode PeerContext.mark}. */
  mark(): () => boolean;
  /** The other node has its session here: from now on frames are sent, and may come. */
  start(session: NodeSession): void;
  /**
   * Takes a frame of the other node. Its bytes are borrowed until the result is there.
   *
   * @returns Resolves when the next frame may come; `null` if it may come at once.
   * @throws {FrameError} If it makes no sense: that ends the link.
   */
  onFrame(kind: number, body: FrameReader): PromiseLike<void> | null;
  /** The link has ended. */
  end(): void;
}

/** One matter about which all nodes know the same: subscriptions, retained messages. */
export interface ClusterPart {
  /** A link was made. */
  open(peer: PeerContext): PeerPart;
  /** The node leaves the cluster. Every link has ended. */
  close(): void;
}
