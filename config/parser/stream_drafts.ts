/** The streams of a configuration while its lines are read. */
import type { StreamOptions } from "../../broker/stream/stream_options.ts";
import { DELIVERIES_MAX, streamFilterFault } from "../../broker/stream/stream_options.ts";
import type { NamedPlace, StreamConfiguration } from "../options/configuration.ts";
import type { Line } from "./lexer.ts";
import { type Report, Section } from "./section.ts";
import { STREAM_OPTIONS, streamName, type StreamValues } from "../options/stream_words.ts";

/** The streams of a configuration while its lines are read. */
export class StreamDrafts {
  readonly #report: Report;
  readonly #drafts: StreamDraft[] = [];
  readonly #removed: NamedPlace[] = [];
  /** The stream that options belong to; `null` in front of the first one of a file. */
  #current: StreamDraft | null = null;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Begins another file. Returns what ends it. */
  file(): () => void {
    const current = this.#current;
    this.#current = null;
    return () => void (this.#current = current);
  }

  /** Reads `fairway_stream NAME`. */
  begin(line: Line): void {
    const name = this.#name(line);
    const known = this.#drafts.find((draft) => name !== null && draft.name === name);
    if (known !== undefined) {
      const { file, line: number } = known.line.place;
      this.#report.problem(line, `"${name}" was given already at ${file}:${number}`);
    }
    // The options after a line with a fault still belong to it.
    this.#current = new StreamDraft(name ?? "", line, this.#report);
    if (name !== null && known === undefined) this.#drafts.push(this.#current);
  }

  /** Reads an option of a stream. */
  take(line: Line, word: string): void {
    if (this.#current !== null) return this.#current.take(line, word);
    this.#report.problem(line, "needs a stream: put a line such as fairway_stream day before it");
  }

  /** Reads `fairway_stream_remove NAME`. */
  remove(line: Line): void {
    const name = this.#name(line);
    if (name !== null) this.#removed.push({ name, place: line.place });
  }

  /** The streams that were given. */
  get streams(): readonly StreamConfiguration[] {
    return this.#drafts.map((draft) => draft.finish());
  }

  /** The streams that are to be removed. */
  get removed(): readonly NamedPlace[] {
    return this.#removed;
  }

  #name(line: Line): string | null {
    const given = line.value === "" ? "nothing" : `"${line.value}"`;
    const name = streamName.parse(line.value.replace(/\s+#.*$/, ""));
    if (name !== undefined) return name;
    this.#report.problem(line, `expects ${streamName.expects}, not ${given}`);
    return null;
  }
}

/** A stream while its options are read. */
class StreamDraft {
  readonly #settings: Section<typeof STREAM_OPTIONS>;
  readonly #report: Report;

  constructor(readonly name: string, readonly line: Line, report: Report) {
    this.#report = report;
    this.#settings = new Section(STREAM_OPTIONS, report);
  }

  take(line: Line, word: string): void {
    const isFilter = word === "fairway_stream_topic" || word === "fairway_stream_exclude";
    const fault = isFilter && line.value !== "" ? streamFilterFault(line.value) : null;
    if (fault !== null) return this.#report.problem(line, `"${line.value}": ${fault}`);
    this.#settings.take(line, word);
  }

  finish(): StreamConfiguration {
    const settings = this.#settings.values();
    const { line: { place }, name } = this;
    return { name, place, places: this.#settings.places, settings };
  }
}

/** A stream of a configuration as the broker is told of it. */
export function streamOptionsOf({ name, settings }: StreamConfiguration): StreamOptions {
  const {
    fairway_stream_topic: filters,
    fairway_stream_exclude: exclude,
    fairway_stream_max_age: maxAgeMs,
    fairway_stream_max_bytes: maxBytes,
    fairway_stream_max_messages: maxMessages,
    fairway_stream_max_per_topic: maxPerTopic,
    fairway_stream_compact: compact,
    fairway_stream_store: store,
    fairway_stream_dead: dead,
    fairway_stream_dead_reason: deadReasons,
    fairway_stream_max_deliver: maxDeliver,
    fairway_stream_exclusive_group: exclusiveGroups,
  }: StreamValues = settings;
  return {
    ...{ name, filters, exclude, store },
    ...(maxAgeMs === null ? {} : { maxAgeMs }),
    ...(maxBytes === null ? {} : { maxBytes }),
    ...(maxMessages === null ? {} : { maxMessages }),
    ...(maxPerTopic === null ? {} : { maxPerTopic }),
    ...(compact === "none" ? {} : { compact }),
    ...(dead === null ? {} : { dead }),
    ...(deadReasons.length === 0 ? {} : { deadReasons }),
    ...(maxDeliver === DELIVERIES_MAX ? {} : { maxDeliver }),
    ...(exclusiveGroups.length === 0 ? {} : { exclusiveGroups }),
  };
}
