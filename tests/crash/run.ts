/**
 * Kills brokers under load and looks what they have forgotten:
 * `deno task test:crash [--rounds N] [--seed S] [--workers]`. With `--workers` the broker is a server with
 * two workers, of which single ones are ended, too.
 *
 * A round is decided by its seed, but for the pace of the machine: the same seed does not fail at
 * the same place, but often enough.
 *
 * @module
 */
import { readCommandLine } from "../harness/command_line.ts";
import { type Outcome, playRound } from "./round.ts";

/** Which rounds are played. */
export interface Rounds {
  readonly count: number;
  readonly firstSeed: number;
  /** Whether the broker is a server with workers. */
  readonly hasWorkers: boolean;
}

/** Plays rounds until one fails. Returns whether all went well. */
export async function playRounds(
  { count, firstSeed, hasWorkers }: Rounds,
  say: (line: string) => void,
): Promise<boolean> {
  const totals = { messages: 0, deliveries: 0, kills: 0 };
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const directory = await Deno.makeTempDir({ prefix: "fairway-crash-" });
    const outcome = await playRound(seed, directory, hasWorkers);
    say(lineOf(outcome));
    if (outcome.faults.length > 0) {
      for (const fault of outcome.faults.slice(0, 30)) say(`  ${fault}`);
      const more = hasWorkers ? " --workers" : "";
      say(`  its data: ${directory}; again: deno task test:crash --seed ${seed} --rounds 1${more}`);
      return false;
    }
    await Deno.remove(directory, { recursive: true });
    totals.messages += outcome.promised;
    totals.deliveries += outcome.deliveries;
    totals.kills += outcome.kills;
  }
  const { messages, deliveries, kills } = totals;
  say(
    `${count} rounds from seed ${firstSeed}: ${kills} kills, ${messages} messages promised, ` +
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
  const flags = readCommandLine(Deno.args, { whole: ["rounds", "seed"], switches: ["workers"] });
  const { rounds = "20", seed = `${Date.now() % 1_000_000}`, workers = false } = flags;
  const asked = { count: Number(rounds), firstSeed: Number(seed), hasWorkers: workers };
  // deno-lint-ignore no-console
  const isWell = await playRounds(asked, console.log);
  Deno.exit(isWell ? 0 : 1);
}
