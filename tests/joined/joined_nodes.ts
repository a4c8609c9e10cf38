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

/** `Deno.test(name, fn)`, as all these tests are declared. One that fails may leave things open. */
const register = (name: string, fn: (context: Deno.TestContext) => void | Promise<void>) => {
  const holds = !isExcluded(name);
  const run = (context: Deno.TestContext) => runUnlessExcluded(name, async () => await fn(context));
  test({ name, fn: run, sanitizeOps: holds, sanitizeResources: holds });
};
Object.assign(Deno, { test: Object.assign(register, test) });
