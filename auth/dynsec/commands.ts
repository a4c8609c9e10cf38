/**
 * The commands of dynamic security, and messages that have several of them.
 *
 * @module
 */
import * as accountCommands from "./account_commands.ts";
import { type Command, type CommandContext, TOO_LONG } from "./command.ts";
import { FieldError, Fields } from "./fields.ts";
import * as generalCommands from "./general_commands.ts";
import * as groupCommands from "./group_commands.ts";
import { ANSWER_CHARS_MAX, COMMANDS_PER_MESSAGE_MAX, MESSAGE_BYTES_MAX } from "./limits.ts";
import * as roleCommands from "./role_commands.ts";

/** The name in the answer to a command without a name. */
const NAMELESS = "Unknown command";

/** All commands, by their names in lower case: mosquitto compares them in any case. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    ...generalCommands,
    ...accountCommandsOnly(),
    ...groupCommands,
    ...roleCommands,
  }).map(([name, command]) => [name.toLowerCase(), command]),
);

/** Beside the commands, the module has helpers for other ones. */
function accountCommandsOnly(): Record<string, Command> {
  const { withRole: _, knownRoles: __, ...commands } = accountCommands;
  return commands;
}

/** The answer to one command. */
export interface CommandAnswer {
  /** Its name, as it was sent. */
  readonly command: string;
  /** The error; absent if the command succeeded. */
  readonly error?: string;
  /** The requested data. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The Correlation Data of the command. */
  readonly correlationData?: string;
}

/**
 * Reads a message with commands.
 *
 * @returns The commands in order, as they were sent; or the answer, if there are none to read.
 */
export function readMessage(payload: Uint8Array): readonly unknown[] | CommandAnswer {
  if (payload.length > MESSAGE_BYTES_MAX) {
    return refusal(`Payload has more than ${MESSAGE_BYTES_MAX} bytes`);
  }
  let message: Fields | null;
  try {
    message = Fields.of(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)));
  } catch {
    return refusal("Payload not valid JSON");
  }
  const commands = message?.get("commands");
  if (!Array.isArray(commands)) return refusal("Invalid/missing commands");
  if (commands.length > COMMANDS_PER_MESSAGE_MAX) {
    return refusal(`Too many commands: at most ${COMMANDS_PER_MESSAGE_MAX} in one message`);
  }
  return commands;
}

/** The answer to a message, or a command, that has no name. */
export function refusal(error: string): CommandAnswer {
  return { command: NAMELESS, error };
}

/**
 * Executes one command. A command that fails changes nothing.
 *
 * @throws An internal error.
 */
export async function runCommand(
  context: CommandContext,
  command: unknown,
): Promise<CommandAnswer> {
  const known: { command: string; correlationData?: string } = { command: NAMELESS };
  try {
    const fields = Fields.of(command);
    if (fields === null) throw new FieldError("Command not an object");
    const name = fields.get("command");
    if (typeof name !== "string") throw new FieldError("Missing command");
    known.command = name;
    const correlationData = fields.get("correlationdata");
    if (correlationData !== undefined && typeof correlationData !== "string") {
      throw new FieldError("Invalid correlationData data type.");
    }
    if (correlationData !== undefined) known.correlationData = correlationData;
    const run = COMMANDS.get(name.toLowerCase());
    if (run === undefined) throw new FieldError("Unknown command");
    const data = await run(context, fields);
    return { ...known, ...data === undefined ? {} : { data } };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { ...known, error: error.message };
  }
}

/** The answers to the commands of one message. They are kept as text, within a limit. */
export class Answers {
  readonly #sent: Pick<CommandAnswer, "command" | "correlationData">[] = [];
  readonly #texts: string[] = [];
  #chars = 0;
  #error: string | null = null;

  /** Adds an answer, or an error in its place if it would be too long. */
  add(answer: CommandAnswer): void {
    const { command, correlationData } = answer;
    const sent = { command, ...correlationData === undefined ? {} : { correlationData } };
    this.#sent.push(sent);
    const text = JSON.stringify(answer);
    const isTooLong = this.#chars + text.length > ANSWER_CHARS_MAX;
    this.#error ??= isTooLong ? TOO_LONG : answer.error ?? null;
    const added = isTooLong ? JSON.stringify({ ...sent, error: TOO_LONG }) : text;
    this.#texts.push(added);
    this.#chars += added.length;
  }

  /** The first error; `null` if every command was done. */
  get error(): string | null {
    return this.#error;
  }

  /** The answers if none of the commands was done. */
  failed(error: string): Answers {
    const answers = new Answers();
    for (const sent of this.#sent) answers.add({ ...sent, error });
    return answers;
  }

  /** All answers, as one message. */
  get text(): string {
    return `{"responses":[${this.#texts.join(",")}]}`;
  }
}
