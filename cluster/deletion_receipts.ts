/** Which deletions of retained messages the other node of a link has stored. */
import { FrameKind, type FrameReader, FrameWriter } from "./frames.ts";

/** What the receipts of a link need of the node and of the link. */
export interface DeletionReceiptsHost {
  /** The number of the last deletion of this node; they are numbered in order. */
  readonly last: number;
  /** Resolves when all changes until now are stored; with false if they never will be. */
  whenStored(): Promise<boolean>;
  /** The other node has stored all deletions up to this number. */
  onStored(last: number): void;
  /** There are frames to send. */
  wake(): void;
}

/**
 * Each node asks the other one to say when it has stored the deletions that it was sent, and answers
 * the same question. One question is open at a time, so many deletions are one question.
 */
export class DeletionReceipts {
  readonly #host: DeletionReceiptsHost;
  /** The last deletion that was asked for. */
  #asked = 0;
  #isWaiting = false;
  #isEnded = false;
  /** The answer to send; 0 for none. */
  #answer = 0;

  constructor(host: DeletionReceiptsHost) {
    this.#host = host;
  }

  /** The next frame. Everything about the deletions must have been sent before. */
  next(): Uint8Array | null {
    if (this.#answer > 0) {
      const answer = this.#answer;
      this.#answer = 0;
      return new FrameWriter(FrameKind.deletionsStored).number(answer).take();
    }
    const { last } = this.#host;
    if (this.#isWaiting || last <= this.#asked) return null;
    this.#asked = last;
    this.#isWaiting = true;
    return new FrameWriter(FrameKind.deletionsSent).number(last).take();
  }

  /** Takes a question or an answer of the other node. */
  onFrame(kind: number, body: FrameReader): void {
    const last = body.number();
    if (kind === FrameKind.deletionsSent) return void this.#answerLater(last);
    this.#isWaiting = false;
    // Not more than what was asked for.
    this.#host.onStored(Math.min(last, this.#asked));
  }

  /** The link has ended. */
  end(): void {
    this.#isEnded = true;
  }

  async #answerLater(last: number): Promise<void> {
    if (!await this.#host.whenStored() || this.#isEnded) return;
    this.#answer = last;
    this.#host.wake();
  }
}
