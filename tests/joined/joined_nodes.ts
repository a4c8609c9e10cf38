/**
 * Has the brokers of a test run be two brokers that are joined, as those of two workers are:
 * `deno test --preload FILE …`. Tests that make brokers by themselves run as ever.
 *
 * @module
 */
import { Broker } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import { isExcluded, runUnlessExcluded } from "./exclusions.ts";
import { joined } from "./joined_broker.ts";

brokers.make = (options = {}) => joined([new Broker(options), new Broker(options)], options);
brokers.open = async (newStore, options = {}) => {
  const open = () => Broker.open(newStore(), options);
  return joined([await open(), await open()], options);
};
brokers.flags = ["--allow-ffi", "--preload", new URL(import.meta.url).pathname];

const { test } = Deno;

/** The names of the tests on real listeners, without "(TCP)". */
const onListeners = new Set<string>();

/** Whether a test in memory has the same conversation as one on real listeners: that one is enough. */
function isTold(name: string): boolean {
  if (name.endsWith("(TCP)")) onListeners.add(name.slice(0, -"(TCP)".length));
  return name.endsWith("(in memory)") && onListeners.has(name.slice(0, -"(in memory)".length));
}

/** `Deno.test(name, fn)`, as all these tests are declared. One that fails may leave things open. */
const register = (name: string, fn: (context: Deno.TestContext) => void | Promise<void>) => {
  if (isTold(name)) return;
  const holds = !isExcluded(name);
  const run = (context: Deno.TestContext) => runUnlessExcluded(name, async () => await fn(context));
  test({ name, fn: run, sanitizeOps: holds, sanitizeResources: holds });
};
Object.assign(Deno, { test: Object.assign(register, test) });
