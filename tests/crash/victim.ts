/** The brokers that are killed. */
import type { BrokerLimits } from "../../mod.ts";
import { startServer } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";

const PERMISSIONS = ["--no-prompt", "--allow-net", "--allow-run=prlimit", "--allow-read"];

/** The configuration of `server.ts`. */
const configOf = (directory: string) => `
listener 0 127.0.0.1
allow_anonymous true
log_dest stdout
persistence true
persistence_location ${directory}
fairway_stream lost
fairway_stream_max_age 1d
fairway_stream day
fairway_stream_topic t/#
fairway_stream_max_age 1d
fairway_stream_dead lost
fairway_stream_exclusive_group alone
`;

/** What a server with workers says when one of them was ended on purpose. */
const EXPECTED =
  /^(Worker \d has died, and is started again in \d+ ms: it was killed|Worker \d runs again|.*another worker does not run now.*)$/;

/** A kind of broker. */
export interface Victim {
  /** Starts it, with what an earlier one has left. */
  start(): Child;
  /** The signals that end one of its workers each. */
  readonly workers: readonly Deno.Signal[];
}

/** `server.ts` with its configuration in a folder. */
export function serverOf(folder: string): Victim {
  const directory = `${folder}/data`;
  const start = () => {
    const file = `${folder}/fairway.conf`;
    Deno.writeTextFileSync(file, configOf(directory));
    return startServer(["-c", file], [...PERMISSIONS, `--allow-write=${directory}`]);
  };
  return { start, workers: [] };
}

/** A broker with limits by which little is kept in memory. */
export function smallOf(folder: string, limits: Partial<BrokerLimits>): Victim {
  const directory = `${folder}/data`;
  const permissions = [...PERMISSIONS, `--allow-write=${directory}`];
  return {
    start: () => script("broker.ts", permissions, directory, JSON.stringify(limits)),
    workers: [],
  };
}

/** A server with two workers, of which the first one has the streams. */
export function workersOf(folder: string): Victim {
  return {
    start: () => script("workers.ts", ["--allow-all"], `${folder}/data`),
    workers: ["SIGHUP", "SIGUSR2"],
  };
}

/** What a broker has complained of; `null` for nothing but the end of workers. */
export function complaintOf({ stderr, stdout }: Child): string | null {
  const lines = stderr.split("\n").filter((line) => line !== "" && !EXPECTED.test(line));
  return lines.length > 0 ? stderr : /^\d+: (Internal error|Cannot).*$/m.exec(stdout)?.[0] ?? null;
}

function script(name: string, permissions: readonly string[], ...args: string[]): Child {
  const path = new URL(name, import.meta.url).pathname;
  return new Child(Deno.execPath(), ["run", "--no-check", ...permissions, path, ...args], {
    env: { NO_COLOR: "1" },
  });
}
