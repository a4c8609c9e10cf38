/**
 * What holds for everyone who reads the stream: each message from the position on, in order, none
 * twice beyond what QoS 1 allows, none at all twice with QoS 2, none left out that is not told to be
 * gone.
 *
 * @module
 */
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import type { Ledger } from "./ledger.ts";
import type { Reading, ReadMessage } from "./reading.ts";
import type { StreamBook } from "./stream_book.ts";

/** Progress is on the disk after so long: two commits of the slowest disk, and what is between. */
const PROGRESS_MS = 250;

/** Which sequences a reading may have, and which it must have. */
interface Share {
  may(seq: number): boolean;
  must(seq: number): boolean;
}

/**
 * Checks a reading.
 *
 * @param connection The number of the connection on which it goes on in peace; `null` if it is over.
 */
export function checkReading(
  ledger: Ledger,
  book: StreamBook,
  reading: Reading,
  connection: number | null,
): void {
  new Check(ledger, book, reading).run(connection);
}

class Check {
  readonly #ledger: Ledger;
  readonly #book: StreamBook;
  readonly #reading: Reading;
  /** The sequences that match, the lowest first. */
  readonly #seqs: readonly number[];
  readonly #share: Share;
  readonly #got = new Map<number, ReadMessage>();
  /** Up to where everything was got, or is known to be gone. */
  #highest = 0;
  /** The number of the connection on which the last message came that was not sent before. */
  #connection = 0;

  constructor(ledger: Ledger, book: StreamBook, reading: Reading) {
    this.#ledger = ledger;
    this.#book = book;
    this.#reading = reading;
    this.#seqs = book.seqs.filter((seq) =>
      slowlyMatches(reading.filter, book.entries.get(seq)!.publication.topic)
    );
    this.#share = shareOf(reading, book, this.#seqs);
  }

  run(connection: number | null): void {
    const { messages } = this.#reading;
    this.#checkGap();
    let before: ReadMessage | null = null;
    let lastSeq = 0;
    for (const message of messages) {
      if (before?.connection !== message.connection) lastSeq = 0;
      const seq = this.#seqOf(message);
      if (seq === 0) continue;
      if (seq <= lastSeq) this.#fault(`got ${seq} after ${lastSeq}`);
      if (!this.#share.may(seq)) this.#fault(`got ${seq}, which is not what it asked for`);
      const earlier = this.#got.get(seq);
      if (earlier !== undefined) this.#checkAgain(seq, earlier, message);
      this.#checkBetween(seq, message);
      this.#got.set(seq, message);
      lastSeq = seq;
      before = message;
    }
    if (connection !== null) this.#checkEnd(connection);
  }

  /** SUBACK tells what is gone of what arrived since a time, and only that. */
  #checkGap(): void {
    const { version, wanted, before, after, gap } = this.#reading;
    if (version !== 5 || after === null) return;
    let [fromMs, toMs] = [Infinity, Infinity];
    if (wanted.kind === "since") fromMs = toMs = wanted.timeMs;
    else if (wanted.kind === "ago") {
      [fromMs, toMs] = [before.nowMs - wanted.ms, after.nowMs - wanted.ms];
    } else return;
    const { entries, seqs } = this.#book;
    const gone = seqs.find((seq) => seq < before.first && entries.get(seq)!.timeMs >= toMs);
    if (gone !== undefined && !(gap !== null && gap.from <= gone && gone <= gap.to)) {
      this.#fault(`was not told that ${gone} is gone`);
    }
    if (gap !== null && entries.has(gap.to) && entries.get(gap.to)!.timeMs < fromMs) {
      this.#fault(`was told that ${gap.to} is gone, which is older`);
    }
  }

  /**
   * The sequence of a message. Where there are no marks it is that of what was published; 0 if there
   * are several of it, or there may have been one that nobody has seen.
   */
  #seqOf(message: ReadMessage): number {
    const { publication, seq } = message;
    if (seq > 0) return seq;
    const [own = 0, ...others] = this.#book.seqsOf.get(publication) ?? [];
    const mayBeOther = publication.sends > 1 && this.#book.unseen.size > 0;
    if (own > 0 && others.length === 0 && !mayBeOther) return own;
    for (const one of [own, ...others]) this.#got.set(one, message);
    return 0;
  }

  /** A message comes again only if its acknowledgement may be lost, and says so. */
  #checkAgain(seq: number, earlier: ReadMessage, again: ReadMessage): void {
    const { crashedMs } = this.#ledger;
    if (earlier.qos === 2) return this.#fault(`got ${seq} again after QoS 2`);
    if (again.crashes > earlier.crashes) {
      // What was stored of the progress may be a little behind.
      const isStored = earlier.confirmedMs + PROGRESS_MS < crashedMs[again.crashes - 1]!;
      if (isStored) this.#fault(`got ${seq} again, which it had acknowledged long before`);
    } else if (again.qos === 0) this.#fault(`got ${seq} again with QoS 0`);
    else if (earlier.confirmedMs < Infinity) this.#fault(`got ${seq} again, and acknowledged it`);
    else if (!again.dup) this.#fault(`got ${seq} again without DUP`);
  }

  /** Between one message and the next lies nothing that it should have got. */
  #checkBetween(seq: number, message: ReadMessage): void {
    if (seq <= this.#highest) return;
    // QoS 0 gets lost with a connection.
    const isOther = this.#connection !== message.connection && this.#reading.isDurable;
    const mayBeLost = !this.#isKept && isOther;
    if (!mayBeLost) {
      for (const missed of this.#missed(seq)) {
        if (missed >= message.firstMost) this.#fault(`got ${seq} and never ${missed}`);
        else if (this.#reading.version === 5 && !this.#isTold(missed, message)) {
          this.#fault(`got ${seq} and never ${missed}, and was not told that it is gone`);
        }
      }
    }
    this.#highest = seq;
    // What is sent again was sent before on another one, and what followed it there may be lost.
    if (!message.dup) this.#connection = message.connection;
  }

  #checkEnd(connection: number): void {
    if (!this.#isKept && this.#reading.isDurable && this.#connection !== connection) return;
    for (const missed of this.#missed(Infinity)) {
      if (missed >= this.#book.firstMost) this.#fault(`never got ${missed}`);
    }
  }

  /** Whether everything is sent again that is not acknowledged. */
  get #isKept(): boolean {
    return !this.#reading.mayLose;
  }

  /** What it should have got in front of a sequence, and has not. */
  #missed(seq: number): number[] {
    return this.#seqs.filter((one) =>
      one > this.#highest && one < seq && this.#share.must(one) && !this.#hasGot(one)
    );
  }

  /** Without marks, nobody knows which of several copies has come. */
  #hasGot(seq: number): boolean {
    if (this.#reading.version === 5) return this.#got.has(seq);
    const { publication } = this.#book.entries.get(seq)!;
    return this.#book.seqsOf.get(publication)!.some((one) => this.#got.has(one));
  }

  #isTold(seq: number, message: ReadMessage): boolean {
    const { gap, messages } = this.#reading;
    const until = messages.indexOf(message) + 1;
    const gaps = [gap, ...messages.slice(0, until).map((one) => one.gap)];
    return gaps.some((one) => one !== null && one.from <= seq && seq <= one.to);
  }

  #fault(text: string): void {
    const { reader, key, position, identifiers } = this.#reading;
    const of = [...identifiers].join(" ");
    this.#ledger.fault(`${reader}, reading ${key} at ${position} (${of}), ${text}`);
  }
}

/** What lies from the position on; where nobody can know exactly, what may and what must. */
function shareOf(reading: Reading, book: StreamBook, seqs: readonly number[]): Share {
  const { wanted, before, after } = reading;
  const timeOf = (seq: number) => book.entries.get(seq)!.timeMs;
  const between = (low: number, high: number): Share => ({
    may: (seq) => seq >= low,
    must: (seq) => seq >= high,
  });
  const end = after ?? { first: Infinity, last: Infinity, nowMs: Infinity };
  switch (wanted.kind) {
    case "earliest":
      return between(before.first, end.first);
    case "latest":
      return between(before.last + 1, end.last + 1);
    case "from":
      return between(wanted.seq, after === null ? Infinity : wanted.seq);
    case "since": {
      const may = (seq: number) => timeOf(seq) >= wanted.timeMs;
      return { may, must: (seq) => seq >= end.first && may(seq) };
    }
    case "ago":
      return {
        may: (seq) => timeOf(seq) >= before.nowMs - wanted.ms,
        must: (seq) => seq >= end.first && timeOf(seq) >= end.nowMs - wanted.ms,
      };
    case "last": {
      const from = (last: number) => seqs.filter((seq) => seq <= last).at(-wanted.count);
      const high = after === null ? Infinity : Math.max(after.first, from(after.last) ?? 0);
      return between(from(before.stored) ?? 0, high);
    }
    case "last-per-topic": {
      const topicOf = (seq: number) => book.entries.get(seq)!.publication.topic;
      const isAmongLast = (seq: number, last: number) =>
        seqs.filter((one) => one > seq && one <= last && topicOf(one) === topicOf(seq)).length <
          wanted.count;
      return {
        may: (seq) => seq > before.stored || isAmongLast(seq, before.stored),
        must: (seq) =>
          after !== null && (seq > after.last || isAmongLast(seq, after.last)) &&
          seq >= end.first,
      };
    }
  }
}
