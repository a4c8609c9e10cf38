import { assert } from "@std/assert";
import { playRounds } from "./run.ts";

/** Five that differ in limits and payloads. */
const ROUNDS = 5;
const FIRST_SEED = 1;

/** Each of them ends several workers as well. */
const WORKERS_ROUNDS = 2;

const hasWorkers = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

async function play(count: number, hasWorkers: boolean): Promise<void> {
  const lines: string[] = [];
  const rounds = { count, firstSeed: FIRST_SEED, hasWorkers };
  const isWell = await playRounds(rounds, (line) => lines.push(line));
  assert(isWell, lines.join("\n"));
}

Deno.test("broker that is killed again and again loses nothing it has promised", async () => {
  await play(ROUNDS, false);
});

Deno.test({
  name:
    "server whose workers are killed, one by one and all at once, loses nothing it has promised",
  ignore: !hasWorkers,
  fn: () => play(WORKERS_ROUNDS, true),
});
