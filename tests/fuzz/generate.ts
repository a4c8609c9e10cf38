/**
 * Makes up cases, and changes those that have shown something new.
 *
 * @module
 */
import type { ProtocolVersion } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import { CLIENTS, type FuzzCase, type Step } from "./fuzz_case.ts";
import { connectBytes, packetBytes } from "./packets.ts";

/** How many steps a case has at most. */
const STEPS_MAX = 120;
/** How many packets leave in one write at most. */
const BURST_MAX = 8;
/** How many bytes a flood is. */
const FLOOD_BYTES = [3000, 30_000, 30_000, 600_000];
/** How long a step of waiting is, in milliseconds. */
const WAITS_MS = [1, 10, 100, 600, 1100, 2500, 6000, 20_000];
/** Bytes that are at the edge of something. */
const EDGES = [0, 1, 2, 0x0f, 0x10, 0x7f, 0x80, 0x81, 0xc0, 0xf0, 0xff];

/** Makes up a case. */
export function newCase(random: Random): FuzzCase {
  const versions = Array.from({ length: CLIENTS }, () => random.pick([3, 4, 5, 5] as const));
  const steps: Step[] = [];
  const clients = random.integer(1, CLIENTS);
  for (let client = 0; client < clients; client++) greet(random, client, versions[client]!, steps);
  const count = random.integer(4, STEPS_MAX / 2);
  while (steps.length < count) step(random, random.integer(0, clients - 1), versions, steps);
  return { settings: random.integer(0, 0xffff), steps };
}

/** Changes a case a little, or mixes it with another. */
export function changedCase(random: Random, one: FuzzCase, other: FuzzCase): FuzzCase {
  const steps = [...one.steps];
  const versions = Array.from({ length: CLIENTS }, () => random.pick([3, 4, 5, 5] as const));
  for (let changes = random.integer(1, 5); changes > 0; changes--) {
    const at = random.integer(0, steps.length);
    const dice = random.next();
    if (dice < 0.2 && steps.length > 1) steps.splice(at, random.integer(1, 4));
    else if (dice < 0.4) {
      const added: Step[] = [];
      step(random, random.integer(0, CLIENTS - 1), versions, added);
      steps.splice(at, 0, ...added);
    } else if (dice < 0.5) {
      const from = random.integer(0, other.steps.length);
      steps.splice(at, 0, ...other.steps.slice(from, from + random.integer(1, 20)));
    } else if (dice < 0.6 && at < steps.length) {
      steps.splice(at, 0, ...steps.slice(at, at + random.integer(1, 10)));
    } else damageOne(random, steps);
  }
  const settings = random.chance(0.2) ? random.integer(0, 0xffff) : one.settings;
  return { settings, steps: steps.slice(0, STEPS_MAX) };
}

function damageOne(random: Random, steps: Step[]): void {
  if (steps.length === 0) return;
  const at = random.integer(0, steps.length - 1);
  const chosen = steps[at]!;
  if (chosen.do !== "send") return;
  steps[at] = { ...chosen, bytes: damaged(random, chosen.bytes) };
}

function step(
  random: Random,
  client: number,
  versions: readonly ProtocolVersion[],
  steps: Step[],
): void {
  const version = versions[client]!;
  const dice = random.next();
  if (dice < 0.775) send(random, client, version, steps);
  else if (dice < 0.78) flood(random, client, version, steps);
  else if (dice < 0.84) greet(random, client, version, steps);
  else if (dice < 0.9) steps.push({ do: "wait", ms: random.pick(WAITS_MS) });
  else if (dice < 0.94) steps.push({ do: random.pick(["stall", "resume"] as const), client });
  else if (dice < 0.96) steps.push({ do: random.pick(["end", "cut"] as const), client });
  else if (dice < 0.98) steps.push({ do: "open", client });
  else steps.push({ do: "send", client, bytes: random.bytes(random.integer(1, 30)), times: 1 });
}

function greet(random: Random, client: number, version: ProtocolVersion, steps: Step[]): void {
  steps.push({ do: "open", client });
  const bytes = connectBytes(random, version);
  steps.push({
    do: "send",
    client,
    bytes: random.chance(0.05) ? damaged(random, bytes) : bytes,
    times: 1,
  });
}

/** Some packets in one write, or one packet in two. */
function send(random: Random, client: number, version: ProtocolVersion, steps: Step[]): void {
  const packets: Uint8Array[] = [];
  const first = packetBytes(random, version);
  // A run is several of the same.
  const isRun = random.chance(0.2);
  for (let left = random.integer(1, BURST_MAX); left > 0; left--) {
    packets.push(isRun ? first : packetBytes(random, version));
  }
  let bytes = joined(packets);
  if (random.chance(0.12)) bytes = damaged(random, bytes);
  if (random.chance(0.2) && bytes.length > 1) {
    const cut = random.integer(1, bytes.length - 1);
    steps.push({ do: "send", client, bytes: bytes.slice(0, cut), times: 1 });
    steps.push({ do: "send", client, bytes: bytes.slice(cut), times: 1 });
  } else steps.push({ do: "send", client, bytes, times: 1 });
}

/** A great many of one packet, of a client that takes nothing in return as often as not. */
function flood(random: Random, client: number, version: ProtocolVersion, steps: Step[]): void {
  if (random.chance(0.5)) steps.push({ do: "stall", client });
  const bytes = packetBytes(random, version);
  const times = Math.max(1, Math.floor(random.pick(FLOOD_BYTES) / bytes.length));
  steps.push({ do: "send", client, bytes, times });
}

function damaged(random: Random, original: Uint8Array): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(original);
  for (let changes = random.integer(1, 3); changes > 0 && bytes.length > 0; changes--) {
    const at = random.integer(0, bytes.length - 1);
    const dice = random.next();
    if (dice < 0.35) bytes[at] = random.pick(EDGES);
    else if (dice < 0.5) bytes[at]! ^= 1 << random.integer(0, 7);
    else if (dice < 0.6) bytes[at] = random.integer(0, 255);
    else if (dice < 0.75) bytes = bytes.slice(0, at);
    else if (dice < 0.9) {
      bytes = joined([
        bytes.subarray(0, at),
        random.bytes(random.integer(1, 4)),
        bytes.subarray(at),
      ]);
    } else bytes = joined([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 4))]);
  }
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
