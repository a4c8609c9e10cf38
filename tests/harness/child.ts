import { DEADLINE_MS, within } from "./deadline.ts";

/** How a child process is started. */
export interface ChildOptions {
  /** Given on the standard input, which ends after it. */
  input?: string;
  /** The folder to start in. */
  cwd?: string;
  /** Variables beside those of this process. */
  env?: Record<string, string>;
}

/** What a child process left behind. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** The text of a stream as far as it has come. */
class Gathered {
  text = "";
  /** Settles when the stream ends. */
  readonly ended: Promise<void>;
  #next: PromiseWithResolvers<void> = Promise.withResolvers();
  #isEnded = false;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#gather(stream);
  }

  /** Settles when more text comes, or the stream ends. */
  get grown(): Promise<void> {
    return this.#next.promise;
  }

  /** Resolves at the first match; with `null` if the stream ends without one. */
  async match(pattern: RegExp): Promise<RegExpExecArray | null> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null || this.#isEnded) return match;
      await this.grown;
    }
  }

  async #gather(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#wake();
    }
    this.#isEnded = true;
    this.#wake();
  }

  #wake(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}

/** A process of a test's own; it never outlives the block that uses it. */
export class Child implements AsyncDisposable {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #stdout: Gathered;
  readonly #stderr: Gathered;
  readonly #finished: Promise<Deno.CommandStatus>;
  #isFinished = false;

  /** Starts `command`; its output is gathered from the first byte on. */
  constructor(command: string, args: string[], options: ChildOptions = {}) {
    const { input, ...rest } = options;
    this.#name = [command.replace(/^.*\//, ""), ...args].join(" ");
    this.#process = new Deno.Command(command, {
      args,
      ...rest,
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = new Gathered(this.#process.stdout);
    this.#stderr = new Gathered(this.#process.stderr);
    this.#finished = this.#finish(input);
  }

  /** The process's number. */
  get pid(): number {
    return this.#process.pid;
  }

  /** The standard output so far. */
  get stdout(): string {
    return this.#stdout.text;
  }

  /** The standard error output so far. */
  get stderr(): string {
    return this.#stderr.text;
  }

  /** Settles when the standard output grows or ends. */
  get grown(): Promise<void> {
    return this.#stdout.grown;
  }

  /**
   * Waits until the output holds a match of `pattern`.
   *
   * @throws {Error} If the process ends without, or takes longer than the deadline.
   */
  async waitFor(
    pattern: RegExp,
    from: "stdout" | "stderr" = "stdout",
    deadlineMs?: number,
  ): Promise<RegExpExecArray> {
    const stream = from === "stdout" ? this.#stdout : this.#stderr;
    const story = () => `${pattern} in the ${from} of ${this.#story()}`;
    const match = await within(story, stream.match(pattern), deadlineMs);
    if (match === null) throw new Error(`Ended without ${story()}`);
    return match;
  }

  /** Waits until the process has ended by itself. */
  async outcome(deadlineMs: number = DEADLINE_MS): Promise<Outcome> {
    const { code } = await within(() => `the end of ${this.#story()}`, this.#finished, deadlineMs);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** Sends a signal, unless the process has ended. */
  signal(name: Deno.Signal): void {
    if (this.#isFinished) return;
    try {
      this.#process.kill(name);
    } catch (error) {
      // It has just ended, and the promise that says so has not settled yet.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Kills the process as `kill -9` does, and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #finish(input: string | undefined): Promise<Deno.CommandStatus> {
    if (input !== undefined) await this.#feed(input);
    const status = await this.#process.status;
    this.#isFinished = true;
    await Promise.all([this.#stdout.ended, this.#stderr.ended]);
    return status;
  }

  async #feed(input: string): Promise<void> {
    const writer = this.#process.stdin.getWriter();
    try {
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    } catch (error) {
      // The process ended before it had read all: its exit code tells more than this does.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }

  #story(): string {
    const shorten = (text: string) => text.length > 2_000 ? `… ${text.slice(-2_000)}` : text;
    return `${this.#name}\nstdout: ${shorten(this.stdout)}\nstderr: ${shorten(this.stderr)}`;
  }
}
