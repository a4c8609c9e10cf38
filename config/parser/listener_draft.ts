/** A listener while its lines are read. */
import type { ListenerConfiguration } from "../options/configuration.ts";
import type { Place } from "../errors/errors.ts";
import { integer } from "../options/kinds.ts";
import type { Line } from "./lexer.ts";
import { LISTENER_OPTIONS, SECURITY_OPTIONS, type SecurityValues } from "../options/options.ts";
import { firstWord, type Report, Section } from "./section.ts";

/** The standard port of MQTT. */
const USUAL_PORT = 1883;

/** Options that do not create a default listener when they stand before the first `listener`. */
const WORDS_WITHOUT_LISTENER = ["max_topic_alias", "tls_version"];
/** Security options that create one, with `per_listener_settings true`. */
const SECURITY_WITH_LISTENER = ["password_file", "allow_zero_length_clientid"];

const portKind = integer(0, 65_535);

/** A listener while its options are read. */
export class ListenerDraft {
  readonly settings: Section<typeof LISTENER_OPTIONS>;
  readonly security: Section<typeof SECURITY_OPTIONS>;
  readonly #place: Place;
  readonly #report: Report;
  #port: number | null = null;
  #host: string | null = null;
  #path: string | null = null;

  constructor(place: Place, report: Report) {
    this.#place = place;
    this.#report = report;
    this.settings = new Section(LISTENER_OPTIONS, report);
    this.security = new Section(SECURITY_OPTIONS, report);
  }

  /** Whether the configuration has options for the default listener, so that it must be opened. */
  get isGiven(): boolean {
    if (this.#port !== null || this.#host !== null) return true;
    return this.settings.changed().some((word) => !WORDS_WITHOUT_LISTENER.includes(word)) ||
      this.security.changed().some((word) => SECURITY_WITH_LISTENER.includes(word));
  }

  /** Reads `listener PORT [ADDRESS]` or `listener 0 PATH`. */
  takeListener(line: Line): void {
    const [port, where, ...rest] = line.value.split(/\s+/);
    this.#port = portKind.parse(port ?? "") ?? null;
    if (this.#port === null) {
      const expected = "a port from 1 to 65535, or 0 and the path of a Unix socket";
      return this.#report.problem(line, `expects ${expected}, not "${line.value}"`);
    }
    if (this.#port === 0 && !isAddress(where)) {
      // A path may contain blanks.
      const path = line.value.slice(port!.length).trim();
      if (path !== "") this.#path = path;
      else this.#report.problem(line, "expects the path of a Unix socket after port 0");
      return;
    }
    if (where === undefined || where.startsWith("#")) return;
    this.#host = where;
    if (rest.length === 0 || rest[0]!.startsWith("#")) return;
    this.#report.note(line, `takes a port and an address; "${rest.join(" ")}" has no effect`);
  }

  /** Reads `port` of the default listener. */
  takePort(line: Line): void {
    const text = firstWord(line, this.#report);
    const port = portKind.parse(text);
    if (port === undefined || port === 0) {
      return this.#report.problem(line, `expects a port from 1 to 65535, not "${text}"`);
    }
    this.#report.note(line, `is outdated: write listener ${port}`);
    this.#port = port;
  }

  /** Reads `bind_address` of the default listener. */
  takeHost(line: Line): void {
    if (line.value === "") return this.#report.problem(line, "expects an address, not nothing");
    if (this.#host !== null) return this.#report.problem(line, "was given already");
    this.#report.note(line, "is outdated: write the address after the port, listener 1883 ADDRESS");
    this.#host = firstWord(line, this.#report);
  }

  /**
   * The complete listener.
   *
   * @param shared The security options, if all listeners have the same.
   * @param isLocal Whether it accepts only this machine, because the configuration has no
   * listeners.
   * @param accountFile The file of dynamic security, if its own options name none.
   */
  finish(
    shared: SecurityValues | null,
    isLocal: boolean,
    accountFile: string | null,
  ): ListenerConfiguration {
    const security = shared ?? this.security.values();
    const word = "fairway_dynamic_security_file";
    return {
      place: this.#place,
      port: this.#port ?? USUAL_PORT,
      host: this.#host,
      path: this.#path,
      places: new Map([...this.settings.places, ...this.security.places]),
      settings: this.settings.values(),
      security: {
        ...security,
        [word]: security[word] ?? accountFile,
        allow_anonymous: security.allow_anonymous ?? isLocal,
      },
    };
  }
}

/**
 * Whether the text is an address and not a path. mosquitto has no port 0; here it means any free
 * port.
 */
function isAddress(text: string | undefined): boolean {
  return text !== undefined && /^(\d{1,3}(\.\d{1,3}){3}|[\da-fA-F:]*:[\da-fA-F:]+)$/.test(text);
}
