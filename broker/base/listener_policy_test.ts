import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ListenerPolicy } from "./listener_policy.ts";
import type { ListenerRules } from "./listener_options.ts";
import { type BrokerOptions, settingsOf } from "./options.ts";
import { BrokerCounters } from "./stats.ts";

function policyOf(rules: ListenerRules, options: BrokerOptions = {}): ListenerPolicy {
  return new ListenerPolicy(settingsOf(options), new BrokerCounters(), rules);
}

const someone = { authenticate: () => ({ reasonCode: 0 }) };
const nobody = { mayPublish: () => false, maySubscribe: () => false };

Deno.test("the rules in effect are those of the broker where a listener says nothing", () => {
  const { effective } = policyOf({}, {
    authenticator: someone,
    authorizer: nobody,
    maximumQoS: 1,
    limits: { packetBytesMax: 77 },
  });
  assertStrictEquals(effective.authenticator, someone);
  assertStrictEquals(effective.authorizer, nobody);
  assertEquals([effective.maximumQoS, effective.packetBytesMax, effective.leniency], [1, 77, null]);
});

Deno.test("rules of a listener go before the broker's rules, and those before its settings", () => {
  const options = { authorizer: nobody, rules: { maximumQoS: 1, packetBytesMax: 50 } } as const;
  assertEquals(policyOf({}, options).effective.packetBytesMax, 50);
  const { effective } = policyOf({ packetBytesMax: 70, authorizer: null }, options);
  assertEquals([effective.maximumQoS, effective.packetBytesMax, effective.authorizer], [
    1,
    70,
    null,
  ]);
});

Deno.test("a listener cannot offer the retained messages that the broker does not keep", () => {
  const { effective } = policyOf({ retainAvailable: true }, { retainAvailable: false });
  assert(!effective.retainAvailable);
});

Deno.test("a policy takes no value that is out of range", () => {
  const wrong: ListenerRules[] = [
    { inflightMax: 0 },
    { receiveMaximum: 65_536 },
    { topicAliasMax: -1 },
    { keepAliveSecondsMax: 1.5 },
    { connectionsMax: NaN },
    { protocolVersions: [] },
  ];
  for (const rules of wrong) {
    assertThrows(() => policyOf(rules), RangeError, Object.keys(rules)[0]);
  }
});

Deno.test("update() changes what holds from now on, all or nothing", () => {
  const policy = policyOf({ name: "a", receiveMaximum: 7 });
  const before = policy.effective;
  assertThrows(() => policy.update({ inflightMax: 0 }), RangeError);
  assertStrictEquals(policy.effective, before);
  policy.update({ name: "b" });
  assertEquals([policy.name, policy.effective.receiveMaximum], ["b", 1024]);
  assertEquals(before.receiveMaximum, 7);
});
