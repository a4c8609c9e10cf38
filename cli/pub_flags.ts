/** The command line of `pub`. */
import type { Properties, QoS } from "../codec/mod.ts";
import { topicNameFault } from "../router/topic.ts";
import { type Flag, Flags, type FlagTable, helpOf } from "./flags.ts";
import { COMMON_FLAGS, type CommonFlag, type Connection, readConnection } from "./flags_common.ts";
import type { PayloadSource } from "./payloads.ts";
import { FlagError } from "./flag_error.ts";

type SourceFlag = "message" | "file" | "stdin" | "lines" | "empty";
type PubFlag = SourceFlag | "topic" | "qos" | "retain" | "repeat" | "repeatDelay" | "rate";

const PUB_FLAGS: Readonly<Record<PubFlag, Flag>> = {
  topic: { names: ["-t", "--topic"], value: "TOPIC", about: "where to publish" },
  message: { names: ["-m", "--message"], value: "TEXT", about: "the message" },
  file: { names: ["-f", "--file"], value: "FILE", about: "the message is what this file holds" },
  stdin: { names: ["-s", "--stdin-file"], about: "the message is the standard input" },
  lines: { names: ["-l", "--stdin-line"], about: "each line of the standard input is a message" },
  empty: { names: ["-n", "--null-message"], about: "the message is empty" },
  qos: { names: ["-q", "--qos"], value: "QOS", about: "0, 1 or 2 (0)" },
  retain: { names: ["-r", "--retain"], about: "have the broker retain it" },
  repeat: { names: ["--repeat"], value: "N", about: "publish the message N times" },
  repeatDelay: { names: ["--repeat-delay"], value: "SECONDS", about: "wait so long in between" },
  rate: { names: ["--rate"], value: "N", about: "publish N messages a second" },
};

const TABLE: FlagTable<CommonFlag | PubFlag> = { ...PUB_FLAGS, ...COMMON_FLAGS };

/** The text of `--help`. */
export const PUB_HELP = `Usage: deno task pub [flags]

Publishes to an MQTT broker. The flags are those of mosquitto_pub.

${helpOf(TABLE)}
Examples:
  deno task pub -t lamp/1 -m on
  deno task pub -L mqtt://ada:secret@broker.example/lamp/1 -m on -q 1 -r
  tail -f sensor.log | deno task pub -t sensor/log -l
  deno task pub -t ping -m x --repeat 1000 --rate 50
  deno task pub -t hi -m '{}' -D publish content-type application/json
`;

/** The settings of the command line. */
export interface PubSettings {
  readonly connection: Connection;
  readonly topic: string;
  readonly source: PayloadSource;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
  readonly repeat: number;
  /** The interval between messages; 0 for no limit. */
  readonly gapMs: number;
}

/**
 * Parses the command line.
 *
 * @returns `null` for `--help`.
 * @throws {FlagError} If it is invalid.
 */
export async function readPubFlags(args: readonly string[]): Promise<PubSettings | null> {
  const flags = new Flags(args, TABLE);
  if (flags.has("help")) return null;
  const connection = await readConnection(flags);
  const source = readSource(flags);
  const repeat = flags.whole("repeat", 1, Infinity) ?? 1;
  if (source.kind === "lines" && flags.has("repeat")) {
    throw new FlagError("--repeat goes with -m, -f, -s and -n, not with -l");
  }
  if (Object.keys(connection.properties.subscribe).length > 0) {
    throw new FlagError("-D subscribe is of no use here: nothing is subscribed to");
  }
  return {
    connection,
    topic: readTopic(flags, connection.topic),
    source,
    qos: (flags.whole("qos", 0, 2) ?? 0) as QoS,
    retain: flags.has("retain"),
    properties: connection.properties.publish,
    repeat,
    gapMs: readGapMs(flags),
  };
}

function readTopic(flags: Flags<PubFlag>, topicOfUrl: string | null): string {
  const topic = flags.text("topic") ?? topicOfUrl;
  if (topic === null) throw new FlagError("-t is missing: the topic to publish to");
  const fault = topicNameFault(topic);
  if (fault !== null) throw new FlagError(`-t needs a topic to publish to: "${topic}" ${fault}`);
  return topic;
}

function readSource(flags: Flags<PubFlag>): PayloadSource {
  const names = ["message", "file", "stdin", "lines", "empty"] as const;
  const given = names.filter((name) => flags.has(name));
  const [first] = given;
  if (first === undefined) {
    throw new FlagError("The message is missing: give -m TEXT, -f FILE, -s, -l or -n");
  }
  if (given.length > 1) {
    const labels = given.map((name) => flags.label(name)).join(" and ");
    throw new FlagError(`${labels}: the message can come from one of them only`);
  }
  if (first === "stdin" || first === "lines") return { kind: first };
  if (first === "file") return { kind: first, path: flags.text("file")! };
  return { kind: "message", payload: new TextEncoder().encode(flags.text("message") ?? "") };
}

function readGapMs(flags: Flags<PubFlag>): number {
  const delay = flags.decimal("repeatDelay", "seconds");
  const rate = flags.decimal("rate", "messages a second");
  if (delay !== null && rate !== null) {
    throw new FlagError("--rate and --repeat-delay: give one of them");
  }
  if (rate === 0) throw new FlagError("--rate needs a number of messages a second above 0");
  return rate === null ? (delay ?? 0) * 1000 : 1000 / rate;
}
