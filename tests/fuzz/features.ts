/**
 * What of a broker a case has shown: the stand-in for coverage, made of what can be told from
 * outside and from what is counted. Texts of errors count most: each has a place of its own in the
 * code.
 *
 * @module
 */
import type { BrokerHooks } from "../../broker/base/hooks.ts";
import type { BrokerCounters } from "../../broker/base/stats.ts";

/** Collects features while a case runs. */
export class Features {
  /** All that were seen. */
  readonly seen: Set<string> = new Set();

  /** Notes one. */
  add(feature: string): void {
    this.seen.add(feature);
  }

  /** The hooks of a broker that note what they are told. */
  hooks(failed: (error: unknown) => void): BrokerHooks {
    return {
      connected: ({ protocolVersion }) => this.add(`connected ${protocolVersion}`),
      disconnected: ({ protocolVersion }, { reasonCode, by, error }) => {
        this.add(`gone ${protocolVersion} ${by} ${reasonCode} ${plain(error)}`);
      },
      refused: (_, __, reasonCode) => this.add(`refused ${reasonCode}`),
      published: ({ qos, retain }) => this.add(`published ${qos} ${retain}`),
      dropped: ({ reason, clientId }) => this.add(`dropped ${reason} ${clientId === null}`),
      limited: ({ reason, clientId }) => this.add(`limited ${reason} ${clientId === null}`),
      loginFailed: ({ reasonCode }) => this.add(`login failed ${reasonCode}`),
      failed,
    };
  }

  /** Notes which counters have moved, and roughly how far. */
  count(stats: BrokerCounters): void {
    this.#countAll("", stats);
  }

  #countAll(path: string, counters: object): void {
    for (const [name, value] of Object.entries(counters)) {
      if (typeof value === "object") this.#countAll(`${path}${name}.`, value);
      else if (value > 0) {
        this.add(`stats ${path}${name} ${Math.min(8, Math.floor(Math.log2(value)))}`);
      }
    }
  }
}

/** The text of an error, without what differs from one time to the next. */
function plain(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.message.replaceAll(/\d+/g, "0").replaceAll(/: .*$/g, "").slice(0, 60);
}
