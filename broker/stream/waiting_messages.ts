/** The messages of a group that wait for a member, in the order of their sequences. */
import type { PendingMessage } from "../../stream/stream_group.ts";

/** The maximum length of a piece of the list. */
const PIECE_MAX = 128;

/**
 * The messages of a group that must be sent again, or were skipped: the one with the lowest sequence
 * is first. There are at most `groupPendingMax`, and a member that goes returns many of them. So the
 * list is made of short pieces: a message is found by halving, and moves only its own piece.
 */
export class WaitingMessages {
  /** Sorted, and none of them is empty. */
  #pieces: PendingMessage[][] = [];
  #size = 0;

  /** @param messages In the order of their sequences. */
  constructor(messages: Iterable<PendingMessage> = []) {
    for (const message of messages) this.add(message);
  }

  get size(): number {
    return this.#size;
  }

  /** The messages, lowest sequence first. The list must not change meanwhile. */
  *[Symbol.iterator](): Generator<PendingMessage, void, void> {
    for (const piece of this.#pieces) yield* piece;
  }

  /** Adds a message, unless it is there already. */
  add(message: PendingMessage): void {
    const { seq } = message;
    const number = this.#pieceOf(seq);
    const piece = this.#pieces[number];
    if (piece === undefined) {
      this.#pieces.push([message]);
      this.#size++;
      return;
    }
    const index = indexOf(piece, seq);
    if (piece[index]?.seq === seq) return;
    this.#size++;
    if (piece.length < PIECE_MAX) piece.splice(index, 0, message);
    else this.#split(number, index, message);
  }

  /** Removes a message. Returns whether it was there. */
  delete(message: PendingMessage): boolean {
    const { seq } = message;
    const number = this.#pieceOf(seq);
    const piece = this.#pieces[number];
    if (piece === undefined) return false;
    const index = indexOf(piece, seq);
    if (piece[index] !== message) return false;
    this.#size--;
    if (piece.length === 1) this.#pieces.splice(number, 1);
    else piece.splice(index, 1);
    return true;
  }

  /** Adds a message to a full piece, at an index. */
  #split(number: number, index: number, message: PendingMessage): void {
    const piece = this.#pieces[number]!;
    // Messages are often added in their order. Then the pieces stay full.
    const at = index === piece.length ? index : piece.length / 2;
    const rest = piece.splice(at);
    if (index < at) piece.splice(index, 0, message);
    else rest.splice(index - at, 0, message);
    this.#pieces.splice(number + 1, 0, rest);
  }

  /** The piece that a sequence belongs to: the last one that begins with it, or before it. */
  #pieceOf(seq: number): number {
    const pieces = this.#pieces;
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (pieces[middle]![0]!.seq <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where the first message is whose sequence is not lower. */
function indexOf(piece: readonly PendingMessage[], seq: number): number {
  let low = 0;
  let high = piece.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (piece[middle]!.seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
