/**
 * The smallest demo: publishes "tick" and "tock" in turn every second, and prints the messages it
 * receives: `deno task ticktock`.
 *
 * @module
 */
import { type Client, connect } from "../client/mod.ts";
import { systemClock } from "../transport/clock.ts";
import { ExitCode, runCommand } from "./command.ts";
import { ENDPOINT_FLAGS, readTarget } from "./endpoint_flags.ts";
import { Flags, type FlagTable, helpOf } from "./flags.ts";
import { Pace } from "./pace.ts";
import { stopSignal } from "./stop_signal.ts";
import { readTls } from "./tls_flags.ts";
import { say, sayPage } from "./terminal.ts";

const TABLE: FlagTable<keyof typeof ENDPOINT_FLAGS | "help"> = {
  ...ENDPOINT_FLAGS,
  help: { names: ["--help"], about: "this text" },
};

const TOPIC = "clock/1";

const HELP = `Usage: deno task ticktock [flags]

Publishes "tick" and "tock" in turn every second to ${TOPIC}, or to the topic in
the URL, and prints what it receives from everything on that level.

${helpOf(TABLE)}
Examples:
  deno task ticktock
  deno task ticktock -L mqtt://broker.example/clock/kitchen
`;

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<number> {
  const flags = new Flags(args, TABLE);
  if (flags.has("help")) sayPage(HELP);
  else await run(flags);
  return ExitCode.Success;
}

async function run(flags: Flags<keyof typeof ENDPOINT_FLAGS>): Promise<void> {
  const stopped = stopSignal();
  const { url, topic: topicOfUrl } = readTarget(flags);
  const topic = topicOfUrl ?? TOPIC;
  await using client = await connect(url, { tls: await readTls(flags) });
  await Promise.race([stopped, listen(client, topic), publish(client, topic)]);
}

async function listen(client: Client, topic: string): Promise<void> {
  // Matches all demos: any text in one topic level.
  for await (const message of client.subscribe(topic.replace(/[^/]*$/, "+"))) {
    say(`${message.topic} ${new TextDecoder().decode(message.payload)}`);
  }
}

async function publish(client: Client, topic: string): Promise<void> {
  const second = new Pace(1000, systemClock);
  for (let isTick = true;; isTick = !isTick) {
    await second.wait();
    await client.publish(topic, isTick ? "tick" : "tock");
  }
}
