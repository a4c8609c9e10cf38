import { assertEquals } from "@std/assert";
import { LastMinute } from "./last_minute.ts";
import { type Symptoms, troublesOf } from "./troubles.ts";
import { NOTHING } from "../metrics/session_totals.ts";
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";

const DAY_MS = 86_400_000;

const WELL: Symptoms = {
  readiness: { takesClients: true, takesWrites: true, hasMemory: true },
  openListeners: 1,
  loopLagMs: 3,
  certificates: [],
  wallMs: 1000 * DAY_MS,
  totals: NOTHING,
  limits: DEFAULT_LIMITS,
  heldBytes: 10,
  heldBytesMax: 100,
  dropped: [],
  limited: [],
  failed: { commits: 0, logins: 0, internal: 0 },
  storeDamage: null,
};

function textsOf(symptoms: Partial<Symptoms>): string[] {
  return troublesOf({ ...WELL, ...symptoms }).map(({ level, text }) => `${level}: ${text}`);
}

const ending = (days: number) => [{
  listener: "listener 8883",
  expirySeconds: (1000 + days) * 86_400,
}];

Deno.test("troublesOf() says nothing of a broker that is well", () => {
  assertEquals(textsOf({}), []);
  assertEquals(textsOf({ certificates: ending(15), openListeners: null }), []);
  const usual = [["expired", 5], ["session-ended", 2]] as const;
  assertEquals(textsOf({ dropped: usual }), []);
});

Deno.test("troublesOf() tells what does not work, in words", () => {
  const readiness = { takesClients: false, takesWrites: false, hasMemory: false };
  assertEquals(textsOf({ readiness, loopLagMs: 350, openListeners: 0, heldBytes: 100 }), [
    "bad: The broker sheds load: new clients are refused, the event loop is 350 ms late",
    "bad: The store takes nothing more: QoS 1 and 2 messages for sessions are refused",
    "bad: No listener for MQTT is open",
    "bad: The budget of memory is used up (100 bytes of 100 bytes): messages and sessions are refused",
  ]);
  assertEquals(textsOf({ loopLagMs: 150, heldBytes: 85, storeDamage: "a page made no sense" }), [
    "warn: The broker is slow: the event loop is 150 ms late",
    "warn: The store was damaged when it was opened: a page made no sense",
    "warn: The budget of memory is nearly used up: 85 bytes of 100 bytes",
  ]);
});

Deno.test("troublesOf() tells when a certificate ends", () => {
  assertEquals(textsOf({ certificates: ending(9.5) }), [
    "warn: The certificate of listener 8883 ends in 9 days",
  ]);
  assertEquals(textsOf({ certificates: ending(1.5) }), [
    "warn: The certificate of listener 8883 ends in 1 day",
  ]);
  assertEquals(textsOf({ certificates: ending(0.5) }), [
    "bad: The certificate of listener 8883 ends within a day",
  ]);
  assertEquals(textsOf({ certificates: ending(-1) }), [
    "bad: The certificate of listener 8883 has ended",
  ]);
});

Deno.test("troublesOf() names the client that lags most, and the one whose backlog fills", () => {
  const totals = {
    ...NOTHING,
    lagging: 3,
    lagBytesMost: 12_345_678,
    lagMost: "camera",
    backlogMessagesMost: 90,
    backlogMost: "away",
  };
  const limits = { ...DEFAULT_LIMITS, backlogMessagesMax: 100 };
  const all = troublesOf({ ...WELL, totals, limits });
  assertEquals(all.map(({ text, clientId }) => [clientId, text]), [
    ["camera", 'Client "camera" lags 12 MB, and bytes wait for 2 other clients'],
    ["away", 'The backlog of client "away" has 90 of 100 messages'],
  ]);
});

Deno.test("troublesOf() tells what has happened in the last minute, the worst first", () => {
  const failed = { commits: 1, logins: 2, internal: 0 };
  const dropped = [["backlog", 1204]] as const;
  const limited = [["connections", 1], ["busy", 4], ["sessions", 3]] as const;
  assertEquals(textsOf({ failed, dropped, limited }), [
    "bad: 1 commit to the store failed in the last minute",
    "warn: 1,204 messages dropped in the last minute: the backlog of a session was full",
    "warn: 2 logins failed in the last minute",
    'warn: The limit "connections" was reached once in the last minute',
    'warn: The limit "sessions" was reached 3 times in the last minute',
  ]);
});

Deno.test("LastMinute forgets what grew more than a minute ago", () => {
  const minute = new LastMinute();
  assertEquals(minute.grown(), []);
  minute.add({ lag: 5, backlog: 0 }, 0);
  minute.add({ lag: 7, backlog: 0 }, 1000);
  assertEquals(minute.grown(), [["lag", 2]]);
  for (let second = 2; second <= 61; second++) minute.add({ lag: 7, backlog: 0 }, second * 1000);
  assertEquals(minute.grown(), []);
});

Deno.test("LastMinute does not tell what grew while nobody looked as of the last minute", () => {
  const minute = new LastMinute();
  minute.add({ lag: 5 }, 0);
  minute.add({ lag: 900 }, 3_600_000);
  assertEquals(minute.grown(), []);
  minute.add({ lag: 901 }, 3_601_000);
  assertEquals(minute.grown(), [["lag", 1]]);
});
