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

/** Messages under way at once: enough to keep a far broker busy. */
const UNSETTLED_MAX = 2048;
/** How long the broker has to close the connection at the end. */
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
  ended.promise.catch(() => {}); // Whether anybody waits for it or not.
  const tell = stateTeller(url, settings.connection);
  await using client = await connect(url, {
    ...options,
    // What lives from a pipe lives on; who publishes once wants to know now.
    reconnect: settings.source.kind === "lines" ? {} : false,
    onState: (state) => {
      tell(state);
      if (state.kind === "closed" && state.error !== null) ended.reject(state.error);
    },
  });
  // The connection may end for good while the standard input has nothing to say.
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
  // Why not, the last line will tell.
  if (result === null) return;
  complain(`Published ${what}${isForNobody(result.reasonCode) ? ", which nobody listens to" : ""}`);
}
