/**
 * What is done to a broker, step by step; as text, so that a finding can be kept, read and run
 * again.
 *
 * @module
 */

/** How many clients a case has. */
export const CLIENTS = 4;

/** One thing that is done. */
export type Step =
  /** A client opens a connection; the one it had goes on without a word. */
  | { readonly do: "open"; readonly client: number }
  /** It sends bytes, so many times over: in one piece. */
  | {
    readonly do: "send";
    readonly client: number;
    readonly bytes: Uint8Array;
    readonly times: number;
  }
  /** It sends no more, is cut off, reads nothing more, or reads again. */
  | { readonly do: "end" | "cut" | "stall" | "resume"; readonly client: number }
  /** Time passes. */
  | { readonly do: "wait"; readonly ms: number };

/** A whole case. */
export interface FuzzCase {
  /** Decides on the options of the broker and on what its pipes are like. */
  readonly settings: number;
  readonly steps: readonly Step[];
}

/** Says a case in lines. */
export function formatCase({ settings, steps }: FuzzCase): string {
  return `settings ${settings}\n${steps.map((step) => `${formatStep(step)}\n`).join("")}`;
}

/**
 * Reads what {@linkcode formatCase} has written.
 *
 * @throws {SyntaxError} If a line is none of a case.
 */
export function parseCase(text: string): FuzzCase {
  let settings = 0;
  const steps: Step[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const [verb = "", first = "", hex = "", times = "1"] = line.split(" ");
    const number = Number(first);
    if (verb === "settings") settings = number;
    else if (verb === "wait") steps.push({ do: verb, ms: number });
    else if (!(number >= 0 && number < CLIENTS)) {
      throw new SyntaxError(`Line ${index + 1}: ${line}`);
    } else if (verb === "send") {
      steps.push({
        do: verb,
        client: number,
        bytes: Uint8Array.fromHex(hex),
        times: Number(times),
      });
    } else if (isPlain(verb)) steps.push({ do: verb, client: number });
    else throw new SyntaxError(`Line ${index + 1}: ${line}`);
  }
  return { settings, steps };
}

function formatStep(step: Step): string {
  if (step.do === "wait") return `wait ${step.ms}`;
  if (step.do === "send") {
    const times = step.times === 1 ? "" : ` ${step.times}`;
    return `send ${step.client} ${step.bytes.toHex()}${times}`;
  }
  return `${step.do} ${step.client}`;
}

function isPlain(verb: string): verb is "open" | "end" | "cut" | "stall" | "resume" {
  return ["open", "end", "cut", "stall", "resume"].includes(verb);
}

/**
 * How many stimuli a case is: packets, whole or begun, and everything else that is done. A flood of
 * one packet is one.
 */
export function countInputs(steps: readonly Step[]): number {
  let inputs = 0;
  for (const step of steps) inputs += step.do === "send" ? countFrames(step.bytes) : 1;
  return inputs;
}

function countFrames(bytes: Uint8Array): number {
  let frames = 0;
  for (let at = 0; at < bytes.length; frames++) {
    let length = 0;
    let shift = 0;
    let digits = at + 1;
    for (; digits < bytes.length && shift < 28; digits++, shift += 7) {
      length |= (bytes[digits]! & 0x7f) << shift;
      if (bytes[digits]! < 0x80) break;
    }
    at = digits + 1 + length;
  }
  return frames;
}
