/** Where the conversations of tests take place: on real listeners, or on a network in memory. */
import { assert } from "@std/assert";
import type { Broker } from "../../mod.ts";
import type { BytePipe } from "../harness/byte_pipe.ts";
import { eventually } from "../harness/eventually.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";
import { inMemory, type Setting, withSockets } from "./site.ts";

/** Where a conversation takes place. */
export interface Stage extends AsyncDisposable {
  readonly broker: Broker;
  /** Opens a connection to one of its listeners. */
  dial(listener: number): Promise<BytePipe>;
  /** Waits until the condition holds. */
  until(condition: () => boolean): Promise<void>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
}

/** A stage with real listeners. */
export async function realStage(setting: Setting): Promise<Stage> {
  const site = await withSockets(setting);
  return {
    broker: site.broker,
    dial: (listener) => Deno.connect({ hostname: "127.0.0.1", port: site.port(listener) }),
    async until(condition) {
      await eventually(`${condition}`, condition);
    },
    pass() {
      throw new TypeError("Only a timeTest can let time pass");
    },
    [Symbol.asyncDispose]: () => site.close(),
  };
}

/** A stage in memory, where chance depends on the name of the test alone. */
export function virtualStage(setting: Setting): Promise<Stage> {
  const clock = new VirtualClock();
  /** The listener that each connection was made to. */
  const dialled: number[] = [];
  const network = new VirtualNetwork({
    seed: seedOf(setting.name),
    clock,
    maxDelayMs: 0,
    windowBytes: 2 ** 24,
    accept: (pipe, { number }) => site.accept(pipe, dialled[number]!),
  });
  const site = inMemory(setting, clock, network.random.fork());
  return Promise.resolve({
    broker: site.broker,
    dial(listener) {
      dialled.push(listener);
      return Promise.resolve(atThisInstant(network.connect(), clock));
    },
    async until(condition) {
      await clock.advance(0);
      assert(condition(), `Does not hold by now: ${condition}`);
    },
    pass: (ms) => clock.advance(ms),
    async [Symbol.asyncDispose]() {
      let isClosed = false;
      const closing = site.close().then(() => isClosed = true);
      assert(await clock.advanceUntil(() => isClosed, 60_000), "The broker does not close");
      await closing;
    },
  });
}

function seedOf(name: string): number {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  return seed;
}

/** A pipe on which everything happens at once or never: the clock stands still meanwhile. */
function atThisInstant(pipe: BytePipe, clock: VirtualClock): BytePipe {
  const drive = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settle = () => void (isSettled = true);
    promise.then(settle, settle);
    await clock.advance(0);
    if (!isSettled) throw new Error("Nothing happens any more unless time passes");
    return promise;
  };
  return {
    read: (target) => drive(pipe.read(target)),
    write: (bytes) => drive(pipe.write(bytes)),
    close: () => pipe.close(),
  };
}
