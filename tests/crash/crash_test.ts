import { assert } from "@std/assert";
import { playRounds } from "./run.ts";

/** Five that differ in limits and payloads. */
const ROUNDS = 5;

Deno.test("broker that is killed again and again loses nothing it has promised", async () => {
  const lines: string[] = [];
  const rounds = { count: ROUNDS, firstSeed: 1, hasWorkers: false };
  const isWell = await playRounds(rounds, (line) => lines.push(line));
  assert(isWell, lines.join("\n"));
});
