/**
 * The streams that `server.ts` is told to keep, by `--stream NAME=FILTER`.
 *
 * @module
 */
import type { Broker } from "../mod.ts";
import { FlagError } from "./server_flags.ts";

/** How long such a stream keeps messages, in milliseconds, and how many bytes of them. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;
const MAX_BYTES = 2 ** 30;

/** Flags of one name are one stream with several filters. */
function streamsOf(flags: readonly string[]): Map<string, string[]> {
  const streams = new Map<string, string[]>();
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    if (equals < 1 || equals === flag.length - 1) {
      throw new FlagError(`--stream needs NAME=FILTER, such as day=sensors/#, not "${flag}"`);
    }
    const [name, filter] = [flag.slice(0, equals), flag.slice(equals + 1)];
    streams.set(name, [...streams.get(name) ?? [], filter]);
  }
  return streams;
}

/**
 * Declares the streams, and says which others the store has.
 *
 * @param flags What `--stream` was given.
 * @param inform Told of each stream, in one line.
 * @throws {FlagError} If one cannot be declared; says what would be right.
 */
export async function declareStreams(
  broker: Broker,
  flags: readonly string[],
  inform: (text: string) => void,
): Promise<void> {
  for (const [name, filters] of streamsOf(flags)) {
    const limits = { maxAgeMs: MAX_AGE_MS, maxBytes: MAX_BYTES };
    const stream = await broker.declareStream({ name, filters, ...limits }).catch((error) => {
      throw error instanceof RangeError ? new FlagError(`--stream: ${error.message}`) : error;
    });
    const from = stream.messages === 0 ? "empty" : `messages ${stream.first} to ${stream.last}`;
    inform(`Stream ${name}: ${filters.join(", ")}; 7 days, 1 GiB; ${from}`);
  }
  for (const name of broker.streams.undeclared) {
    inform(`Stream ${name} is not declared any more: it keeps what it has, and takes nothing`);
  }
}
