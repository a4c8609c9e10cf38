/** The page `docs/configuration-reference.md`: it is made of the tables that the parser uses. */
import type { About, Subject } from "./about.ts";
import { ACCOUNT_SUBJECTS } from "./about_accounts.ts";
import { BRIDGE_SUBJECTS } from "./about_bridges.ts";
import { LISTENER_SUBJECTS } from "./about_listeners.ts";
import { MESSAGE_SUBJECTS } from "./about_messages.ts";
import { BRIDGE_OPTIONS } from "../options/bridge_words.ts";
import type { Option } from "../options/option.ts";
import {
  GLOBAL_OPTIONS,
  LIMIT_OPTIONS,
  limitWord,
  LISTENER_OPTIONS,
  SECURITY_OPTIONS,
} from "../options/options.ts";
import { GLOBAL_RELOAD, LISTENER_RELOAD } from "../effect/reload.ts";
import { STREAM_OPTIONS } from "../options/stream_words.ts";
import { BARRED_WORDS, IDLE_WORDS } from "../options/words.ts";

/** Every word that can be used, by subject. */
export const SUBJECTS: readonly Subject[] = [
  ...LISTENER_SUBJECTS,
  ...ACCOUNT_SUBJECTS,
  ...MESSAGE_SUBJECTS,
  ...BRIDGE_SUBJECTS,
];

/** Other names of words: the table of options does not have them. */
const SAME_WHERE: Readonly<Record<string, string>> = {
  addresses: "bridge",
  clientid: "bridge",
  maximum_qos: "one",
  password: "bridge",
  username: "bridge",
};

/** Where a word applies. */
const TABLES: readonly (readonly [where: string, Readonly<Record<string, Option<unknown>>>])[] = [
  ["all", GLOBAL_OPTIONS],
  ["who", SECURITY_OPTIONS],
  ["one", LISTENER_OPTIONS],
  ["stream", STREAM_OPTIONS],
  ["bridge", BRIDGE_OPTIONS],
];

const HEAD = `<!-- deno-fmt-ignore-file -->

# Configuration reference

Every word of a configuration file. \`deno task docs\` writes this page from the tables that the
parser uses, and a test holds that it is up to date. [Configuration](configuration.md) describes the
language, and what a reload does.

- **where**: the whole broker (_all_), a listener (_one_), a stream, a bridge, or the whole broker unless
  \`per_listener_settings\` is true (_who_).
- **default**: what holds when the word is not given; a dash if nothing does.
- **SIGHUP**: what a reload does with a change. _applied_: at once, or when a client connects.
  _opened anew_: the listener is closed and opened again. _restart_: it needs a restart, and the log
  says so.
`;

/** The docstrings of the limits, by name. They are in the source, and nowhere else. */
export type LimitTexts = ReadonlyMap<string, string>;

/** Reads the docstrings of `broker/base/limits.ts`. */
export function limitTextsOf(source: string): LimitTexts {
  const body = /export interface BrokerLimits \{([^]*?)\n\}/.exec(source)![1]!;
  const fields = body.matchAll(/\/\*\*([^]*?)\*\/\s*(\w+): number;/g);
  return new Map([...fields].map(([, text, name]) => [
    name!,
    text!.replace(/\n\s*\*/g, " ").replace(/\{@linkcode (\w+)\}/g, "`$1`")
      .replace(/\s+/g, " ").trim(),
  ]));
}

/** The whole page. */
export function referencePage(limits: LimitTexts): string {
  return [
    HEAD,
    ...SUBJECTS.map(({ title, intro, words }) =>
      section(title, intro, [
        ["word", "where", "value", "default", "SIGHUP", "what it is for"],
        ...Object.entries(words).map(([word, about]) => rowOf(word, about)),
      ])
    ),
    section("Every limit", LIMITS_INTRO, [
      ["word", "default", "what it limits"],
      ...Object.entries(LIMIT_OPTIONS).map(([word, { initial }]) => [
        `\`${word}\``,
        initial.toLocaleString("en"),
        limits.get(nameOf(word, limits)) ?? "",
      ]),
    ]),
    section(
      "What has no effect",
      "The server accepts these words, and the log says why they do " +
        "nothing.",
      [
        ["word", "why"],
        ...Object.entries(IDLE_WORDS).map(([word, why]) => [`\`${word}\``, why]),
      ],
    ),
    section(
      "What stops the start",
      "Fairway does not support these words of mosquitto. The " +
        "message says what to do.",
      [
        ["words", "instead"],
        ...barredRows(),
      ],
    ),
  ].join("\n");
}

const LIMITS_INTRO = "Each is a number, and applies at once after a reload. What exists beyond a " +
  "lower limit stays. In a program it is the field of `BrokerLimits` with the name in camel case. " +
  "[Security](security.md#limits) explains them, and names the counter of each.";

function section(title: string, intro: string | undefined, rows: string[][]): string {
  const [head, ...body] = rows.map((cells) => `| ${cells.map(escaped).join(" | ")} |`);
  const line = `|${rows[0]!.map(() => " --- |").join("")}`;
  return [`## ${title}`, ...intro === undefined ? [] : ["", intro], "", head, line, ...body, ""]
    .join("\n");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

function rowOf(word: string, about: About): string[] {
  for (const [where, table] of TABLES) {
    const option = table[word];
    if (option === undefined) continue;
    const value = about.value ?? valueOf(option);
    return [`\`${word}\``, where, value, defaultOf(option, about), effectOf(word), about.text];
  }
  const where = SAME_WHERE[word] ?? "all";
  return [`\`${word}\``, where, about.value ?? "", about.unset ?? "–", effectOf(word), about.text];
}

function valueOf({ expects }: Option<unknown>): string {
  return expects.replace(/^a whole number /, "a number ");
}

function defaultOf({ initial, print }: Option<unknown>, { unset }: About): string {
  if (unset !== undefined) return unset;
  if (initial === null) return "–";
  const lines = print(initial);
  return lines.length === 0 ? "–" : lines.map((line) => `\`${line}\``).join(", ");
}

/** What a reload does with a changed word. */
function effectOf(word: string): string {
  if (word === "listener" || word === "port" || word === "bind_address") return "opened anew";
  const effect = { ...GLOBAL_RELOAD, ...LISTENER_RELOAD }[word as keyof typeof GLOBAL_RELOAD];
  return effect === "needs a restart" ? "restart" : effect ?? "applied";
}

function nameOf(word: string, limits: LimitTexts): string {
  return [...limits.keys()].find((name) => limitWord(name) === word) ?? "";
}

/** Words with the same advice share a row. */
function barredRows(): string[][] {
  const byAdvice = new Map<string, string[]>();
  for (const [word, advice] of Object.entries(BARRED_WORDS)) {
    const words = byAdvice.get(advice) ?? [];
    byAdvice.set(advice, [...words, `\`${word.replace(/_$/, "_…")}\``]);
  }
  return [...byAdvice].map(([advice, words]) => [words.join(", "), advice]);
}
