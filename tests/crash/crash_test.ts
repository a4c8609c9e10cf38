import { assert } from "@std/assert";
import { playRounds } from "./run.ts";

/** Five that differ in limits and payloads. */
const ROUNDS = 5;
const FIRST_SEED = 1;

Deno.test("broker that is killed again and again loses nothing it has promised", async () => {
  const lines: string[] = [];
  const isWell = await playRounds(ROUNDS, FIRST_SEED, (line) => lines.push(line));
  assert(isWell, lines.join("\n"));
});
