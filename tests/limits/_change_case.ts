import type { BrokerLimits, BrokerOptions } from "../../mod.ts";
import type { ManualStore } from "../harness/manual_store.ts";
import * as packets from "../harness/packets.ts";
import { Stage, type Visitor } from "./_stage.ts";

/** An address of which things are counted. */
export const HERE = "198.51.100.7:1000";
/** What clients of 5.0 send. */
export const V5 = { level: 5 } as const;

/** How to see from outside that a limit holds. */
export interface ChangeCase {
  /** A value other than what holds before. */
  readonly to: number;
  /** Other limits that have to hold from the start, so that it can be seen. */
  readonly base?: Partial<BrokerLimits>;
  readonly options?: BrokerOptions;
  /** Keeps in a store what must survive; made anew for each broker. */
  readonly store?: () => ManualStore;
  /** Whether something is refused before the change already, so that going back shows nothing. */
  readonly isOneWay?: boolean;
  /**
   * Does something that the limit is for. What it returns has to be one thing where the limit has
   * always been `to`, and where it becomes that when `change` is called; and another where it never
   * does.
   */
  probe(stage: Stage, change: () => void): Promise<unknown>;
}

/** Runs a case on a broker of its own. */
export async function observe(
  { base, options, store, probe }: ChangeCase,
  given: Partial<BrokerLimits>,
  changed: Partial<BrokerLimits>,
): Promise<unknown> {
  const limits = { ...base, ...given };
  await using stage = store === undefined
    ? new Stage(limits, options)
    : await Stage.open(store, limits);
  return await probe(stage, () => stage.broker.changeLimits(changed));
}

/** The change comes first: what can be seen is seen of clients that come later. */
export function later(
  to: number,
  probe: (stage: Stage) => Promise<unknown>,
  more: Omit<ChangeCase, "to" | "probe"> = {},
): ChangeCase {
  return {
    to,
    ...more,
    probe: (stage, change) => {
      change();
      return probe(stage);
    },
  };
}

/** A client is connected when the change comes, and goes on. */
export function meanwhile(
  to: number,
  probe: (client: Visitor, stage: Stage) => Promise<unknown>,
  more: Omit<ChangeCase, "to" | "probe"> = {},
): ChangeCase {
  return {
    to,
    ...more,
    probe: async (stage, change) => {
      const client = await stage.join({ clientId: "client" });
      change();
      return await probe(client, stage);
    },
  };
}

/** The change comes before CONNECT, whose answer tells it. */
export function told(to: number, fields: packets.ConnectFields = {}): ChangeCase {
  return later(to, (stage) => stage.visit().connect({ clientId: "client", ...fields }));
}

/** A subscriber that takes nothing is there when the change comes; another client publishes then. */
export function stalled(
  to: number,
  probe: (publisher: Visitor, stage: Stage, subscriber: Visitor) => Promise<unknown>,
  more: Omit<ChangeCase, "to" | "probe"> = {},
): ChangeCase {
  return meanwhile(to, async (publisher, stage) => {
    const subscriber = await stage.join({ clientId: "stalled" });
    await subscriber.send(packets.subscribe({ "a": 0 }, V5));
    subscriber.pipe.stall(true);
    return await probe(publisher, stage, subscriber);
  }, more);
}

/** A session waits for its client when the change comes, and messages for it come then. */
export function waiting(
  to: number,
  more: Omit<ChangeCase, "to" | "probe"> = {},
): ChangeCase {
  return meanwhile(to, async (publisher, stage) => {
    const session = { clientId: "away", clean: false, properties: "11 00000e10" };
    const subscriber = await stage.join(session);
    await subscriber.send(packets.subscribe({ "a": 1 }, V5));
    await subscriber.leave();
    const answers: string[] = [];
    for (let packetId = 1; packetId <= 3; packetId++) {
      const fields = { ...V5, qos: 1, packetId } as const;
      answers.push(await publisher.send(packets.publish("a", "x".repeat(300), fields)));
    }
    return [answers, stage.broker.stats.dropped.backlog, stage.broker.stats.sessions];
  }, more);
}

/**
 * Lets sockets have some turns of the event loop, unless something holds before. Where the limit
 * has not changed it never comes to hold, and no event says so.
 */
export async function settled(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 50 && !condition(); i++) await new Promise((done) => setTimeout(done, 1));
}
