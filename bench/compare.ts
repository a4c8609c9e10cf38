/**
 * Compares Fairway, with sockets of the runtime and native ones, with mosquitto, FlashMQ and aedes, and writes `docs/benchmarks.md` with its charts.
 *
 *     deno task bench:compare --quick
 *
 * mosquitto is Debian's package, FlashMQ whatever `--flashmq` names. aedes is installed with npm into a folder that is removed
 * afterwards. Brokers that are not available are skipped. Linux only.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { readFdLimit } from "../server/fd_limit.ts";
import { aedes, type BrokerKind, fairway, flashmq, mosquitto } from "./compare/brokers.ts";
import { type Campaign, Matrix } from "./compare/campaign.ts";
import { matrix } from "./compare/cases.ts";
import { barChart, lineChart } from "./compare/charts.ts";
import { ownGenerator } from "./compare/generator.ts";
import { runGrowth } from "./compare/growth.ts";
import { describeMachine } from "./compare/machine.ts";
import { mqttload } from "./compare/mqttload.ts";
import { benchmarksPage, imagePath, withNativeSockets } from "./compare/report.ts";
import type { Results } from "./compare/results.ts";
import { checkNativeSockets } from "../transport/native/ffi_libc.ts";

const HELP = `Usage: deno task bench:compare [flags]

Starts Fairway (with native sockets, too), mosquitto, FlashMQ and aedes one
after the other on this machine, measures them, and writes benchmarks.md with
its pictures. Takes up to twelve minutes; other programs should rest meanwhile.

  --quick          one short run of everything, within a minute
  --flashmq PATH   the program of FlashMQ, to be measured as well
  --mqttload PATH  make load with mqttload where it can, instead of our own tools
  --out FOLDER     where the page goes (docs)
  --save FILE      keep the results as JSON
  --from FILE      measure nothing: draw the results kept earlier
  --help           this text
`;

/** The time after which no new measurement starts. */
const FULL_MS = 11 * 60_000;
const QUICK_MS = 53_000;
/** File descriptors that are reserved for everything except clients. */
const RESERVED_FDS = 500;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const flags = parseArgs(Deno.args, {
    boolean: ["quick", "help"],
    string: ["mqttload", "flashmq", "out", "save", "from"],
    default: { out: "docs" },
    unknown: (argument) => {
      complain(`Unknown argument: ${argument} (see --help)`);
      Deno.exit(2);
    },
  });
  if (flags.help) return say(HELP.trimEnd());
  const results: Results = flags.from === undefined
    ? await compare(flags.quick, flags.mqttload, flags.flashmq)
    : JSON.parse(await Deno.readTextFile(flags.from));
  if (flags.save !== undefined) {
    await Deno.writeTextFile(flags.save, JSON.stringify(results, null, 2) + "\n");
  }
  await writeAll(results, flags.out);
}

async function compare(
  isQuick: boolean,
  mqttloadPath: string | undefined,
  flashmqPath: string | undefined,
): Promise<Results> {
  const started = performance.now();
  const folder = await Deno.makeTempDir({ prefix: "fairway-compare-" });
  try {
    const found = [
      fairway(),
      hasNativeSockets() ? fairway(true) : null,
      await mosquitto(),
      flashmqPath === undefined ? null : await flashmqAt(flashmqPath, folder),
      await aedes(folder),
    ];
    const kinds = found.filter((kind): kind is BrokerKind => kind !== null);
    for (const { version } of kinds) say(version);
    const { limit } = await readFdLimit();
    const campaign: Campaign = {
      kinds,
      generator: mqttloadPath === undefined ? ownGenerator : mqttload(mqttloadPath),
      runs: isQuick ? 1 : 3,
      isQuick,
      connections: limit - RESERVED_FDS,
      deadline: started + (isQuick ? QUICK_MS : FULL_MS),
      remarks: [],
      report: (line) => say(`${clock(performance.now() - started)}  ${line}`),
    };
    const cases = new Matrix(campaign, matrix(campaign.connections, isQuick));
    await cases.run(1);
    // Before the other runs: on a slow machine the others are the ones to skip.
    const growth = await runGrowth(campaign);
    for (let run = 2; run <= campaign.runs; run++) await cases.run(run);
    const given = (isQuick ? " --quick" : "") +
      (flashmqPath === undefined ? "" : " --flashmq PATH") +
      (mqttloadPath === undefined ? "" : " --mqttload PATH");
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: await describeMachine(),
      command: `deno task bench:compare${given}`,
      generator: campaign.generator.name,
      brokers: kinds.map(({ name, version }) => ({ name, version })),
      runs: campaign.runs,
      minutes: (performance.now() - started) / 60_000,
      groups: cases.results(),
      growth,
      remarks: campaign.remarks,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Whether this system can have them. */
function hasNativeSockets(): boolean {
  try {
    checkNativeSockets();
    return true;
  } catch {
    // Another system or processor: the comparison goes without them.
    return false;
  }
}

/** Ends the process if that is no FlashMQ. */
async function flashmqAt(path: string, folder: string): Promise<BrokerKind> {
  const found = await flashmq(path, folder);
  if (found !== null) return found;
  complain(`--flashmq needs the program of FlashMQ: "${path}" tells no version`);
  await Deno.remove(folder, { recursive: true });
  Deno.exit(2);
}

async function writeAll(results: Results, out: string): Promise<void> {
  const brokers = results.brokers.map(({ name }) => name);
  await Deno.mkdir(`${out}/img`, { recursive: true });
  for (const group of results.groups) {
    await Deno.writeTextFile(
      `${out}/${imagePath("bars", group.id)}`,
      await barChart(group, brokers),
    );
  }
  for (const growth of results.growth) {
    await Deno.writeTextFile(`${out}/${imagePath("growth", growth.id)}`, await lineChart(growth));
  }
  const page = `${out}/benchmarks.md`;
  const before = await Deno.readTextFile(page).catch(() => "");
  await Deno.writeTextFile(page, withNativeSockets(benchmarksPage(results), before));
  say(`${out}/benchmarks.md and its pictures are written`);
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function complain(line: string): void {
  // deno-lint-ignore no-console
  console.error(line);
}
