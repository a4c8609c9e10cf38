import { assert } from "@std/assert";
import { playRounds } from "./run.ts";

/** Each of them ends single workers, too. */
const ROUNDS = 2;

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

Deno.test({
  name: "workers that are killed, one by one and all at once, lose nothing they have promised",
  ignore: !isSupported,
  fn: async () => {
    const lines: string[] = [];
    const rounds = { count: ROUNDS, firstSeed: 1, hasWorkers: true };
    const isWell = await playRounds(rounds, (line) => lines.push(line));
    assert(isWell, lines.join("\n"));
  },
});
