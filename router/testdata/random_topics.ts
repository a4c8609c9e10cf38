/**
 * What the tests of this room share: random topics and filters from a seed, and a matcher too
 * simple to be wrong that everything else is checked against.
 *
 * @module
 */

/** A source of whole numbers from 0 up to but not including `limit`. */
export type Random = (limit: number) => number;

/** A seed that differs from run to run; a test prints it when it fails. */
export function newSeed(): number {
  return Math.trunc(Math.random() * 2 ** 32);
}

/** The same numbers for the same seed (the generator known as mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.trunc(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * limit);
  };
}

// Few and confusable, so that random filters do match: the empty level, prefixes of each other,
// the `$` of MQTT-4.7.2-1, two spellings of one letter, a BOM, a surrogate pair, a name that plain
// objects inherit, and one long enough for V8 to share its memory with the topic it was cut from.
const LEVELS = [
  "",
  "",
  "a",
  "a",
  "b",
  "ab",
  "$",
  "$SYS",
  "é",
  "e\u0301",
  "\ufeff",
  "😀",
  "__proto__",
  "a level longer than twelve",
];

/** A valid Topic Name of mostly one to five levels. */
export function randomTopic(random: Random): string {
  return randomLevels(random, LEVELS.length).join("/") || "/";
}

/** A valid Topic Filter of mostly one to five levels, `$share/` aside. */
export function randomFilter(random: Random): string {
  const levels = randomLevels(random, LEVELS.length * 2).map((level) => level ?? "+");
  if (random(4) === 0) levels.push("#");
  return levels.join("/") || "#";
}

/** Levels from the list; as `limit` exceeds its length, some are missing. */
function randomLevels(random: Random, limit: number): (string | undefined)[] {
  const count = random(50) === 0 ? 40 : 1 + random(5);
  return Array.from({ length: count }, () => LEVELS[random(limit)]);
}

/** MQTT §4.7 word for word, on arrays of levels. */
export function slowlyMatches(filter: string, topic: string): boolean {
  const wild = filter.startsWith("+") || filter.startsWith("#");
  if (wild && topic.startsWith("$")) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  const hash = wanted.at(-1) === "#";
  if (hash) wanted.pop();
  if (hash ? levels.length < wanted.length : levels.length !== wanted.length) return false;
  return wanted.every((want, index) => want === "+" || want === levels[index]);
}
