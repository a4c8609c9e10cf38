/**
 * Writes lines to syslog through the program `logger`, because the runtime has no stable API for
 * the socket of syslog.
 *
 * @module
 */
import type { LogFile } from "../admin/operator_log.ts";

/** Bytes of lines that wait for `logger`. Further lines are dropped and counted. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** A running `logger`, which takes lines that begin with their priority, as `<29>`. */
export class SyslogProcess implements LogFile {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #waitingBytes = 0;
  #dropped = 0;

  /** @throws If `logger` cannot be started. */
  constructor() {
    const command = new Deno.Command("logger", {
      args: ["--tag", "fairway", "--prio-prefix"],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    });
    this.#process = command.spawn();
    // A server that ends must not wait for it.
    this.#process.unref();
    this.#writer = this.#process.stdin.getWriter();
  }

  write(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      const text = `<28>${this.#dropped} lines of the log were dropped: syslog is too slow\n`;
      this.#dropped = 0;
      this.#put(this.#encoder.encode(text));
    }
    this.#put(bytes);
  }

  close(): void {
    // It writes what it has been given, and ends. If it has ended already, there is nothing to do.
    this.#writer.close().catch(() => {});
  }

  #put(bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    const over = () => {
      this.#waitingBytes -= bytes.length;
    };
    this.#writer.write(bytes).then(over, over);
  }
}
