/** Lines on the terminal about the events of a broker: those that repeat are counted. */
import { type After, LogRepeats, REPEAT_WINDOW_MS } from "../admin/log_repeats.ts";
import { Line, line } from "../admin/visible.ts";

/** Prints a line. */
type Print = (text: string | Line) => void;

/** Prints lines. Of lines of one kind only the first few in a while, and then how many came more. */
export class TerminalLines {
  readonly #say: Print;
  readonly #complain: Print;
  readonly #repeats: LogRepeats<{ readonly print: Print; readonly text: string | Line }>;

  /**
   * @param after Calls a function after a time; a wait does not keep the process alive.
   * @param say Prints on the standard output.
   * @param complain Prints on the standard error output.
   */
  constructor(after: After, say: Print, complain: Print) {
    this.#say = say;
    this.#complain = complain;
    this.#repeats = new LogRepeats(after, ({ print, text }, times) => {
      print(line`Repeated ${times} times in ${REPEAT_WINDOW_MS / 1000} s: ${Line.of(text)}`);
    });
  }

  /**
   * Prints a line on the standard output.
   *
   * @param kind What makes it the same as other lines, such as the event and who it is about.
   */
  say(kind: string, text: string | Line): void {
    if (this.#repeats.takes(kind, "others", { print: this.#say, text })) this.#say(text);
  }

  /** Prints a line on the standard error output. */
  complain(kind: string, text: string | Line): void {
    if (this.#repeats.takes(kind, "faults", { print: this.#complain, text })) this.#complain(text);
  }

  /** Tells what was counted until now. */
  flush(): void {
    this.#repeats.flush();
  }
}
