/** One page that looks: a stream of lines, which skips what its reader does not take in time. */
import type { TopicNode } from "./topic_tree.ts";

/** Bytes of lines that wait for a page; past them lines are skipped until it has taken some. */
export const WAITING_BYTES_MAX = 2 * 1024 * 1024;

/** What a page wants to see beside the snapshots. */
export interface ViewerOptions {
  /** Whether it shows the tree of topics. */
  readonly topics: boolean;
  /** Whether it may read payloads. */
  readonly payloads: boolean;
}

/** The lines of one page. */
export class Viewer {
  readonly options: ViewerOptions;
  readonly stream: ReadableStream<Uint8Array>;
  /** Set by live_feed.ts: whether it has the tree of topics, but for what changed since. */
  hasTree = false;
  /** Set by live_feed.ts: what has changed since the tree is on its way; `null` if it is not. */
  changed: Set<TopicNode> | null = null;
  readonly #gone: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isEnded = false;

  /** @param gone Called once, when the page has left. */
  constructor(options: ViewerOptions, gone: () => void) {
    this.options = options;
    this.#gone = gone;
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#isEnded = true;
        this.#gone();
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES_MAX }));
  }

  /** Whether there is room for another line. */
  get hasRoom(): boolean {
    return !this.#isEnded && (this.#controller.desiredSize ?? 0) > 0;
  }

  /** Sends a line. Returns whether there was room for it. */
  send(line: Uint8Array): boolean {
    if (!this.hasRoom) return false;
    this.#controller.enqueue(line);
    return true;
  }

  /** Ends the stream. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#controller.close();
    this.#gone();
  }
}
