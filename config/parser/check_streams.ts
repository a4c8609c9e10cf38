/** Finds streams of a configuration that cannot be declared. */
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import type { Configuration, StreamConfiguration } from "../options/configuration.ts";
import type { Place, Remark } from "../errors/errors.ts";
import { limitWord } from "../options/options.ts";

/** The options that limit a stream as a whole. */
const BOUNDS = [
  "fairway_stream_max_age",
  "fairway_stream_max_bytes",
  "fairway_stream_max_messages",
] as const;

/** Finds streams that cannot be declared, though each of their options is valid. */
export function checkStreams(
  configuration: Configuration,
  problems: Remark[],
  notes: Remark[],
): void {
  const { streams, removedStreams, limits, global } = configuration;
  const byName = new Map(streams.map((stream) => [stream.name, stream]));
  const dead = new Set(streams.map(({ settings }) => settings.fairway_stream_dead));
  for (const stream of streams) checkStream(stream, byName, dead, problems);
  const forgotten = streams.find(({ settings }) => settings.fairway_stream_store === "disk");
  if (forgotten !== undefined && !global.persistence) {
    const text = "without persistence true, streams are kept in memory, and a restart forgets them";
    notes.push({ place: forgotten.place, word: "fairway_stream", text });
  }
  for (const { name, place } of removedStreams) {
    const known = byName.get(name);
    if (known === undefined) continue;
    const text = `"${name}" is declared at ${at(known.place)}: leave one of the two out`;
    problems.push({ place, word: "fairway_stream_remove", text });
  }
  const { streamsMax = DEFAULT_LIMITS.streamsMax } = limits;
  const first = streams[streamsMax];
  if (first === undefined) return;
  const text = `is one too many: ${limitWord("streamsMax")} is ${streamsMax}`;
  problems.push({ place: first.place, word: "fairway_stream", text });
}

function checkStream(
  { name, place, places, settings }: StreamConfiguration,
  byName: ReadonlyMap<string, StreamConfiguration>,
  deadNames: ReadonlySet<string | null>,
  problems: Remark[],
): void {
  const missing = (text: string) => problems.push({ place, word: "fairway_stream", text });
  if (settings.fairway_stream_topic.length === 0 && !deadNames.has(name)) {
    missing(`"${name}" needs a line such as fairway_stream_topic sensors/#`);
  }
  if (BOUNDS.every((word) => settings[word] === null)) {
    missing(`"${name}" needs a limit: a line such as fairway_stream_max_age 7d`);
  }
  if (
    settings.fairway_stream_compact === "topic" && (settings.fairway_stream_max_per_topic ?? 1) > 1
  ) {
    const word = "fairway_stream_max_per_topic";
    const text = "leave it out: fairway_stream_compact topic keeps 1 message of each";
    problems.push({ place: places.get(word)!, word, text });
  }
  const dead = settings.fairway_stream_dead;
  const reasons = "fairway_stream_dead_reason";
  if (dead === null && settings[reasons].length > 0) {
    const text = "needs a line such as fairway_stream_dead lost";
    problems.push({ place: places.get(reasons)!, word: reasons, text });
  }
  if (dead === null) return;
  const text = dead === name
    ? "is the stream itself: name another one"
    : byName.has(dead)
    ? null
    : `there is no stream "${dead}": declare it with a line fairway_stream ${dead}`;
  if (text === null) return;
  problems.push({ place: places.get("fairway_stream_dead")!, word: "fairway_stream_dead", text });
}

function at({ file, line }: Place): string {
  return `${file}:${line}`;
}
