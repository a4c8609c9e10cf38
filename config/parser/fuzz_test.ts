import { assert, assertEquals } from "@std/assert";
import { Random } from "../../tests/harness/random.ts";
import { ConfigError } from "../errors/errors.ts";
import { printEffective } from "../effect/print.ts";
import { parse } from "../testdata/conf.ts";
import { BARRED_WORDS, IDLE_WORDS, knownWords } from "../options/words.ts";

const SEED = 20_261_122;
const ROUNDS = 5000;
const WORDS = [...knownWords(), ...Object.keys(BARRED_WORDS), ...Object.keys(IDLE_WORDS)];
const VALUES = [
  ...["", "true", "false", "0", "1", "-1", "2", "20", "65535", "65536", "1e9", "0x10", "NaN"],
  ...["1883", "1883 ::1", "0 /a b", "0 ::1", "mqtt", "websockets", "ipv4", "tlsv1.2", "4,5", "2d"],
  ...["file /a", "stdout", "none", "all", "error", "a/#", "/mqtt", "0660", "# c", "end-session"],
  ...["__proto__", "constructor", "d", "%d", "\u0000", "ü\u2028", "99999999999999999999"],
];

function randomLine(random: Random): string {
  if (random.chance(0.1)) return String.fromCharCode(...random.bytes(random.integer(0, 20)));
  const word = random.chance(0.05) ? random.pick(VALUES) : random.pick(WORDS);
  return `${word}${random.pick([" ", "  ", "\t"])}${random.pick(VALUES)}`;
}

function randomFile(random: Random): string {
  return Array.from({ length: random.integer(0, 6) }, () => randomLine(random)).join("\n");
}

Deno.test("whatever the lines, there is a configuration that can be printed and read, or a ConfigError", async () => {
  const random = new Random(SEED);
  let good = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const files = { "main.conf": randomFile(random), "d/a.conf": randomFile(random) };
    try {
      const printed = printEffective(await parse(files));
      assertEquals(printEffective(await parse(printed)), printed, JSON.stringify(files));
      good++;
    } catch (error) {
      assert(error instanceof ConfigError, `${JSON.stringify(files)}: ${error}`);
      assert(error.remarks.length > 0);
    }
  }
  assert(good > ROUNDS / 100, `only ${good} were good`);
});
