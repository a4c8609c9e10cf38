/**
 * The normative statements of MQTT, as `mqtt-3.1.1.tsv` and `mqtt-5.0.tsv` list them, and the
 * tests that name them.
 *
 * @module
 */

/** A normative statement, in our words. */
export interface Statement {
  /** As the specification counts it, `MQTT-3.1.0-1`. */
  id: string;
  /** What it says of a broker. */
  text: string;
  /** Whom it binds. */
  applies: string;
  /** Whether a test can tell that it holds. */
  isTestable: boolean;
}

/** A version of MQTT. */
export interface Version {
  name: string;
  /** The file with its statements. */
  list: string;
  /** The folder with its tests. */
  folder: string;
}

/** The versions whose statements are tested. */
export const VERSIONS: Version[] = [
  { name: "MQTT 5.0", list: "mqtt-5.0.tsv", folder: "v5" },
  { name: "MQTT 3.1.1", list: "mqtt-3.1.1.tsv", folder: "v311" },
];

/** The folder with the tests of both versions. */
export const BOTH_FOLDER = "both";

/** Why there is no test yet. What a test names is not open any more. */
const OPEN: Record<string, string> = {};

/** Why there is no test yet for a statement that one could hold; `undefined` if there is no reason. */
export function openReasonFor(version: Version, { id }: Statement): string | undefined {
  return OPEN[`${version.name} ${id}`];
}

/** Why no test can tell; statements that bind only clients need no other reason. */
const REASONS: Record<string, string> = {
  "MQTT 3.1.1 MQTT-3.8.3-2": "void: wildcards are supported",
  "MQTT 3.1.1 MQTT-4.7.3-3": "cannot be broken: a length has 16 bits",
  "MQTT 3.1.1 MQTT-4.8.0-2": "there is no internal failure to order",
  "MQTT 3.1.1 MQTT-7.0.0-2": "a property of all the other tests together",
  "MQTT 5.0 MQTT-4.7.3-3": "cannot be broken: a length has 16 bits",
};

/** Why no test can tell whether the statement holds. */
export function reasonFor(version: Version, { id, applies }: Statement): string {
  const reason = REASONS[`${version.name} ${id}`];
  if (reason !== undefined) return reason;
  if (applies === "client") return "binds clients: a broker cannot see whether they obey";
  throw new Error(`No reason why ${id} of ${version.name} is not testable`);
}

/** Reads a list of statements: tab-separated, with a line of column names. */
export function parseStatements(tsv: string): Statement[] {
  return tsv.trimEnd().split("\n").slice(1).map((line) => {
    const [id, , applies, text, testable] = line.split("\t");
    if (id === undefined || applies === undefined || text === undefined) {
      throw new SyntaxError(`Not a statement: ${line}`);
    }
    return { id, applies, text, isTestable: testable === "yes" };
  });
}

/** A test and the statements that it names. */
export interface NamedTest {
  title: string;
  /** Statements of every version whose tests are in the folder of the test. */
  ids: string[];
  /** Statements of one version, by the folder of that version. */
  idsOf: Record<string, string[]>;
}

/** The statements of one version that a test names. */
export function idsFor({ folder }: Version, { ids, idsOf }: NamedTest): string[] {
  return [...ids, ...idsOf[folder] ?? []];
}

/** The first argument of every call that registers a test. */
const TEST_REGEXP =
  /\b(?:specTest|timeTest|Deno\.test)\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)/g;

/** An identifier in a name, `[MQTT-3.1.0-1]`. */
const ID_REGEXP = /\s*\[(MQTT-[\d.]+-\d+)\]/g;

/** An identifier of one version in a name, `[v311 MQTT-3.1.0-1]`. */
const VERSION_ID_REGEXP = /\s*\[(v\d+) (MQTT-[\d.]+-\d+)\]/g;

/** What names in a loop over versions begin with. */
const VERSION_REGEXP = /^\$\{version\}: /g;

/** What a name in a loop has in place of an identifier: `[${id}]`, or `${ids}` at its end. */
const LOOP_REGEXP = /\s*\[\$\{[^}]*\}\]|\$\{[^}]*\}$/g;

/** A text that is an identifier and nothing else: what such a loop goes over. */
const TABLE_REGEXP = /["'`]\s*\[?(MQTT-[\d.]+-\d+)\]?["'`]/g;

/**
 * The tests that a source registers, as far as they can be read without running it. A test in a
 * loop over statements is taken to name each that is listed in its source.
 */
export function testsIn(source: string): NamedTest[] {
  const listed = [...source.matchAll(TABLE_REGEXP)].map(([, id]) => id!);
  return [...source.matchAll(TEST_REGEXP)].map(([, literal]) => {
    const name = literal!.slice(1, -1);
    const ids = [...name.matchAll(ID_REGEXP)].map(([, id]) => id!);
    if (name.search(LOOP_REGEXP) >= 0) ids.push(...listed);
    const idsOf: Record<string, string[]> = {};
    for (const [, folder, id] of name.matchAll(VERSION_ID_REGEXP)) {
      (idsOf[folder!] ??= []).push(id!);
    }
    const title = [VERSION_REGEXP, ID_REGEXP, VERSION_ID_REGEXP, LOOP_REGEXP].reduce(
      (text, regexp) => text.replaceAll(regexp, ""),
      name,
    );
    return { title: title.replaceAll(/\$\{[^}]*\}/g, "…"), ids: [...new Set(ids)], idsOf };
  });
}
