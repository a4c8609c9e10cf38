import { parseArgs } from "@std/cli";
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";
import { PAYLOAD_BYTES_MIN, type Target, type Traffic } from "./target.ts";

/** The command line of a load tool. */
export interface ToolFlags {
  readonly target: Target;
  readonly traffic: Traffic;
  readonly pairs: number;
  readonly messages: number;
  readonly wsubs: number;
  readonly conns: number;
  /** Seconds. */
  readonly pace: number;
  /** Seconds. */
  readonly hold: number;
  /** Seconds. */
  readonly timeout: number;
  readonly pid: number | null;
  readonly json: boolean;
  readonly help: boolean;
}

/** The defaults of a tool. */
export type ToolDefaults = Partial<Record<"pairs" | "messages" | "wsubs" | "conns", number>>;

/** An invalid command line. The message says what would be valid. */
export class FlagError extends Error {
  override readonly name: string = "FlagError";
}

const BOOLEAN = ["json", "help"] as const;
const STRING = [
  ...["host", "port", "user", "pass", "pairs", "messages", "wsubs", "conns", "pace", "hold"],
  ...["qos", "size", "protocol", "window", "timeout", "pid"],
];

/** The help text for the flags of all tools. */
export const COMMON_HELP = `  --host H         address of the broker (127.0.0.1)
  --port N         port of the broker (1883)
  --user U         user name
  --pass P         password
  --protocol N     3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0 (4)
  --qos N          0, 1 or 2 (0)
  --size N         bytes of a payload, at least ${PAYLOAD_BYTES_MIN} (64)
  --window N       QoS 1 and 2: unacknowledged messages of one publisher (100)
  --timeout S      seconds after which to give up (60)
  --pid N          process of the broker, to tell its processor time and memory
  --json           one JSON object on standard output instead of text
  --help           this text
`;

/**
 * Parses the command line.
 *
 * @throws {FlagError} If a flag is unknown, or its value is invalid.
 */
export function parseToolFlags(args: string[], defaults: ToolDefaults): ToolFlags {
  const flags = parseArgs(args, {
    boolean: BOOLEAN,
    string: STRING,
    unknown: (argument) => {
      throw new FlagError(`Unknown argument: ${argument} (see --help)`);
    },
  });
  const integer = (name: string, fallback: number, min: number, max: number) =>
    flags[name] === undefined ? fallback : wholeNumber(`--${name}`, flags[name], min, max);
  const { pairs = 1, messages = 1, wsubs = 0, conns = 1 } = defaults;
  return {
    target: {
      hostname: text("--host", flags.host ?? "127.0.0.1"),
      port: integer("port", 1883, 1, 65_535),
      username: flags.user ?? null,
      password: flags.pass ?? null,
      protocol: integer("protocol", 4, 3, 5) as ProtocolVersion,
    },
    traffic: {
      qos: integer("qos", 0, 0, 2) as QoS,
      size: integer("size", 64, PAYLOAD_BYTES_MIN, 16 * 1024 * 1024),
      window: integer("window", 100, 1, 65_000),
    },
    pairs: integer("pairs", pairs, 1, 100_000),
    messages: integer("messages", messages, 1, 1_000_000_000),
    wsubs: integer("wsubs", wsubs, 0, 100_000),
    conns: integer("conns", conns, 1, 1_000_000),
    pace: integer("pace", 60, 0, 86_400),
    hold: integer("hold", 10, 0, 86_400),
    timeout: integer("timeout", 60, 1, 86_400),
    pid: flags.pid === undefined ? null : wholeNumber("--pid", flags.pid, 1, 2 ** 31),
    json: flags.json,
    help: flags.help,
  };
}

function text(flag: string, value: string): string {
  if (value === "") throw new FlagError(`${flag} needs a value`);
  return value;
}

function wholeNumber(flag: string, value: unknown, min: number, max: number): number {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= min && number <= max) return number;
  throw new FlagError(`${flag} needs a whole number from ${min} to ${max}, not "${value}"`);
}
