import { assertEquals, assertStrictEquals } from "@std/assert";
import { chainHooks } from "./hook_chain.ts";
import type { BrokerHooks, LimitInfo } from "./hooks.ts";

const INFO: LimitInfo = { reason: "memory", address: null, clientId: null };

/** Hooks that take down their name. */
function hooks(name: string, told: string[]): BrokerHooks {
  return { limited: ({ reason }) => void told.push(`${name} ${reason}`) };
}

function fail(error: unknown): void {
  throw error;
}

Deno.test("chainHooks() calls all in turn", () => {
  const told: string[] = [];
  const chained = chainHooks([hooks("a", told), hooks("b", told)], fail);
  chained.limited!(INFO);
  assertEquals(told, ["a memory", "b memory"]);
});

Deno.test("chainHooks() has no hook that nobody has", () => {
  const told: string[] = [];
  const chained = chainHooks([hooks("a", told), { busy: () => void told.push("busy") }, {}], fail);
  assertEquals(Object.keys(chained).sort(), ["busy", "limited"]);
  chained.busy!(true, 1);
  chained.limited!(INFO);
  assertEquals(told, ["busy", "a memory"]);
});

Deno.test("chainHooks() leaves out a hook that is undefined", () => {
  const told: string[] = [];
  const none = { limited: undefined } as unknown as BrokerHooks;
  chainHooks([none, hooks("b", told)], fail).limited!(INFO);
  assertEquals(told, ["b memory"]);
});

Deno.test("chainHooks() calls the others when one throws, and reports its error", () => {
  const told: string[] = [];
  const errors: unknown[] = [];
  const error = new Error("of the program");
  const bad: BrokerHooks = { limited: () => fail(error) };
  const chained = chainHooks([hooks("a", told), bad, hooks("b", told)], (e) => errors.push(e));
  chained.limited!(INFO);
  assertEquals([told, errors], [["a memory", "b memory"], [error]]);
});

Deno.test("chainHooks() costs nothing where there is one set of hooks", () => {
  const only = hooks("a", []);
  assertStrictEquals(chainHooks([only], fail), only);
});

Deno.test("chainHooks() calls each hook on its own object", () => {
  const told: string[] = [];
  class Program {
    readonly name = "program";
    readonly limited = function (this: Program): void {
      told.push(this.name);
    };
  }
  chainHooks([new Program(), {}], fail).limited!(INFO);
  assertEquals(told, ["program"]);
});
