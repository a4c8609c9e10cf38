/** The command line of `sub`. */
import type { ClientSubscribeOptions } from "../client/mod.ts";
import type { QoS } from "../codec/mod.ts";
import { topicFilterFault } from "../router/topic.ts";
import { type Flag, Flags, type FlagTable, helpOf } from "./flags.ts";
import { COMMON_FLAGS, type CommonFlag, type Connection, readConnection } from "./flags_common.ts";
import { type Format, parseFormat, plainFormat } from "./format.ts";
import { FlagError } from "./flag_error.ts";

type ChoiceFlag = "topic" | "filterOut" | "unsubscribe" | "qos" | "noRetained" | "retainedOnly";
type EndFlag = "count" | "timeout" | "exit" | "removeRetained";
type PrintFlag = "verbose" | "format" | "noNewline" | "pretty";
type SubFlag = ChoiceFlag | EndFlag | PrintFlag;

const SUB_FLAGS: Readonly<Record<SubFlag, Flag>> = {
  topic: {
    names: ["-t", "--topic"],
    value: "FILTER",
    isRepeatable: true,
    about: "what to subscribe to; several times for several",
  },
  filterOut: {
    names: ["-T", "--filter-out"],
    value: "FILTER",
    isRepeatable: true,
    about: "leave out messages with such topics",
  },
  unsubscribe: {
    names: ["-U", "--unsubscribe"],
    value: "FILTER",
    isRepeatable: true,
    about: "end a subscription of an older session",
  },
  qos: { names: ["-q", "--qos"], value: "QOS", about: "highest QoS to receive: 0, 1 or 2 (0)" },
  noRetained: { names: ["-R"], about: "leave out what was retained" },
  retainedOnly: { names: ["--retained-only"], about: "only what was retained; end after it" },
  removeRetained: { names: ["--remove-retained"], about: "have the broker forget it" },
  count: { names: ["-C"], value: "N", about: "end after N messages" },
  timeout: { names: ["-W"], value: "SECONDS", about: "end after so long, with exit code 27" },
  exit: { names: ["-E"], about: "end once the broker has granted the subscriptions" },
  verbose: { names: ["-v", "--verbose"], about: "print the topic before the payload" },
  format: { names: ["-F"], value: "FORMAT", about: "print this for each message: see below" },
  noNewline: { names: ["-N"], about: "print no line break after it" },
  pretty: { names: ["--pretty"], about: "print JSON on several lines" },
};

const TABLE: FlagTable<CommonFlag | SubFlag> = { ...SUB_FLAGS, ...COMMON_FLAGS };

/** The text of `--help`. */
export const SUB_HELP = `Usage: deno task sub [flags]

Subscribes at an MQTT broker and prints what comes. The flags are those of
mosquitto_sub.

${helpOf(TABLE)}
In a FORMAT
  %t topic      %p payload    %x %X payload in hexadecimal    %l its length
  %q QoS        %r retained   %m packet identifier            %j %J JSON, with
  %I ISO 8601   %U Unix time  %P user properties              the payload as text
  %C content type   %R response topic   %D correlation data   or as the JSON it is
  %E expiry   %F payload format   %S subscription identifier  %% a percent sign
  @Y @m @d @H @M @S … as in strftime, @N nanoseconds;  \\n \\t \\0 \\e \\a \\\\
  Between % and its letter: - for left, 0 for zeros, a width, a dot with the most.

Examples:
  deno task sub -t 'lamp/+' -v
  deno task sub -t sensor/# -T sensor/noise/# -F '%I %t %p'
  deno task sub -L mqtt://ada:secret@broker.example/lamp/# -F %j -q 1
  deno task sub -t config/# --retained-only -W 2 -v
  deno task sub -c -i keeper -t jobs -q 1 -C 1
`;

/** The settings of the command line. */
export interface SubSettings {
  readonly connection: Connection;
  /** The Topic Filters; may be empty if there is something to unsubscribe from. */
  readonly filters: readonly string[];
  readonly options: ClientSubscribeOptions;
  readonly filtersOut: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly noRetained: boolean;
  readonly retainedOnly: boolean;
  readonly removeRetained: boolean;
  /** The number of messages after which to end, maybe `Infinity`. */
  readonly countMax: number;
  /** The maximum time to run, or `null`. */
  readonly timeoutMs: number | null;
  /** Whether to end after SUBACK. */
  readonly exits: boolean;
  readonly format: Format;
}

/**
 * Parses the command line.
 *
 * @returns `null` for `--help`.
 * @throws {FlagError} If it is invalid.
 */
export async function readSubFlags(args: readonly string[]): Promise<SubSettings | null> {
  const flags = new Flags(args, TABLE);
  if (flags.has("help")) return null;
  const connection = await readConnection(flags);
  const filters = readFilters(flags, "topic");
  if (connection.topic !== null) filters.push(checkFilter("-L", connection.topic));
  const unsubscribe = readFilters(flags, "unsubscribe");
  if (filters.length + unsubscribe.length === 0) {
    throw new FlagError("-t is missing: what to subscribe to");
  }
  if (flags.has("noRetained") && flags.has("retainedOnly")) {
    throw new FlagError("-R and --retained-only: together they leave nothing");
  }
  const seconds = flags.decimal("timeout", "seconds");
  if (seconds === 0) throw new FlagError("-W needs a number of seconds above 0");
  return {
    connection,
    filters,
    options: readOptions(flags, connection),
    filtersOut: readFilters(flags, "filterOut"),
    unsubscribe,
    noRetained: flags.has("noRetained"),
    retainedOnly: flags.has("retainedOnly"),
    removeRetained: flags.has("removeRetained"),
    countMax: flags.whole("count", 1, Infinity) ?? Infinity,
    timeoutMs: seconds === null ? null : seconds * 1000,
    exits: flags.has("exit"),
    format: readFormat(flags),
  };
}

function readFilters(flags: Flags<SubFlag>, name: SubFlag): string[] {
  return flags.texts(name).map((filter) => checkFilter(flags.label(name), filter));
}

function checkFilter(label: string, filter: string): string {
  const fault = topicFilterFault(filter);
  if (fault === null) return filter;
  throw new FlagError(`${label} needs a topic filter: "${filter}" ${fault}`);
}

function readOptions(
  flags: Flags<SubFlag>,
  { properties, options }: Connection,
): ClientSubscribeOptions {
  if (Object.keys(properties.publish).length > 0) {
    throw new FlagError("-D publish is of no use here: nothing is published");
  }
  const { subscriptionIdentifiers, userProperties } = properties.subscribe;
  const isWithout = flags.has("noRetained") && options.protocolVersion === 5;
  return {
    qos: (flags.whole("qos", 0, 2) ?? 0) as QoS,
    ...(isWithout ? { retainHandling: 2 } : {}),
    ...(subscriptionIdentifiers === undefined ? {} : { identifier: subscriptionIdentifiers[0]! }),
    ...(userProperties === undefined ? {} : { properties: { userProperties } }),
  };
}

function readFormat(flags: Flags<SubFlag>): Format {
  const text = flags.text("format");
  const end = flags.has("noNewline") ? "" : "\n";
  if (text === null) return plainFormat(flags.has("verbose"), end);
  if (flags.has("verbose")) throw new FlagError("-F and -v: give one of them");
  return parseFormat(text, end, flags.has("pretty") ? "  " : "");
}
