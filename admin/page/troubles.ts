/**
 * What is wrong with a broker right now, in words.
 *
 * @module
 */
import type { BrokerLimits } from "../../broker/base/limits.ts";
import type { DropReason, LimitReason } from "../../broker/base/stats.ts";
import type { Readiness } from "../../broker/inspection.ts";
import type { CertificateInfo } from "../metrics/instruments.ts";
import type { Totals } from "../metrics/session_totals.ts";

/** Something that is wrong. */
export interface Trouble {
  /** Whether something does not work (`bad`), or will not, or should be known (`warn`). */
  readonly level: "bad" | "warn";
  readonly text: string;
  /** The client that it is about. */
  readonly clientId?: string;
}

/** What troubles are found in. */
export interface Symptoms {
  readonly readiness: Readiness;
  /** Listeners for MQTT that are open; `null` if that is not known. */
  readonly openListeners: number | null;
  readonly loopLagMs: number;
  readonly certificates: readonly CertificateInfo[];
  /** The wall clock, in milliseconds since 1970. */
  readonly wallMs: number;
  readonly totals: Totals;
  readonly limits: Readonly<BrokerLimits>;
  readonly heldBytes: number;
  readonly heldBytesMax: number;
  /** What has grown in the last minute. */
  readonly dropped: readonly (readonly [string, number])[];
  readonly limited: readonly (readonly [string, number])[];
  readonly failed: Readonly<Record<"commits" | "logins" | "internal", number>>;
  /** What was wrong with the store when it was opened; `null` for nothing. */
  readonly storeDamage: string | null;
}

/** A certificate that ends sooner is told of. */
const CERTIFICATE_DAYS = 14;
/** Bytes that wait for a client before it is told of. */
const LAG_BYTES = 1024 * 1024;
/** The part of a session's backlog that may be used before it is told of. */
const BACKLOG_SHARE = 0.8;
/** The part of the budget of memory that may be used before it is told of. */
const MEMORY_SHARE = 0.8;
/** How late the event loop may be before it is told of, in milliseconds. */
const LOOP_LAG_MS = 100;
const DAY_MS = 86_400_000;

const DROPS: Readonly<Record<DropReason, string>> = {
  "lag": "a subscriber of QoS 0 was too far behind",
  "backlog": "the backlog of a session was full",
  "outside-mount": "the topic was outside a mount point",
  "expired": "they expired before they could be sent",
  "too-large": "larger than the client's Maximum Packet Size",
  "payload-too-large": "the payload was too large for the listener",
  "transform": "refused by the program's transform",
  "deliver": "kept from a client by the program",
  "retained-full": "no room for another retained message",
  "delayed": "no room for a delayed message, or its topic was not valid",
  "session-ended": "their session ended while they waited",
  "not-authorized": "the publisher had no right to the topic",
  "stream-full": "the disk was full, so a stream has a gap",
  "undeliverable": "refused by the members of a group",
  "stream-gap": "they left a stream before its reader had got there",
  "read-denied": "the subscriber had no right to the topic",
};

/** Of these a minute has some in every healthy broker, or they are told of otherwise. */
const USUAL_DROPS: ReadonlySet<string> = new Set<DropReason>([
  "expired",
  "deliver",
  "read-denied",
  "session-ended",
]);
const USUAL_LIMITS: ReadonlySet<string> = new Set<LimitReason>(["busy", "logins", "replay-turn"]);

/** Everything that is wrong, the worst first. */
export function troublesOf(symptoms: Symptoms): Trouble[] {
  const all = [
    ...serviceTroubles(symptoms),
    ...certificateTroubles(symptoms),
    ...memoryTroubles(symptoms),
    ...clientTroubles(symptoms),
    ...recentTroubles(symptoms),
  ];
  return [
    ...all.filter(({ level }) => level === "bad"),
    ...all.filter((one) => one.level !== "bad"),
  ];
}

function* serviceTroubles(
  { readiness, openListeners, loopLagMs, storeDamage }: Symptoms,
): Generator<Trouble> {
  const late = `the event loop is ${Math.round(loopLagMs)} ms late`;
  if (!readiness.takesClients) {
    yield { level: "bad", text: `The broker sheds load: new clients are refused, ${late}` };
  } else if (loopLagMs >= LOOP_LAG_MS) yield { level: "warn", text: `The broker is slow: ${late}` };
  if (!readiness.takesWrites) {
    const text = "The store takes nothing more: QoS 1 and 2 messages for sessions are refused";
    yield { level: "bad", text };
  }
  if (openListeners === 0) yield { level: "bad", text: "No listener for MQTT is open" };
  if (storeDamage !== null) {
    yield { level: "warn", text: `The store was damaged when it was opened: ${storeDamage}` };
  }
}

function* certificateTroubles({ certificates, wallMs }: Symptoms): Generator<Trouble> {
  for (const { listener, expirySeconds } of certificates) {
    const leftMs = expirySeconds * 1000 - wallMs;
    const days = Math.floor(leftMs / DAY_MS);
    const what = `The certificate of ${listener}`;
    if (leftMs <= 0) yield { level: "bad", text: `${what} has ended` };
    else if (days < 1) yield { level: "bad", text: `${what} ends within a day` };
    else if (days < CERTIFICATE_DAYS) {
      yield { level: "warn", text: `${what} ends in ${counted(days, "day")}` };
    }
  }
}

function* memoryTroubles({ readiness, heldBytes, heldBytesMax }: Symptoms): Generator<Trouble> {
  const used = `${bytesText(heldBytes)} of ${bytesText(heldBytesMax)}`;
  if (!readiness.hasMemory) {
    const text = `The budget of memory is used up (${used}): messages and sessions are refused`;
    yield { level: "bad", text };
  } else if (heldBytes >= MEMORY_SHARE * heldBytesMax) {
    yield { level: "warn", text: `The budget of memory is nearly used up: ${used}` };
  }
}

function* clientTroubles({ totals, limits }: Symptoms): Generator<Trouble> {
  const { lagBytesMost, lagMost, lagging, backlogMessagesMost, backlogMost } = totals;
  if (lagBytesMost >= LAG_BYTES && lagMost !== null) {
    const others = lagging > 1
      ? `, and bytes wait for ${counted(lagging - 1, "other client")}`
      : "";
    const text = `Client "${lagMost}" lags ${bytesText(lagBytesMost)}${others}`;
    yield { level: "warn", text, clientId: lagMost };
  }
  const { backlogMessagesMax } = limits;
  const isFull = backlogMessagesMost >= BACKLOG_SHARE * backlogMessagesMax;
  if (isFull && backlogMessagesMost > 0 && backlogMost !== null) {
    const text = `The backlog of client "${backlogMost}" has ${number(backlogMessagesMost)} of ` +
      `${number(backlogMessagesMax)} messages`;
    yield { level: "warn", text, clientId: backlogMost };
  }
}

function* recentTroubles({ dropped, limited, failed }: Symptoms): Generator<Trouble> {
  const recently = "in the last minute";
  if (failed.commits > 0) {
    const text = `${counted(failed.commits, "commit")} to the store failed ${recently}`;
    yield { level: "bad", text };
  }
  if (failed.internal > 0) {
    const text = `${
      counted(failed.internal, "failure")
    } of the broker's own ${recently}: see the log`;
    yield { level: "bad", text };
  }
  for (const [reason, count] of dropped) {
    if (USUAL_DROPS.has(reason)) continue;
    const why = DROPS[reason as DropReason] ?? reason;
    yield { level: "warn", text: `${counted(count, "message")} dropped ${recently}: ${why}` };
  }
  if (failed.logins > 0) {
    yield { level: "warn", text: `${counted(failed.logins, "login")} failed ${recently}` };
  }
  for (const [reason, count] of limited) {
    if (USUAL_LIMITS.has(reason)) continue;
    const times = count === 1 ? "once" : `${number(count)} times`;
    yield { level: "warn", text: `The limit "${reason}" was reached ${times} ${recently}` };
  }
}

function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? "" : "s"}`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function bytesText(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${bytes.toFixed(unit > 0 && bytes < 10 ? 1 : 0)} ${units[unit]}`;
}
