/** Parses a configuration. */
import { checkLimits } from "../../broker/base/check_limits.ts";
import { type BrokerLimits, DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import { BridgeDrafts } from "./bridge_drafts.ts";
import { BRIDGE_OPTIONS } from "../options/bridge_words.ts";
import { checkConfiguration } from "./check.ts";
import type { Configuration, ListenerConfiguration } from "../options/configuration.ts";
import { ConfigError, type Place, type Remark } from "../errors/errors.ts";
import type { Line } from "./lexer.ts";
import { ListenerDraft } from "./listener_draft.ts";
import {
  GLOBAL_OPTIONS,
  LIMIT_OPTIONS,
  LISTENER_OPTIONS,
  SECURITY_OPTIONS,
} from "../options/options.ts";
import { PluginLines } from "./plugin_lines.ts";
import { firstWord, type Report, Section } from "./section.ts";
import type { Source } from "./source.ts";
import { StreamDrafts } from "./stream_drafts.ts";
import { STREAM_OPTIONS } from "../options/stream_words.ts";
import { suggest } from "./suggest.ts";
import { ALIASES, barredBecause, IDLE_WORDS, knownWords } from "../options/words.ts";

/**
 * Parses a configuration.
 *
 * @param place The place of the whole configuration, for faults that belong to no line.
 * @throws {ConfigError} If it cannot be used, with all its faults.
 */
export function parseConfiguration(source: Source, place: Place): Configuration {
  const parser = new Parser(place);
  parser.take(source);
  return parser.finish();
}

class Parser implements Report {
  readonly #place: Place;
  readonly #problems: Remark[] = [];
  readonly #notes: Remark[] = [];
  readonly #global = new Section(GLOBAL_OPTIONS, this);
  readonly #limits = new Section(LIMIT_OPTIONS, this);
  readonly #security = new Section(SECURITY_OPTIONS, this);
  readonly #streams = new StreamDrafts(this);
  readonly #bridges = new BridgeDrafts(this);
  readonly #plugins = new PluginLines(this);
  readonly #default: ListenerDraft;
  readonly #listeners: ListenerDraft[] = [];
  /** The listener that options belong to: the last one of this file, or the default one. */
  #current: ListenerDraft;
  #perListener = false;
  /** The first security option. */
  #firstSecurity: Line | null = null;
  #depth = 0;

  constructor(place: Place) {
    this.#place = place;
    this.#current = this.#default = new ListenerDraft(place, this);
  }

  problem({ place, word }: Line, text: string): void {
    this.#problems.push({ place, word, text });
  }

  note({ place, word }: Line, text: string): void {
    this.#notes.push({ place, word, text });
  }

  take(source: Source): void {
    for (const line of source.lines) {
      if (line.word === "include_dir") this.#include(line, source);
      else this.#takeLine(line);
    }
  }

  finish(): Configuration {
    const problems = this.#problems;
    this.#plugins.finish();
    const limits = this.#limitsGiven();
    const configuration: Configuration = {
      global: this.#global.values(),
      limits,
      listeners: this.#listenersInEffect(),
      streams: this.#streams.streams,
      bridges: this.#bridges.finish(),
      removedStreams: this.#streams.removed,
      places: new Map([
        ...this.#global.places,
        ...this.#limits.places,
        ...this.#plugins.placesEverywhere,
        ...this.#security.places,
      ]),
      notes: this.#notes,
    };
    // Contradictions are checked only if each option is valid by itself.
    if (problems.length === 0) checkConfiguration(configuration, problems, this.#notes);
    if (problems.length > 0) throw new ConfigError(problems);
    return configuration;
  }

  /**
   * In an included file, options before the first listener belong to the default one again, and
   * those before the first stream or bridge to none.
   */
  #include(line: Line, source: Source): void {
    if (line.value === "") return this.problem(line, "expects the path of a folder, not nothing");
    if (this.#depth > 0) {
      return this.note(line, "has no effect in a file that is itself included");
    }
    this.#depth++;
    for (const included of source.included.get(line) ?? []) {
      const current = this.#current;
      this.#current = this.#default;
      const ended = [this.#streams.file(), this.#bridges.file()];
      this.take(included);
      for (const end of ended) end();
      this.#current = current;
    }
    this.#depth--;
  }

  #takeLine(line: Line): void {
    const word = Object.hasOwn(ALIASES, line.word) ? ALIASES[line.word]! : line.word;
    if (word === "listener") return this.#begin(line);
    if (word === "port") return this.#default.takePort(line);
    if (word === "bind_address") return this.#default.takeHost(line);
    if (word === "fairway_stream") return this.#streams.begin(line);
    if (word === "fairway_stream_remove") return this.#streams.remove(line);
    if (Object.hasOwn(STREAM_OPTIONS, word)) return this.#streams.take(line, word);
    if (word === "connection") return this.#bridges.begin(line);
    if (Object.hasOwn(BRIDGE_OPTIONS, word)) return this.#bridges.take(line, word);
    if (word === "per_listener_settings") return this.#switchSecurity(line);
    if (Object.hasOwn(GLOBAL_OPTIONS, word)) return this.#global.take(line, word);
    if (Object.hasOwn(LIMIT_OPTIONS, word)) return this.#takeLimit(line);
    if (Object.hasOwn(LISTENER_OPTIONS, word)) return this.#takeForListener(line, word);
    if (Object.hasOwn(SECURITY_OPTIONS, word)) return this.#takeSecurity(line, word);
    if (Object.hasOwn(IDLE_WORDS, word)) return this.note(line, IDLE_WORDS[word]!);
    if (this.#plugins.take(line, word, this.#securityHere)) {
      this.#firstSecurity ??= line;
      return;
    }
    const advice = barredBecause(word);
    if (advice !== null) return this.problem(line, advice);
    const meant = suggest(word, knownWords());
    this.problem(line, `is not an option${meant ? `: did you mean ${meant}?` : ""}`);
  }

  #begin(line: Line): void {
    const listener = new ListenerDraft(line.place, this);
    // A fault of the line was reported. The options after it still belong to this listener.
    listener.takeListener(line);
    this.#listeners.push(listener);
    this.#current = listener;
  }

  #takeForListener(line: Line, word: string): void {
    if (word === "mount_point" && this.#current === this.#default) {
      return this.problem(line, "needs a listener: put a line such as listener 1883 before it");
    }
    this.#current.settings.take(line, word);
  }

  #takeSecurity(line: Line, word: string): void {
    this.#firstSecurity ??= line;
    this.#securityHere.take(line, word);
  }

  /** The section that security options belong to. */
  get #securityHere(): Section<typeof SECURITY_OPTIONS> {
    return this.#perListener ? this.#current.security : this.#security;
  }

  #switchSecurity(line: Line): void {
    this.#global.take(line, "per_listener_settings");
    this.#perListener = this.#global.values().per_listener_settings;
    if (!this.#perListener || this.#firstSecurity === null) return;
    const { place, word } = this.#firstSecurity;
    this.problem(line, `must stand before ${word}, which is at ${place.file}:${place.line}`);
  }

  /** The broker defines the ranges of the limits. */
  #takeLimit(line: Line): void {
    const before = this.#problems.length;
    this.#limits.take(line, line.word);
    if (this.#problems.length > before) return;
    try {
      checkLimits({ [limitName(line.word)]: Number(firstWord(line, this)) }, UNRATED);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.problem(line, error.message);
    }
  }

  #limitsGiven(): Partial<BrokerLimits> {
    const values = this.#limits.values();
    const limits: Partial<BrokerLimits> = {};
    for (const word of Object.keys(LIMIT_OPTIONS)) {
      if (this.#limits.places.has(word)) limits[limitName(word)] = values[word]!;
    }
    return limits;
  }

  #listenersInEffect(): ListenerConfiguration[] {
    const isDefaultWanted = this.#default.isGiven;
    const isLocal = !isDefaultWanted && this.#listeners.length === 0;
    const shared = this.#perListener ? null : this.#security.values();
    const drafts = isDefaultWanted ? [...this.#listeners, this.#default] : this.#listeners;
    const { fileEverywhere } = this.#plugins;
    if (!isLocal) return drafts.map((draft) => draft.finish(shared, false, fileEverywhere));
    return ["127.0.0.1", "::1"].map((host) => {
      const draft = { ...this.#default.finish(shared, true, fileEverywhere), host };
      return { ...draft, place: this.#place };
    });
  }
}

/** Whether a burst has a rate is known only after all lines are read. */
const UNRATED = { ...DEFAULT_LIMITS, addressConnectsPerSecondMax: 0, loginFailuresMax: 0 };

function limitName(word: string): keyof BrokerLimits {
  const name = word.slice("fairway_limit_".length);
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()) as keyof BrokerLimits;
}
