/**
 * What streams cost beside the replay of `bench/replay.ts`:
 *
 * - `readers`: the memory of 1,000 readers at 1,000 positions;
 * - `ping`: how long a message takes to its subscriber, alone and while a stream is read;
 * - `month`: what a month of traffic leaves on the disk and in memory, by each limit.
 *
 *     deno task bench:streams [readers] [ping] [month] [--draw]
 *
 * With `--draw`, `month` is drawn in docs/img/streams-month.svg.
 *
 * @module
 */
import { readCommandLine, refuse } from "../tests/harness/command_line.ts";
import { month } from "./streams/month.ts";
import { ping } from "./streams/ping.ts";
import { readers } from "./streams/readers.ts";

if (import.meta.main) {
  const parts = { readers, ping, month };
  const { _: words, draw = false } = readCommandLine(Deno.args, {
    switches: ["draw"],
    wordsMax: 3,
  });
  const unknown = words.find((word) => !Object.hasOwn(parts, word));
  if (unknown !== undefined) refuse(`Unknown part: ${unknown} (readers, ping or month)`);
  for (const part of words.length > 0 ? words : Object.keys(parts)) {
    // deno-lint-ignore no-console
    for (const line of await parts[part as keyof typeof parts](draw)) console.log(line);
  }
}
