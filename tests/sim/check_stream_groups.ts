/**
 * What holds for a group that reads the stream: each message is given to one member at a time, again
 * only if its answer may be lost, and in the end it is acknowledged, or dead, or gone.
 *
 * @module
 */
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import { connectionKey, type Given, type GroupBook, isRefused } from "./group_book.ts";
import type { GroupsPlan } from "./group_plan.ts";
import type { Ledger } from "./ledger.ts";
import type { StreamBook } from "./stream_book.ts";

/** Progress is on the disk after so long: two commits of the slowest disk, and what is between. */
const PROGRESS_MS = 250;

/** Checks all that the members of a group were given. */
export function checkGroup(
  ledger: Ledger,
  book: StreamBook,
  groups: GroupsPlan,
  group: GroupBook,
): void {
  new Check(ledger, book, groups, group).run();
}

class Check {
  readonly #ledger: Ledger;
  readonly #book: StreamBook;
  readonly #groups: GroupsPlan;
  readonly #group: GroupBook;

  constructor(ledger: Ledger, book: StreamBook, groups: GroupsPlan, group: GroupBook) {
    this.#ledger = ledger;
    this.#book = book;
    this.#groups = groups;
    this.#group = group;
  }

  run(): void {
    const bySeq = Map.groupBy(this.#group.given, ({ seq }) => seq);
    bySeq.delete(0);
    for (const [seq, given] of bySeq) this.#checkAgain(seq, given);
    this.#checkLetters(bySeq);
    this.#checkProgress();
    if (this.#group.plan.isExclusive) this.#checkOrder();
    this.#checkComplete(bySeq);
  }

  /** A message is given again only if nobody has it any more, and nobody has answered it. */
  #checkAgain(seq: number, given: readonly Given[]): void {
    for (const [i, again] of given.entries()) {
      for (const earlier of given.slice(0, i)) {
        if (this.#isDone(earlier, again)) {
          this.#fault(`${again.member} got ${seq} again, which ${earlier.member} had answered`);
        }
        const alive = this.#group.aliveMs.get(connectionKey(earlier)) ?? -1;
        const isOther = connectionKey(earlier) !== connectionKey(again);
        // Nor may two connections have it at once.
        if (isOther && earlier.answer === null && alive > again.atMs) {
          this.#fault(`${again.member} got ${seq}, which ${earlier.member} had`);
        }
      }
    }
  }

  /** Whether the broker had an answer for good when it gave a message again, or buried it. */
  #isDone(
    earlier: Given,
    later:
      & Pick<Given, "crashes" | "openedMs">
      & Partial<Pick<Given, "member" | "connection" | "atMs">>,
  ): boolean {
    const { crashedMs } = this.#ledger;
    // What was to be a dead letter may have had to wait.
    if (earlier.answer === null || earlier.qos === 0) return false;
    if (later.crashes > earlier.crashes) {
      const isStored = earlier.confirmedMs + PROGRESS_MS < crashedMs[earlier.crashes]!;
      return earlier.answer === 0 && isStored;
    }
    const isSame = earlier.member === later.member && earlier.connection === later.connection;
    // What it was sent before may still be on its way.
    return earlier.confirmedMs < (isSame ? later.atMs! : later.openedMs);
  }

  #checkLetters(bySeq: ReadonlyMap<number, readonly Given[]>): void {
    const { plan, letters } = this.#group;
    const seen = new Set<number>();
    for (const letter of letters) {
      const { seq, publication, reason, count } = letter;
      const entry = this.#book.entries.get(seq);
      const fault = (text: string) => this.#fault(`dead letter of ${seq} ${text}`);
      if (seen.has(seq)) fault("is there twice");
      seen.add(seq);
      if (entry?.publication !== publication && !this.#book.unseen.has(seq)) {
        fault(`is #${publication?.id}, and not #${entry?.publication.id}`);
      }
      if (reason === "refused") {
        if (publication === undefined || !isRefused(plan, publication)) fault("was never refused");
      } else if (reason !== "max-deliver") fault(`is there because of ${reason}`);
      else if (count < this.#groups.maxDeliver) fault(`is there after ${count} deliveries`);
      for (const given of bySeq.get(seq) ?? []) {
        const acknowledged = { crashes: letter.crashes, openedMs: letter.seenMs };
        if (given.answer === 0 && this.#isDone(given, acknowledged)) {
          fault(`was acknowledged by ${given.member}`);
        }
        if (given.openedMs > letter.seenMs) fault(`was given to ${given.member} afterwards`);
      }
    }
  }

  /**
   * Progress never goes back. In a crash it may: over messages that do not match, and over those
   * whose answers were not on the disk, which are looked at one by one.
   */
  #checkProgress(): void {
    let most = 0;
    let crashes = 0;
    for (const { floor, crashes: now } of this.#group.progress) {
      if (now > crashes) most = 0;
      if (floor < most) this.#fault(`goes back from ${most} to ${floor}`);
      most = Math.max(most, floor);
      crashes = now;
    }
  }

  /** One member at a time gets everything, in order. */
  #checkOrder(): void {
    const last = new Map<string, number>();
    for (const given of this.#group.given) {
      const key = connectionKey(given);
      if (given.seq === 0 || this.#group.unordered.has(key)) continue;
      const before = last.get(key) ?? 0;
      if (given.seq <= before) this.#fault(`${given.member} got ${given.seq} after ${before}`);
      last.set(key, given.seq);
    }
  }

  /** What was not answered in the end was lost. */
  #checkComplete(bySeq: ReadonlyMap<number, readonly Given[]>): void {
    const { plan, after, before, given, letters } = this.#group;
    if (after === null) return;
    const buried = new Set(letters.map(({ seq }) => seq));
    // With QoS 0 what was sent may be lost, and nobody knows.
    const isLoose = plan.members.some(({ qos }) => qos === 0);
    const isFromStart = plan.position === "earliest" || plan.position === "after=0";
    // Without marks nobody knows which of several copies has come.
    const answered = new Set(
      given.filter((one) => one.answer !== null).map((one) => one.publication),
    );
    const unmarked = new Set(given.filter(({ seq }) => seq === 0).map((one) => one.publication));
    for (const seq of this.#book.seqs) {
      const { publication } = this.#book.entries.get(seq)!;
      if (!slowlyMatches(plan.filter, publication.topic)) continue;
      const isDue = seq >= this.#book.firstMost && (isFromStart || seq > after.last);
      const own = bySeq.get(seq) ?? [];
      if (own.length > 0 && plan.position === "latest" && seq <= before!.last) {
        this.#fault(`got ${seq}, which was there before it`);
      }
      if (!isDue || isLoose || buried.has(seq)) continue;
      const isAnswered = own.some(({ answer }) => answer !== null) ||
        (unmarked.has(publication) && answered.has(publication));
      if (!isAnswered) this.#fault(`never got ${seq}, #${publication.id}`);
      else if (
        this.#groups.hasDead && unmarked.size === 0 && own.every(({ answer }) => answer !== 0)
      ) this.#fault(`has refused ${seq}, which is no dead letter`);
    }
  }

  #fault(text: string): void {
    this.#ledger.fault(`group ${this.#group.plan.name}: ${text}`);
  }
}
