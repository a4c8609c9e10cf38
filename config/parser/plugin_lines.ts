/** Lines of mosquitto that load its dynamic security: they name the file of accounts. */
import type { Line } from "./lexer.ts";
import { SECURITY_OPTIONS } from "../options/options.ts";
import { type Report, Section } from "./section.ts";

/** The option that the lines stand for. */
const FILE_WORD = "fairway_dynamic_security_file";

/** Words that load a plugin, and whether it is for every listener. */
const LOAD_WORDS: Readonly<Record<string, "everywhere" | "here">> = {
  plugin: "here",
  auth_plugin: "here",
  global_plugin: "everywhere",
};

/** Words for the options of the plugin before them. */
const OPTION_PREFIXES = ["plugin_opt_", "auth_opt_"];

/** Options of a section of the file. */
type SecuritySection = Section<typeof SECURITY_OPTIONS>;

/** A line that loads dynamic security. */
interface Loaded {
  readonly line: Line;
  /** Where its file belongs. */
  readonly section: SecuritySection;
  hasFile: boolean;
}

/** Reads the lines of a configuration that load dynamic security, and their options. */
export class PluginLines {
  readonly #report: Report;
  readonly #everywhere: SecuritySection;
  readonly #loaded: Loaded[] = [];
  /** Whether the last plugin is dynamic security. */
  #isLast = false;

  constructor(report: Report) {
    this.#report = report;
    this.#everywhere = new Section(SECURITY_OPTIONS, report);
  }

  /** The file for every listener that has none of its own; `null` without `global_plugin`. */
  get fileEverywhere(): string | null {
    return this.#everywhere.values()[FILE_WORD];
  }

  /** The place of its line. */
  get placesEverywhere(): SecuritySection["places"] {
    return this.#everywhere.places;
  }

  /**
   * Reads a line that loads dynamic security, or an option of it.
   *
   * @param here The section that the line belongs to.
   * @returns False if it is another line.
   */
  take(line: Line, word: string, here: SecuritySection): boolean {
    const where = Object.hasOwn(LOAD_WORDS, word) ? LOAD_WORDS[word]! : null;
    if (where !== null) {
      this.#isLast = /(^|[\\/])mosquitto_dynamic_security\.(so|dll|dylib)$/.test(line.value);
      if (!this.#isLast) return false;
      const section = where === "here" ? here : this.#everywhere;
      this.#loaded.push({ line, section, hasFile: false });
      return true;
    }
    const prefix = OPTION_PREFIXES.find((prefix) => word.startsWith(prefix));
    if (prefix === undefined || !this.#isLast) return false;
    this.#option(line, word.slice(prefix.length));
    return true;
  }

  #option(line: Line, name: string): void {
    const loaded = this.#loaded.at(-1)!;
    if (name === "config_file") {
      loaded.hasFile = true;
      loaded.section.take(line, FILE_WORD);
    } else if (name === "password_init_file") {
      const text = "it has no effect: make the file with mosquitto_ctrl dynsec init FILE admin";
      this.#report.note(line, text);
    } else this.#report.note(line, "it has no effect: dynamic security has no such option");
  }

  /** Reports plugins without a file. */
  finish(): void {
    for (const { line, hasFile } of this.#loaded) {
      if (!hasFile) this.#report.problem(line, "needs a line plugin_opt_config_file FILE after it");
    }
  }
}
