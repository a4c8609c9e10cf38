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

/** Why no test can tell; statements that bind only clients need no other reason. */
const REASONS: Record<string, string> = {
  "MQTT 3.1.1 MQTT-3.8.3-2": "void: wildcards are supported",
  "MQTT 3.1.1 MQTT-4.7.3-3": "cannot be broken: a length has 16 bits",
  "MQTT 3.1.1 MQTT-4.8.0-2": "there is no internal failure to order",
  "MQTT 3.1.1 MQTT-7.0.0-1": "void: there is no bridge to other brokers",
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

/** The first argument of every call that registers a test. */
const TEST_REGEXP =
  /\b(?:specTest|timeTest|Deno\.test)\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)/g;

/** The names of the tests that a source registers, as they are written there. */
export function testNames(source: string): string[] {
  return [...source.matchAll(TEST_REGEXP)].map(([, literal]) => literal!.slice(1, -1));
}

/** The identifiers in the name of a test. */
export function idsIn(name: string): string[] {
  return [...name.matchAll(/\[(MQTT-[\d.]+-\d+)\]/g)].map(([, id]) => id!);
}

/** The name of a test without the identifiers. */
export function titleOf(name: string): string {
  return name.replaceAll(/\s*\[MQTT-[\d.]+-\d+\]/g, "");
}
