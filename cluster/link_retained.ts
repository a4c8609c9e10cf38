/** The retained messages of two nodes over one link, in both directions. */
import type { QoS } from "../codec/mod.ts";
import type { RetainedContent, RetainedHost } from "../broker/retained_port.ts";
import { DeletionReceipts } from "./deletion_receipts.ts";
import { FrameError, FrameKind, type FrameReader, FrameWriter } from "./frames.ts";
import type { PeerContext, PeerPart } from "./peer_part.ts";
import { type RetainedState, type RetainedVersions, sumOf } from "./retained_versions.ts";

/** A frame with many entries is sent when it has so many bytes, or there are no more. */
const FRAME_BYTES = 64 * 1024;

/** Marks in a frame with many entries. */
const Mark = {
  /** An entry follows. */
  entry: 1,
  /** Another frame follows with more of them. */
  more: 2,
  /** That is all. */
  end: 3,
} as const;

/** What a link needs of the node. */
export interface LinkRetainedHost {
  readonly retained: RetainedHost;
  readonly versions: RetainedVersions;
  /** Takes the state of a topic on the other node, if it is the later one. */
  take(topic: string, content: RetainedContent | null, state: RetainedState): void;
  /** The other node has stored all deletions up to this number. */
  onStored(last: number): void;
  /** The link has ended. */
  onEnd(): void;
}

/**
 * First each node tells the other one the versions of all its retained messages, and is told which
 * of them to send. After that it sends every change. Changes of one topic that were not sent yet are
 * one, so what waits is never more than the topics.
 */
export class LinkRetained implements PeerPart {
  readonly kinds = [
    FrameKind.retainedVersions,
    FrameKind.retainedWanted,
    FrameKind.retained,
    FrameKind.retainedComplete,
    FrameKind.deletionsSent,
    FrameKind.deletionsStored,
  ];
  readonly #peer: PeerContext;
  readonly #host: LinkRetainedHost;
  /** The walk of all topics, messages first; `null` before and after it. */
  #walk: Iterator<string | null> | null = null;
  #isStarted = false;
  /** Topics whose messages the other node has to send. */
  readonly #wanted = new Set<string>();
  /** Whether the other node has told all its versions. */
  #knowsAll = false;
  /** Whether it was told that nothing more is wanted. */
  #hasAskedAll = false;
  /** Topics to send, in order. */
  readonly #toSend = new Set<string>();
  /** How many were sent. */
  #sent = 0;
  /** How many of them the other node waits for; -1 before it has asked for all, and after that. */
  #awaited = -1;
  /** Whether the other node has sent all that was wanted, and this one has. */
  #isComplete = false;
  #hasCompleted = false;
  readonly #receipts: DeletionReceipts;

  constructor(peer: PeerContext, host: LinkRetainedHost) {
    this.#peer = peer;
    this.#host = host;
    const { retained, onStored } = host;
    this.#receipts = new DeletionReceipts({
      get last() {
        return retained.lastDeletion;
      },
      whenStored: () => retained.whenStored(),
      onStored,
      wake: () => peer.wake(),
    });
  }

  get isReady(): boolean {
    return this.#isComplete && this.#hasCompleted;
  }

  start(): void {
    this.#isStarted = true;
    this.#walk = this.#topics();
  }

  /** The state of a topic has changed on this node. */
  onChanged(topic: string): void {
    this.#toSend.add(topic);
    this.#peer.wake();
  }

  mark(): () => boolean {
    // They are sent in the order in which they were added.
    const last = this.#sent + this.#toSend.size;
    return () => this.#sent >= last;
  }

  next(): Uint8Array | null {
    if (!this.#isStarted) return null;
    if (this.#wanted.size > 0 || (this.#knowsAll && !this.#hasAskedAll)) return this.#nextWanted();
    if (this.#walk !== null) return this.#nextVersions(this.#walk);
    if (this.#awaited === 0) {
      this.#awaited = -1;
      this.#hasCompleted = true;
      this.#peer.onReady();
      return new FrameWriter(FrameKind.retainedComplete).take();
    }
    for (const topic of this.#toSend) {
      this.#toSend.delete(topic);
      this.#sent++;
      if (this.#awaited > 0) this.#awaited--;
      return this.#stateOf(topic);
    }
    return this.isReady ? this.#receipts.next() : null;
  }

  onFrame(kind: number, body: FrameReader): PromiseLike<void> | null {
    if (kind === FrameKind.retainedVersions) this.#onVersions(body);
    else if (kind === FrameKind.retainedWanted) this.#onWanted(body);
    else if (kind === FrameKind.retained) this.#onState(body);
    else if (kind === FrameKind.retainedComplete) {
      this.#isComplete = true;
      this.#peer.onReady();
    } else this.#receipts.onFrame(kind, body);
    this.#peer.wake();
    return null;
  }

  end(): void {
    this.#walk = null;
    this.#wanted.clear();
    this.#toSend.clear();
    this.#receipts.end();
    this.#host.onEnd();
  }

  *#topics(): Generator<string | null, void, void> {
    yield* this.#host.retained.topics();
    yield* this.#host.versions.others();
  }

  #nextVersions(walk: Iterator<string | null>): Uint8Array {
    const frame = new FrameWriter(FrameKind.retainedVersions);
    while (frame.length < FRAME_BYTES) {
      const { value: topic, done } = walk.next();
      if (done) {
        this.#walk = null;
        return frame.byte(Mark.end).take();
      }
      if (topic === null) continue;
      const { version, sum } = this.#host.versions.of(topic);
      if (version > 0) frame.byte(Mark.entry).text(topic).number(version).uint32(sum);
    }
    return frame.byte(Mark.more).take();
  }

  #onVersions(body: FrameReader): void {
    const { versions, take } = this.#host;
    for (;;) {
      const mark = body.byte();
      if (mark === Mark.end) this.#knowsAll = true;
      if (mark !== Mark.entry) return;
      const topic = body.text();
      const state = { version: body.number(), sum: body.uint32() };
      if (state.sum === 0) take(topic, null, state);
      else if (versions.isLater(topic, state)) this.#wanted.add(topic);
    }
  }

  #nextWanted(): Uint8Array {
    const frame = new FrameWriter(FrameKind.retainedWanted);
    for (const topic of this.#wanted) {
      if (frame.length >= FRAME_BYTES) break;
      this.#wanted.delete(topic);
      frame.byte(Mark.entry).text(topic);
    }
    this.#hasAskedAll = this.#knowsAll && this.#wanted.size === 0;
    return frame.byte(this.#hasAskedAll ? Mark.end : Mark.more).take();
  }

  #onWanted(body: FrameReader): void {
    for (;;) {
      const mark = body.byte();
      // They are sent in the order in which they were added.
      if (mark === Mark.end) this.#awaited = this.#toSend.size;
      if (mark !== Mark.entry) return;
      this.#toSend.add(body.text());
    }
  }

  #stateOf(topic: string): Uint8Array {
    const { retained, versions } = this.#host;
    const { version } = versions.of(topic);
    const frame = new FrameWriter(FrameKind.retained).text(topic).number(version);
    const content = retained.get(topic);
    if (content === null) return frame.byte(0).take();
    const { qos, properties, payload, leftMs, origin } = content;
    frame.byte(1).byte(qos).number(leftMs).text(origin);
    return frame.piece(properties).piece(payload).take();
  }

  #onState(body: FrameReader): void {
    const topic = body.text();
    const version = body.number();
    if (body.byte() === 0) return this.#host.take(topic, null, { version, sum: 0 });
    const qos = body.byte();
    if (qos > 2) throw new FrameError(`QoS ${qos} of a retained message`);
    const content = {
      qos: qos as QoS,
      leftMs: body.number(),
      origin: body.text(),
      properties: body.piece(),
      payload: body.piece(),
    };
    this.#host.take(topic, content, { version, sum: sumOf(content) });
  }
}
