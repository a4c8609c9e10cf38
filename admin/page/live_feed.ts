/**
 * The live view of the page: one snapshot a second, made once for all who look. While nobody looks
 * nothing is done.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";
import { type TimeSlices, TooBusyError } from "../time_slices.ts";
import { topicsLine, treeLines } from "./topic_lines.ts";
import type { TopicNode, TopicTree } from "./topic_tree.ts";
import { Viewer, type ViewerOptions } from "./viewer.ts";
import { WatchedTopics } from "./watched_topics.ts";

/** Pages that look at the same time; past it: 429. */
export const VIEWERS_MAX = 32;
/** How often a snapshot is made, in milliseconds. */
const INTERVAL_MS = 1000;
/** Nodes of the tree that are told of at once; the others come with the next snapshots. */
const CHANGED_NODES_MAX = 500;

/** What the feed needs. */
export interface LiveFeedHost {
  readonly inspection: Inspection;
  readonly slices: TimeSlices;
  /** Makes a snapshot. */
  snapshot(): Readonly<Record<string, unknown>>;
  /** Called before each snapshot: brings up to date what takes a while. */
  refresh(): Promise<unknown>;
}

/** The pages that look, and what they are sent. */
export class LiveFeed {
  /** How many lines were not sent, because a page did not take those before in time. */
  skipped = 0;
  readonly #host: LiveFeedHost;
  readonly #viewers = new Set<Viewer>();
  readonly #encoder = new TextEncoder();
  #cancel: (() => void) | null = null;
  readonly #topics: WatchedTopics;

  constructor(host: LiveFeedHost) {
    this.#host = host;
    this.#topics = new WatchedTopics(host.inspection);
  }

  /** How many pages look. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** The tree of topics, if somebody has looked at it of late. */
  get tree(): TopicTree | null {
    return this.#topics.tree;
  }

  /** Begins to send to a page; `null` if too many look already. */
  open(options: ViewerOptions): Viewer | null {
    if (this.#viewers.size >= VIEWERS_MAX) return null;
    const viewer = new Viewer(options, () => this.#viewers.delete(viewer));
    this.#viewers.add(viewer);
    if (options.topics) this.#topics.use();
    this.#cancel?.();
    // The new one does not wait for its first snapshot.
    this.#schedule(0);
    return viewer;
  }

  /** Ends every view. Others may begin. */
  close(): void {
    for (const viewer of [...this.#viewers]) viewer.end();
    this.#cancel?.();
    this.#cancel = null;
    this.#topics.drop();
  }

  #schedule(inMs: number): void {
    const { clock } = this.#host.inspection;
    this.#cancel = clock.schedule(clock.now() + inMs, () => {
      this.#cancel = null;
      this.#tell().catch(this.#onFailed);
    });
  }

  async #tell(): Promise<void> {
    const isUsed = [...this.#viewers].some(({ options }) => options.topics);
    if (!isUsed) this.#topics.dropIfUnused();
    if (this.#viewers.size > 0) {
      const line = this.#encoder.encode(`${JSON.stringify(this.#host.snapshot())}\n`);
      for (const viewer of this.#viewers) this.#send(viewer, line);
      this.#tellTopics();
    }
    if (this.#viewers.size > 0 || this.tree !== null) this.#schedule(INTERVAL_MS);
    await this.#host.refresh();
  }

  /** Tells of the nodes that have changed, in two forms at most. */
  #tellTopics(): void {
    const viewers = [...this.#viewers].filter(({ options }) => options.topics);
    if (viewers.length === 0) return;
    const tree = this.#topics.use();
    const changed = tree.takeChanged(CHANGED_NODES_MAX);
    const lines = new Map<boolean, Uint8Array>();
    for (const viewer of viewers) {
      if (!viewer.hasTree) {
        this.#sendTree(viewer, tree).catch(this.#onFailed);
        continue;
      }
      if (viewer.changed !== null) {
        for (const node of changed) viewer.changed.add(node);
        continue;
      }
      if (changed.length === 0) continue;
      const { payloads } = viewer.options;
      const line = lines.get(payloads) ?? this.#encoder.encode(topicsLine(changed, payloads));
      lines.set(payloads, line);
      // Who has missed something is sent everything again.
      if (!this.#send(viewer, line)) viewer.hasTree = false;
    }
  }

  /** Sends the whole tree, and then what has changed while its lines were made. */
  async #sendTree(viewer: Viewer, tree: TopicTree): Promise<void> {
    if (!viewer.hasRoom) return;
    const { payloads } = viewer.options;
    const changed = viewer.changed = new Set<TopicNode>();
    viewer.hasTree = true;
    try {
      const lines = await this.#host.slices.run(treeLines(tree, payloads));
      if (!this.#viewers.has(viewer)) return;
      if (changed.size > 0) lines.push(topicsLine([...changed], payloads));
      for (const line of lines) {
        if (!this.#send(viewer, this.#encoder.encode(line))) viewer.hasTree = false;
      }
    } catch (error) {
      // The next snapshot tries again.
      viewer.hasTree = false;
      throw error;
    } finally {
      viewer.changed = null;
    }
  }

  /** Sends a line, or counts it as skipped. Returns whether there was room for it. */
  #send(viewer: Viewer, line: Uint8Array): boolean {
    const isSent = viewer.send(line);
    if (!isSent) this.skipped++;
    return isSent;
  }

  /** Too much work of operators is no failure: with the next snapshot it is tried again. */
  readonly #onFailed = (error: unknown): void => {
    if (!(error instanceof TooBusyError)) this.#host.inspection.reportError(error);
  };
}
