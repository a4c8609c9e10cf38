/**
 * Publishes: `deno task pub -t lamp/1 -m on`.
 *
 * @module
 */
import { type Client, connect, type PublishReceipt } from "../client/mod.ts";
import { systemClock } from "../transport/clock.ts";
import { ExitCode, isForNobody, runCommand, stateTeller } from "./command.ts";
import { Pace } from "./pace.ts";
import { payloadsOf } from "./payloads.ts";
import { PUB_HELP, type PubSettings, readPubFlags } from "./pub_flags.ts";
import { complain, sayPage } from "./terminal.ts";

/** The maximum number of unacknowledged messages: enough for a broker far away. */
const UNSETTLED_MAX = 2048;
/** The time for the broker to close the connection at the end. */
const GRACE_MS = 5000;

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<number> {
  const settings = await readPubFlags(args);
  if (settings === null) sayPage(PUB_HELP);
  else await publish(settings);
  return ExitCode.Success;
}

async function publish(settings: PubSettings): Promise<void> {
  const { url, options } = settings.connection;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {}); // The client may not be observed yet.
  const tell = stateTeller(url, settings.connection);
  await using client = await connect(url, {
    ...options,
    // A pipe continues after a lost connection. For a single message, failure is reported at once.
    reconnect: settings.source.kind === "lines" ? {} : false,
    onState: (state) => {
      tell(state);
      if (state.kind === "closed" && state.error !== null) ended.reject(state.error);
    },
  });
  // The connection may end while the standard input is idle.
  await Promise.race([ended.promise, publishAll(client, settings)]);
  await client.close({ graceMs: GRACE_MS });
}

async function publishAll(client: Client, settings: PubSettings): Promise<void> {
  const { topic, source, repeat, qos, retain, properties, gapMs, connection } = settings;
  const pace = new Pace(gapMs, systemClock);
  const unsettled: PublishReceipt[] = [];
  for await (const payload of payloadsOf(source, repeat, Deno.stdin.readable)) {
    await pace.wait();
    const receipt = client.publish(topic, payload, { qos, retain, properties });
    if (connection.isDebug) tellOf(receipt, `${payload.length} bytes to ${topic} at QoS ${qos}`);
    unsettled.push(receipt);
    while (unsettled[0]?.isSettled || unsettled.length > UNSETTLED_MAX) await unsettled.shift();
  }
  for (const receipt of unsettled) await receipt;
}

async function tellOf(receipt: PublishReceipt, what: string): Promise<void> {
  complain(`Publishing ${what}`);
  const result = await receipt.completed.catch(() => null);
  // The last line of output gives the cause.
  if (result === null) return;
  complain(`Published ${what}${isForNobody(result.reasonCode) ? ", which nobody listens to" : ""}`);
}
