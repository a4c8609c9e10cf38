import { Random } from "../harness/random.ts";
import { Corpus } from "./corpus.ts";
import { countInputs, type FuzzCase } from "./fuzz_case.ts";
import { changedCase, newCase } from "./generate.ts";
import { minimise } from "./minimise.ts";
import { runCase } from "./run_case.ts";

/** How often a case is made up, instead of one of the corpus being changed. */
const NEW_CHANCE = 0.4;
/** How many kinds of faults are looked into. */
const FINDINGS_MAX = 20;

/** Something that is wrong with the broker. */
export interface Finding {
  /** What. */
  readonly fault: string;
  /** The smallest case that shows it. */
  readonly fuzzCase: FuzzCase;
  /** How often it was found. */
  count: number;
}

/** Runs case after case, from a seed. */
export class Campaign {
  readonly corpus: Corpus = new Corpus();
  readonly findings: Map<string, Finding> = new Map();
  inputs = 0;
  cases = 0;
  readonly #random: Random;
  readonly #begins: (fuzzCase: FuzzCase) => void;
  #unhandled: string[] = [];

  /** @param begins Told of each case before it is run. */
  constructor(seed: number, begins: (fuzzCase: FuzzCase) => void = () => {}) {
    this.#begins = begins;
    this.#random = new Random(seed);
  }

  /** Hears of a promise that nobody has waited for. */
  unhandled(reason: unknown): void {
    this.#unhandled.push(`unhandled rejection: ${textOf(reason)}`);
  }

  /** Runs the cases of an earlier corpus. */
  async replay(cases: readonly FuzzCase[]): Promise<void> {
    for (const fuzzCase of cases) await this.#try(fuzzCase);
  }

  /** Runs one more case. */
  async next(): Promise<void> {
    const random = this.#random;
    const one = random.chance(NEW_CHANCE) ? null : this.corpus.pick(random);
    const fuzzCase = one === null
      ? newCase(random)
      : changedCase(random, one, this.corpus.pick(random)!);
    await this.#try(fuzzCase);
  }

  async #try(fuzzCase: FuzzCase): Promise<void> {
    this.cases++;
    this.inputs += countInputs(fuzzCase.steps);
    const { faults, features } = await this.#run(fuzzCase);
    if (faults.length === 0) this.corpus.offer(fuzzCase, features);
    else await this.#found(fuzzCase, faults[0]!);
  }

  async #run(fuzzCase: FuzzCase): Promise<{ faults: string[]; features: ReadonlySet<string> }> {
    this.#begins(fuzzCase);
    this.#unhandled = [];
    const { faults, features } = await runCase(fuzzCase);
    return { faults: [...this.#unhandled, ...faults], features };
  }

  async #found(fuzzCase: FuzzCase, fault: string): Promise<void> {
    const kind = kindOf(fault);
    const known = this.findings.get(kind);
    if (known !== undefined) known.count++;
    if (known !== undefined || this.findings.size >= FINDINGS_MAX) return;
    const isSame = async (smaller: FuzzCase) =>
      (await this.#run(smaller)).faults.some((one) => kindOf(one) === kind);
    const smallest = await minimise(fuzzCase, isSame);
    this.findings.set(kind, { fault, fuzzCase: smallest, count: 1 });
  }
}

/** What makes two faults the same: where it happened, and not how much of what. */
function kindOf(fault: string): string {
  return fault.split("\n").slice(0, 3).join("\n").replaceAll(/\d+ of at most \d+/g, "too many");
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.stack ?? reason.message : String(reason);
}
