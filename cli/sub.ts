/**
 * Subscribes and prints: `deno task sub -t 'lamp/+' -v`.
 *
 * @module
 */
import { type Client, type ClientMessage, connect, SubscribeError } from "../client/mod.ts";
import { matchesFilter } from "../router/topic.ts";
import { ExitCode, lineOf, runCommand, stateTeller } from "./command.ts";
import { PayloadError } from "./json_message.ts";
import { Output } from "./output.ts";
import { stopSignal } from "./stop_signal.ts";
import { readSubFlags, SUB_HELP, type SubSettings } from "./sub_flags.ts";
import { complain, sayPage } from "./terminal.ts";

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<number> {
  const settings = await readSubFlags(args);
  if (settings === null) {
    sayPage(SUB_HELP);
    return ExitCode.Success;
  }
  const stopped = stopSignal().then(() => ExitCode.Success);
  const late = timeoutOf(settings);
  const output = new Output(Deno.stdout);
  const { url, options } = settings.connection;
  let client: Client | null = null;
  const listening = (async () => {
    client = await connect(url, { ...options, onState: stateTeller(url, settings.connection) });
    await listen(client, settings, output);
    return ExitCode.Success;
  })();
  try {
    const code = await Promise.race([listening, stopped, late]);
    await output.drained();
    return code;
  } finally {
    await (client as Client | null)?.close();
  }
}

/** Resolves when the time of `-W` is over; never without it. */
function timeoutOf({ timeoutMs, connection }: SubSettings): Promise<number> {
  return new Promise((resolve) => {
    if (timeoutMs === null) return;
    setTimeout(() => {
      if (!connection.isQuiet) complain("Timed out");
      resolve(ExitCode.Timeout);
    }, timeoutMs);
  });
}

async function listen(client: Client, settings: SubSettings, output: Output): Promise<void> {
  const { filters, options, unsubscribe, connection, countMax, exits } = settings;
  for (const filter of unsubscribe) {
    const [reasonCode = 0] = await client.unsubscribe(filter);
    if (reasonCode >= 0x80) {
      throw new SubscribeError(`Cannot unsubscribe from ${filter}`, [reasonCode], { reasonCode });
    }
    if (connection.isDebug) complain(`Unsubscribed from ${filter}`);
  }
  if (filters.length === 0) return;
  const subscription = client.subscribe(filters, options);
  const granted = await subscription.ready;
  for (const [index, filter] of filters.entries()) {
    if (connection.isDebug) complain(`Subscribed to ${filter} at QoS ${granted[index]}`);
  }
  if (exits) return;
  // Not a `for await`, because leaving that would unsubscribe, and `-c` must keep the subscription.
  for (let count = 0; count < countMax;) {
    const { value: message } = await subscription.next();
    if (message === undefined) return;
    if (settings.retainedOnly && !message.retain) {
      if (isOwnRemoval(message, settings)) continue;
      return;
    }
    if (isLeftOut(message, settings)) continue;
    if (settings.removeRetained && message.retain) await forget(client, message);
    if (await print(message, settings, output)) count++;
  }
}

function isLeftOut({ topic, retain }: ClientMessage, settings: SubSettings): boolean {
  return retain && settings.noRetained ||
    settings.filtersOut.some((filter) => matchesFilter(filter, topic));
}

/** {@linkcode forget} publishes an empty message, which the subscription receives too. */
function isOwnRemoval({ payload }: ClientMessage, { removeRetained }: SubSettings): boolean {
  return removeRetained && payload.length === 0;
}

async function forget(client: Client, { topic }: ClientMessage): Promise<void> {
  await client.publish(topic, "", { retain: true });
}

/** @returns Whether it could be printed. */
async function print(
  message: ClientMessage,
  { format, connection, options }: SubSettings,
  output: Output,
): Promise<boolean> {
  try {
    await output.write(format(withoutOurs(message, options.identifier !== undefined), new Date()));
    return true;
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    if (!connection.isQuiet) complain(lineOf(error));
    return false;
  }
}

/** Removes Subscription Identifiers that the client added itself: the user did not ask for them. */
function withoutOurs(message: ClientMessage, isNumbered: boolean): ClientMessage {
  if (isNumbered || message.properties.subscriptionIdentifiers === undefined) return message;
  const { subscriptionIdentifiers: _, ...properties } = message.properties;
  return { ...message, properties };
}
