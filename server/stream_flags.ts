/**
 * The streams that `server.ts` is told to keep, by `--stream NAME=FILTER`.
 *
 * @module
 */
import { declarationOf } from "../broker/stream/stream_options.ts";
import type { StreamOptions } from "../mod.ts";
import { streamNameFault } from "../stream/stream_name.ts";
import { FlagError } from "../cli/flag_error.ts";

/** How long such a stream keeps messages, in milliseconds, and how many bytes of them. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;
const MAX_BYTES = 2 ** 30;

/**
 * Reads the flags: those of one name are one stream with several filters.
 *
 * @throws {FlagError} If one is none; says what would be right.
 */
export function streamsOf(flags: readonly string[]): StreamOptions[] {
  const streams = new Map<string, string[]>();
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    if (equals < 1 || equals === flag.length - 1) {
      throw new FlagError(`--stream needs NAME=FILTER, such as day=sensors/#, not "${flag}"`);
    }
    const [name, filter] = [flag.slice(0, equals), flag.slice(equals + 1)];
    streams.set(name, [...streams.get(name) ?? [], filter]);
  }
  return [...streams].map(([name, filters]) => {
    const options = { name, filters, maxAgeMs: MAX_AGE_MS, maxBytes: MAX_BYTES };
    const fault = streamNameFault(name) ?? faultOf(options);
    if (fault !== null) throw new FlagError(`--stream: ${fault}`);
    return options;
  });
}

function faultOf(options: StreamOptions): string | null {
  try {
    declarationOf(options);
    return null;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
