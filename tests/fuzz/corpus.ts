import type { Random } from "../harness/random.ts";
import { formatCase, type FuzzCase, parseCase } from "./fuzz_case.ts";

/** How many cases are kept in files, and how many bytes they may have together. */
const FILES_MAX = 300;
const FILE_BYTES_MAX = 8000;
const TOTAL_BYTES_MAX = 1_000_000;
/** How many cases are kept in memory to be changed. */
const CASES_MAX = 5000;

/** A case that has shown something, and what. */
interface Entry {
  readonly fuzzCase: FuzzCase;
  readonly features: ReadonlySet<string>;
}

/** The cases that have shown something new. */
export class Corpus {
  readonly #entries: Entry[] = [];
  readonly #features = new Set<string>();

  /** How many cases are kept, and how many features they have shown. */
  get size(): { cases: number; features: number } {
    return { cases: this.#entries.length, features: this.#features.size };
  }

  /** Takes a case in if it has shown something that none before has. */
  offer(fuzzCase: FuzzCase, features: ReadonlySet<string>): boolean {
    const isNew = [...features].some((feature) => !this.#features.has(feature));
    if (!isNew || this.#entries.length >= CASES_MAX) return false;
    for (const feature of features) this.#features.add(feature);
    this.#entries.push({ fuzzCase, features });
    return true;
  }

  /** One of the cases; late ones, which show what is rare, as often as not. */
  pick(random: Random): FuzzCase | null {
    const count = this.#entries.length;
    if (count === 0) return null;
    const from = random.chance(0.5) ? Math.floor(count * 0.8) : 0;
    return this.#entries[random.integer(from, count - 1)]!.fuzzCase;
  }

  /** The fewest cases, more or less, that show everything there is to be seen. */
  essence(): FuzzCase[] {
    const left = new Set(this.#features);
    const texts = new Map(this.#entries.map((entry) => [entry, formatCase(entry.fuzzCase).length]));
    const pool = this.#entries.filter((entry) => texts.get(entry)! <= FILE_BYTES_MAX);
    const chosen: FuzzCase[] = [];
    let bytes = 0;
    while (left.size > 0 && chosen.length < FILES_MAX) {
      const worth = (entry: Entry) =>
        [...entry.features].filter((one) => left.has(one)).length / (300 + texts.get(entry)!);
      const best = pool.reduce<[Entry | null, number]>((top, entry) => {
        const value = worth(entry);
        return value > top[1] ? [entry, value] : top;
      }, [null, 0])[0];
      if (best === null) break;
      bytes += texts.get(best)!;
      if (bytes > TOTAL_BYTES_MAX) break;
      for (const feature of best.features) left.delete(feature);
      chosen.push(best.fuzzCase);
    }
    return chosen;
  }
}

/** Reads every case of a folder; there may be none. */
export async function readCases(folder: URL): Promise<FuzzCase[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".txt")) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const texts = names.sort().map((name) => Deno.readTextFile(new URL(name, folder)));
  return (await Promise.all(texts)).map(parseCase);
}

/** Puts cases in the place of all that a folder holds. */
export async function writeCases(folder: URL, cases: readonly FuzzCase[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".txt")) await Deno.remove(new URL(name, folder));
  }
  for (const fuzzCase of cases) {
    const text = formatCase(fuzzCase);
    await Deno.writeTextFile(new URL(`${await nameOf(text)}.txt`, folder), text);
  }
}

/** A name for a text: the beginning of its hash. */
export async function nameOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex().slice(0, 16);
}
