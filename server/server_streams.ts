/** The streams of a server, from its flags and its configuration. */
import { DEFAULT_LIMITS } from "../broker/base/limits.ts";
import type { Configuration, StreamConfiguration } from "../config/options/configuration.ts";
import { ConfigError, type Place } from "../config/errors/errors.ts";
import { bytesKind, span } from "../config/options/kinds.ts";
import { streamOptionsOf } from "../config/parser/stream_drafts.ts";
import type { Broker, StreamOptions } from "../mod.ts";
import { FlagError } from "../cli/flag_error.ts";

/** What a server is told of its streams. */
type Told = Pick<Configuration, "streams" | "removedStreams" | "limits">;

/** The streams of a server: those of `--stream`, and those of its configuration. */
export class ServerStreams {
  readonly #broker: Broker;
  readonly #flags: readonly StreamOptions[];
  readonly #inform: (text: string) => void;
  /** What the streams were last declared as, those included that are not declared any more. */
  readonly #known = new Map<string, StreamOptions>();

  /**
   * @param flags The streams of the command line.
   * @param inform Told what has become of a stream, in one line.
   */
  constructor(broker: Broker, flags: readonly StreamOptions[], inform: (text: string) => void) {
    this.#broker = broker;
    this.#flags = flags;
    this.#inform = inform;
  }

  /**
   * Finds what cannot be done.
   *
   * @throws {ConfigError} If a stream is to move to another store, there are two of a name, or too
   * many.
   */
  check({ streams, limits }: Told): void {
    const { streamsMax = DEFAULT_LIMITS.streamsMax } = limits;
    const first = streams[Math.max(0, streamsMax - this.#flags.length)];
    if (first !== undefined) {
      throw fault(first.place, `is one too many, with those of --stream: at most ${streamsMax}`);
    }
    const problems = streams.flatMap((stream) => {
      const { name, place, places, settings } = stream;
      if (this.#flags.some((flag) => flag.name === name)) {
        return [{ place, word: "fairway_stream", text: `"${name}" is a stream of --stream` }];
      }
      const { store = "disk" } = this.#known.get(name) ?? {};
      if (!this.#known.has(name) || settings.fairway_stream_store === store) return [];
      const word = "fairway_stream_store";
      const text = `"${name}" cannot move from ${store} while the server runs: remove it first, ` +
        `by the line fairway_stream_remove ${name}`;
      return [{ place: places.get(word) ?? place, word, text }];
    });
    if (problems.length > 0) throw new ConfigError(problems);
  }

  /** Declares the streams for the first time, and says which others the store has. */
  async open(told: Told): Promise<void> {
    this.check(told);
    for (const options of this.#flags) {
      await this.#declare(options).catch((error) => {
        throw error instanceof RangeError ? new FlagError(`--stream: ${error.message}`) : error;
      });
    }
    await this.#apply(told);
    for (const name of this.#broker.streams.undeclared) this.#tellGone(name);
  }

  /** Declares what is new or has changed, and has those that are gone take nothing more. */
  async change(told: Told): Promise<void> {
    const kept = new Set([...this.#flags, ...told.streams].map(({ name }) => name));
    const removed = new Set(told.removedStreams.map(({ name }) => name));
    for (const name of this.#broker.streams.declared) {
      if (!this.#known.has(name) || kept.has(name) || removed.has(name)) continue;
      await this.#broker.retireStream(name);
      this.#tellGone(name);
    }
    await this.#apply(told);
  }

  async #apply({ streams, removedStreams }: Told): Promise<void> {
    for (const { name } of removedStreams) {
      this.#known.delete(name);
      if (await this.#broker.removeStream(name)) this.#inform(`Stream ${name} is removed`);
    }
    for (const stream of streams) await this.#declareConfigured(stream);
  }

  async #declareConfigured(stream: StreamConfiguration): Promise<void> {
    const { place } = stream;
    await this.#declare(streamOptionsOf(stream)).catch((error) => {
      throw error instanceof RangeError ? fault(place, error.message) : error;
    });
  }

  async #declare(options: StreamOptions): Promise<void> {
    const { name } = options;
    const isSame = JSON.stringify(this.#known.get(name)) === JSON.stringify(options);
    if (isSame && this.#broker.stream(name) !== null) return;
    const { first, last, messages } = await this.#broker.declareStream(options);
    this.#known.set(name, options);
    const from = messages === 0 ? "empty" : `messages ${first} to ${last}`;
    this.#inform(`Stream ${name}: ${describe(options)}; ${from}`);
  }

  #tellGone(name: string): void {
    this.#inform(
      `Stream ${name} is not declared any more: it keeps what it has, and takes nothing`,
    );
  }
}

/** The topics and limits of a stream in a few words. */
function describe(options: StreamOptions): string {
  const { filters, maxAgeMs, maxBytes, maxMessages, maxPerTopic, compact } = options;
  const topics = filters.length === 0 ? "no topics" : filters.join(", ");
  const limits = [
    maxAgeMs === undefined ? null : span.print(maxAgeMs),
    maxBytes === undefined ? null : `${bytesKind.print(maxBytes)} bytes`,
    maxMessages === undefined ? null : `${maxMessages} messages`,
    maxPerTopic === undefined ? null : `${maxPerTopic} of each topic`,
    compact === "topic" ? "the last of each topic" : null,
  ];
  return `${topics}; ${limits.filter((limit) => limit !== null).join(", ")}`;
}

function fault(place: Place, text: string): ConfigError {
  return new ConfigError([{ place, word: "fairway_stream", text }]);
}
