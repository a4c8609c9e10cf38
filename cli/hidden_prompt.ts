/** Asks for a password without showing it. */
import { ask, endQuestion } from "./terminal.ts";

/** The maximum length of a password, in characters. */
const CHARACTERS_MAX = 65_535;

/**
 * Asks for a password twice, without showing it. From a pipe it reads one line, and a second one,
 * which must be equal if it exists.
 *
 * @throws {Error} If there is none, or the two differ.
 */
export async function askPassword(): Promise<string> {
  const isTyped = Deno.stdin.isTerminal();
  const input = new Input(isTyped);
  if (!isTyped) {
    const first = await input.line();
    if (first === null) throw new Error("No password on the standard input");
    const second = await input.line();
    if (second !== null && second !== "" && second !== first) throw new Error(DIFFERENT);
    return first;
  }
  Deno.stdin.setRaw(true);
  try {
    const first = await typed(input, "Password: ");
    const second = await typed(input, "Reenter password: ");
    if (first !== second) throw new Error(DIFFERENT);
    return first;
  } finally {
    Deno.stdin.setRaw(false);
  }
}

const DIFFERENT = "The passwords are different";

async function typed(input: Input, question: Parameters<typeof ask>[0]): Promise<string> {
  await ask(question);
  const password = await input.line();
  await endQuestion();
  if (password === null) throw new Error("Cancelled");
  return password;
}

/** Lines of the standard input, which is a terminal in raw mode or a pipe. */
class Input {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #isTyped: boolean;
  #characters: string[] = [];

  /** @param isTyped Whether the input is a terminal, so that control keys edit the line. */
  constructor(isTyped: boolean) {
    this.#isTyped = isTyped;
  }

  /** The next line; `null` at the end of the input, or after Ctrl-C or Ctrl-D. */
  async line(): Promise<string | null> {
    const line: string[] = [];
    for (;;) {
      const character = this.#characters.shift() ?? await this.#more();
      if (character === null) return line.length === 0 ? null : line.join("");
      if (character === "\n" || (this.#isTyped && character === "\r")) {
        return line.join("").replace(/\r$/, "");
      }
      if (!this.#isTyped) line.push(character);
      else if (character === "\x03" || character === "\x04") return null;
      else if (character === "\x15") line.length = 0;
      else if (character === "\b" || character === "\x7f") line.pop();
      else line.push(character);
      if (line.length > CHARACTERS_MAX) throw new Error("Too long for a password");
    }
  }

  /** Reads more input; `null` at its end. */
  async #more(): Promise<string | null> {
    const buffer = new Uint8Array(1024);
    while (this.#characters.length === 0) {
      const bytes = await Deno.stdin.read(buffer);
      if (bytes === null) return null;
      const text = this.#decoder.decode(buffer.subarray(0, bytes), { stream: true });
      this.#characters = [...text];
    }
    return this.#characters.shift()!;
  }
}
