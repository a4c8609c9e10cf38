/** The payloads that `pub` publishes, from arguments, files or stdin. */
import { concat } from "@std/bytes";
import { FlagError } from "./flag_error.ts";
import { reasonOf } from "./tls_flags.ts";

/** The source of the messages of `pub.ts`. */
export type PayloadSource =
  | { readonly kind: "message"; readonly payload: Uint8Array }
  | { readonly kind: "file"; readonly path: string }
  /** The whole standard input as one message. */
  | { readonly kind: "stdin" }
  /** Each line of the standard input as a message. */
  | { readonly kind: "lines" };

const NEWLINE = 0x0a;

/**
 * The payloads, one after the other.
 *
 * @param repeat The number of repetitions of each payload; lines are not repeated.
 * @param input The standard input.
 * @throws {FlagError} If the file cannot be read.
 */
export async function* payloadsOf(
  source: PayloadSource,
  repeat: number,
  input: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (source.kind === "lines") return yield* linesOf(input);
  const payload = await payloadOf(source, input);
  for (let count = 0; count < repeat; count++) yield payload;
}

/** Splits bytes into lines. The last line needs no line break. */
export async function* linesOf(input: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array[] = [];
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield concat([...begun, chunk.subarray(start, end)]);
      begun = [];
      start = end + 1;
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
  }
  if (begun.length > 0) yield concat(begun);
}

async function payloadOf(
  source: Exclude<PayloadSource, { kind: "lines" }>,
  input: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  if (source.kind === "message") return source.payload;
  if (source.kind === "stdin") return concat(await Array.fromAsync(input));
  try {
    return await Deno.readFile(source.path);
  } catch (error) {
    throw new FlagError(`-f cannot read ${source.path}: ${reasonOf(error)}`, { cause: error });
  }
}
