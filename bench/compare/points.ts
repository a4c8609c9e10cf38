import { type BrokerKind, type RunningBroker, start } from "./brokers.ts";
import { type Campaign, isLate } from "./campaign.ts";
import type { Route } from "./generator.ts";

/** How long a broker has for a point; if it is not done by then, it is spared the larger ones. */
export const LIMIT_MS: number = 60_000;

/** Measures at each point with each broker, a new process for each. */
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
