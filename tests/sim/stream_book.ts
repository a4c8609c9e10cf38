import type { Ledger, Publication } from "./ledger.ts";

/** A message of the stream, as everyone must see it who sees it at all. */
export interface Entry {
  readonly publication: Publication;
  /** When it arrived, in milliseconds since 1970; `NaN` if nobody was told. */
  timeMs: number;
}

/** Where the stream begins and ends at a moment. */
export interface Ends {
  readonly first: number;
  readonly last: number;
  /** Up to where somebody has read it: the disk has all of that. */
  readonly stored: number;
  /** The time of the wall clock, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** What anyone has seen of the stream: a sequence belongs to one message for ever. */
export class StreamBook {
  readonly entries = new Map<number, Entry>();
  /** The sequences of each message, in their order: what is sent again may be there again. */
  readonly seqsOf = new Map<Publication, number[]>();
  /** Sequences that were gone before the program could read them. */
  readonly unseen = new Set<number>();
  /** What the program was told that the disk holds. */
  readonly promised: { seq: number; publication: Publication }[] = [];
  /** The highest sequence that the stream has ever begun with. */
  firstMost = 1;
  /** The highest sequence that the program has read. */
  read = 0;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Somebody has got a message. */
  observe(who: string, seq: number, publication: Publication, timeMs: number): void {
    const known = this.entries.get(seq);
    if (known === undefined) {
      this.entries.set(seq, { publication, timeMs });
      const seqs = this.seqsOf.get(publication) ?? [];
      seqs.push(seq);
      this.seqsOf.set(publication, seqs.sort((a, b) => a - b));
      return;
    }
    if (known.publication !== publication) {
      this.#ledger.fault(
        `${who} got #${publication.id} with sequence ${seq}, which is #${known.publication.id}`,
      );
    }
    if (!(known.timeMs === timeMs)) {
      this.#ledger.fault(`${who} got sequence ${seq} of ${timeMs}, which is of ${known.timeMs}`);
    }
  }

  /** The stream begins with a sequence now. */
  begins(first: number): void {
    this.firstMost = Math.max(this.firstMost, first);
  }

  /** Every sequence that anyone has seen, in order. */
  get seqs(): readonly number[] {
    return [...this.entries.keys()].sort((a, b) => a - b);
  }
}
