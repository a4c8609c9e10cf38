/**
 * What holds for the stream itself: each promised message is in it, once for each time that it may
 * have arrived, in the order of its publisher, and no sequence is given twice.
 *
 * @module
 */
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import type { Ledger, Publication } from "./ledger.ts";
import { NEVER } from "./ledger.ts";
import type { StreamBook } from "./stream_book.ts";
import type { StreamPlan } from "./stream_plan.ts";
import type { Allowances } from "./check.ts";

/** Checks what everyone has seen of the stream against what was published. */
export function checkStream(
  ledger: Ledger,
  book: StreamBook,
  plan: StreamPlan,
  allowances: Allowances,
): void {
  const fault = (text: string) => ledger.fault(`the stream ${text}`);
  checkTimes(book, fault);
  for (const { seq, publication } of book.promised) {
    const entry = book.entries.get(seq);
    if (entry === undefined ? !book.unseen.has(seq) : entry.publication !== publication) {
      fault(`does not have #${publication.id} at ${seq}, as was promised`);
    }
  }
  const last = new Map<string, { id: number; seq: number }>();
  for (const publication of ledger.publications) {
    if (publication.sends === 0) continue;
    const seqs = book.seqsOf.get(publication) ?? [];
    if (!isIn(plan, publication)) {
      if (seqs.length > 0) fault(`has #${publication.id} to ${publication.topic}`);
      continue;
    }
    checkCopies(publication, seqs, allowances, fault);
    const isDue = publication.qos > 0
      ? publication.ackedAt !== NEVER && !publication.isRefused
      : ledger.crashes === 0 && publication.connection!.endedAt === NEVER;
    // What was gone before anybody saw it may be anything.
    if (isDue && seqs.length === 0 && book.unseen.size === 0) {
      fault(`does not have #${publication.id} to ${publication.topic}, QoS ${publication.qos}`);
    }
    // What was gone, or refused, may be there only as it was sent again.
    const mayLackFirst = allowances.mayRefuse || book.unseen.size > 0;
    if (publication.sends === 1 || !mayLackFirst) checkOrder(publication, seqs[0], last, fault);
  }
}

function isIn({ filters, exclude }: StreamPlan, { topic }: Publication): boolean {
  const matches = (filter: string) => slowlyMatches(filter, topic);
  return filters.some(matches) && !exclude.some(matches);
}

/** Times never go back. */
function checkTimes(book: StreamBook, fault: (text: string) => void): void {
  let before = 0;
  for (const seq of book.seqs) {
    const { timeMs } = book.entries.get(seq)!;
    if (timeMs < before) fault(`has ${seq} of ${timeMs}, after ${before}`);
    before = timeMs;
  }
}

function checkCopies(
  publication: Publication,
  seqs: readonly number[],
  { hasCrashed }: Allowances,
  fault: (text: string) => void,
): void {
  const { id, topic, qos, sends } = publication;
  const isWill = topic.startsWith("will/");
  const most = hasCrashed && isWill ? Infinity : qos === 1 || hasCrashed ? sends : 1;
  if (seqs.length > most) fault(`has #${id} to ${topic}, QoS ${qos}, ${seqs.length} times`);
}

/** Messages of one publisher to one topic with one QoS are there in their order [MQTT-4.6.0-5]. */
function checkOrder(
  { id, publisher, topic, qos }: Publication,
  seq: number | undefined,
  last: Map<string, { id: number; seq: number }>,
  fault: (text: string) => void,
): void {
  if (seq === undefined || topic.startsWith("will/")) return;
  const key = `${publisher} ${qos} ${topic}`;
  const before = last.get(key);
  if (before !== undefined && before.seq > seq) {
    fault(`has #${id} at ${seq}, behind which is #${before.id}, at ${before.seq}`);
  }
  last.set(key, { id, seq });
}
