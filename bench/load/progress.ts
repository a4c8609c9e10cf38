/** Told from time to time how far a run has come. */
export type ProgressFunction = (done: number, of: number) => void;

/** Tells nobody. */
export const noProgress: ProgressFunction = () => {};

const WIDTH = 30;
const encoder = new TextEncoder();

/** A bar on the terminal; nothing where standard error is none. */
export class ProgressBar {
  readonly #label: string;
  readonly #isShown: boolean;

  /** Says what it is that goes on. */
  constructor(label: string, isShown: boolean = Deno.stderr.isTerminal()) {
    this.#label = label;
    this.#isShown = isShown;
  }

  /** Draws the bar anew. */
  readonly show: ProgressFunction = (done, of) => {
    if (!this.#isShown) return;
    const share = of === 0 ? 1 : Math.min(1, done / of);
    const full = Math.round(share * WIDTH);
    const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
    const percent = String(Math.floor(share * 100)).padStart(3);
    this.#write(`\r${this.#label} ${bar} ${percent} %  ${done.toLocaleString("en")}\x1b[K`);
  };

  /** Wipes the bar away. */
  end(): void {
    if (this.#isShown) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(encoder.encode(text));
  }
}
