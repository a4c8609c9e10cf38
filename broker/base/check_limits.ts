/** Checks limits of the broker. */
import { type BrokerLimits, DEFAULT_LIMITS } from "./limits.ts";

/**
 * Fills in the missing limits.
 *
 * @param base The values of missing limits; the defaults by default.
 * @throws {RangeError} If a limit is unknown, not a whole number of 0 or more, or out of range.
 */
export function checkLimits(
  given: Partial<BrokerLimits>,
  base: Readonly<BrokerLimits> = DEFAULT_LIMITS,
): BrokerLimits {
  const limits = { ...base };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new RangeError(`Unknown limit: ${name}`);
    if (!(Number.isSafeInteger(value) && value >= 0)) {
      throw new RangeError(`Cannot use limit ${name}: ${value} is not a whole number of 0 or more`);
    }
    limits[name as keyof BrokerLimits] = value;
  }
  check16Bit(limits, "receiveMaximum", 1, 65_535);
  check16Bit(limits, "inflightMax", 1, 32_767);
  check16Bit(limits, "topicAliasMax", 0, 65_535);
  check16Bit(limits, "keepAliveSecondsMax", 0, 65_535);
  if (limits.replayTurnPercent > 100) {
    const { replayTurnPercent } = limits;
    throw new RangeError(
      `Cannot use limit replayTurnPercent: ${replayTurnPercent} is not 0 to 100`,
    );
  }
  const [fault] = burstFaults(limits);
  if (fault !== undefined) throw new RangeError(`Cannot use limit ${fault.burst}: ${fault.text}`);
  return limits;
}

/** Limits of bursts, and the rates that they belong to. */
const BURSTS = [
  ["addressConnectsBurst", "addressConnectsPerSecondMax", "connection"],
  ["replaySubscribesBurst", "replaySubscribesPerSecondMax", "subscription to a stream"],
  ["loginsDelayedMax", "loginFailuresMax", "login after a failed one"],
] as const;

/** A burst of 0 with a rate. It would refuse everything, which is certainly a mistake. */
export interface BurstFault {
  readonly burst: keyof BrokerLimits;
  readonly rate: keyof BrokerLimits;
  /** The fault, and the correct value. */
  readonly text: string;
}

/** All bursts that are 0 while their rate is not. */
export function burstFaults(limits: Readonly<BrokerLimits>): BurstFault[] {
  return BURSTS.filter(([burst, rate]) => limits[burst] === 0 && limits[rate] > 0)
    .map(([burst, rate, what]) => ({
      burst,
      rate,
      text: `0 would refuse every ${what} while ${rate} is ${limits[rate]}; ` +
        `give 1 or more, or ${rate} 0 for no limit`,
    }));
}

function check16Bit(limits: BrokerLimits, name: keyof BrokerLimits, min: number, max: number) {
  const value = limits[name];
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Cannot use limit ${name}: ${value} is not a whole number, ${min} to ${max}`,
    );
  }
}
