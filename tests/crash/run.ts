/**
 * Kills brokers under load and looks what they have forgotten:
 * `deno task test:crash [--rounds N] [--seed S]`.
 *
 * A round is decided by its seed, but for the pace of the machine: the same seed does not fail at
 * the same place, but often enough.
 *
 * @module
 */
import { readCommandLine } from "../harness/command_line.ts";
import { type Outcome, playRound } from "./round.ts";

/** Plays rounds until one fails. Returns whether all went well. */
export async function playRounds(
  rounds: number,
  firstSeed: number,
  say: (line: string) => void,
): Promise<boolean> {
  const totals = { messages: 0, deliveries: 0, kills: 0 };
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const directory = await Deno.makeTempDir({ prefix: "fairway-crash-" });
    const outcome = await playRound(seed, directory);
    say(lineOf(outcome));
    if (outcome.faults.length > 0) {
      for (const fault of outcome.faults.slice(0, 30)) say(`  ${fault}`);
      say(`  its data: ${directory}; again: deno task test:crash --seed ${seed} --rounds 1`);
      return false;
    }
    await Deno.remove(directory, { recursive: true });
    totals.messages += outcome.promised;
    totals.deliveries += outcome.deliveries;
    totals.kills += outcome.kills;
  }
  const { messages, deliveries, kills } = totals;
  say(
    `${rounds} rounds from seed ${firstSeed}: ${kills} kills, ${messages} messages promised, ` +
      `${deliveries} deliveries: 0 lost, 0 duplicated`,
  );
  return true;
}

function lineOf(
  { seed, kills, messages, promised, deliveries, lost, duplicated }: Outcome,
): string {
  return `seed ${seed}: ${kills} kills, ${messages} messages, ${promised} promised, ` +
    `${deliveries} deliveries: ${lost} lost, ${duplicated} duplicated`;
}

if (import.meta.main) {
  const { rounds = "20", seed = `${Date.now() % 1_000_000}` } = readCommandLine(Deno.args, {
    whole: ["rounds", "seed"],
  });
  // deno-lint-ignore no-console
  const isWell = await playRounds(Number(rounds), Number(seed), console.log);
  Deno.exit(isWell ? 0 : 1);
}
