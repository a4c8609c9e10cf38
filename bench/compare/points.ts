import { type BrokerKind, type RunningBroker, start } from "./brokers.ts";
import { type Campaign, isLate } from "./campaign.ts";
import type { Route } from "./generator.ts";

/** The time limit of a broker for a point. Beyond it, the larger points are skipped. */
export const LIMIT_MS: number = 60_000;

/** Measures each point with each broker, in a new process each time. */
export async function* points(
  campaign: Campaign,
  what: string,
  xs: readonly number[],
  failed: ReadonlySet<string>,
  kinds: readonly BrokerKind[] = campaign.kinds,
): AsyncGenerator<{ x: number; name: string; route: Route; broker: RunningBroker }> {
  for (const x of xs) {
    for (const kind of kinds) {
      if (failed.has(kind.name)) continue;
      const here = `${x.toLocaleString("en")} ${what}, ${kind.name}`;
      if (isLate(campaign, here)) continue;
      campaign.report(`growth   ${here}`);
      await using broker = await start(kind);
      yield {
        x,
        broker,
        name: kind.name,
        route: { port: broker.port, pid: broker.pid, protocol: 4, qos: 0 },
      };
    }
  }
}
