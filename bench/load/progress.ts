/** Called from time to time with the progress of a run. */
export type ProgressFunction = (done: number, of: number) => void;

/** Reports nothing. */
export const noProgress: ProgressFunction = () => {};

const WIDTH = 30;
const encoder = new TextEncoder();

/** A progress bar on the terminal; nothing if standard error is not a terminal. */
export class ProgressBar {
  readonly #label: string;
  readonly #isShown: boolean;

  /** Creates a bar with a label. */
  constructor(label: string, isShown: boolean = Deno.stderr.isTerminal()) {
    this.#label = label;
    this.#isShown = isShown;
  }

  /** Draws the bar again. */
  readonly show: ProgressFunction = (done, of) => {
    if (!this.#isShown) return;
    const share = of === 0 ? 1 : Math.min(1, done / of);
    const full = Math.round(share * WIDTH);
    const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
    const percent = String(Math.floor(share * 100)).padStart(3);
    this.#write(`\r${this.#label} ${bar} ${percent} %  ${done.toLocaleString("en")}\x1b[K`);
  };

  /** Removes the bar. */
  end(): void {
    if (this.#isShown) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(encoder.encode(text));
  }
}
