/**
 * Fuzzes in a thread of its own, so that whoever watches can tell when it hangs.
 *
 * @module
 */
import { Campaign } from "./campaign.ts";
import { readCases, writeCases } from "./corpus.ts";
import { formatCase } from "./fuzz_case.ts";

/** What the thread is told at first. */
export interface Orders {
  readonly seed: number;
  readonly inputs: number;
  readonly ms: number;
  /** The folder with the cases to begin with. */
  readonly corpus: string;
  /** Where the case that is run is written down, as text with a zero at its end: it may hang. */
  readonly board: SharedArrayBuffer;
  /** Whether the folder is to hold what was learnt, in the end. */
  readonly keeps: boolean;
}

/** What it tells every now and then. */
export interface Progress {
  readonly cases: number;
  readonly inputs: number;
  readonly kept: number;
  readonly features: number;
  readonly isOver: boolean;
  readonly findings: readonly { fault: string; count: number; text: string }[];
}

/** How often it tells how it is going, in milliseconds. */
const REPORT_MS = 500;

const thread = self as unknown as {
  onmessage: (event: MessageEvent<Orders>) => void;
  postMessage(progress: Progress): void;
  addEventListener(
    type: "unhandledrejection",
    listener: (event: PromiseRejectionEvent) => void,
  ): void;
};

thread.onmessage = ({ data }) => void work(data);

async function work({ seed, inputs, ms, corpus, board, keeps }: Orders): Promise<void> {
  // Each of a million errors would have its trace written down.
  Error.stackTraceLimit = 4;
  const folder = new URL(corpus);
  const bytes = new Uint8Array(board);
  let reportMs = 0;
  const campaign = new Campaign(seed, (fuzzCase) => {
    const text = new TextEncoder().encode(formatCase(fuzzCase)).subarray(0, bytes.length - 1);
    bytes.set(text);
    bytes[text.length] = 0;
    if (performance.now() < reportMs) return;
    reportMs = performance.now() + REPORT_MS;
    report(campaign, false);
  });
  thread.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    campaign.unhandled(event.reason);
  });
  const endMs = performance.now() + ms;
  await campaign.replay(await readCases(folder));
  while (performance.now() < endMs && campaign.inputs < inputs) {
    await campaign.next();
  }
  if (keeps && campaign.findings.size === 0) await writeCases(folder, campaign.corpus.essence());
  report(campaign, true);
}

function report({ cases, inputs, corpus, findings }: Campaign, isOver: boolean): void {
  const found = [...findings.values()].map(({ fault, count, fuzzCase }) => ({
    fault,
    count,
    text: formatCase(fuzzCase),
  }));
  const { cases: kept, features } = corpus.size;
  thread.postMessage({ cases, inputs, kept, features, isOver, findings: found });
}
