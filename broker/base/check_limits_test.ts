import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkLimits } from "./check_limits.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

Deno.test("checkLimits() fills in the defaults, and changes only what is given", () => {
  assertEquals(checkLimits({}), DEFAULT_LIMITS);
  assert(checkLimits({}) !== DEFAULT_LIMITS);
  assertEquals(checkLimits({ stallMs: 5 }), { ...DEFAULT_LIMITS, stallMs: 5 });
});

Deno.test("checkLimits() takes undefined for what is not given", () => {
  const given = { stallMs: undefined } as unknown as Parameters<typeof checkLimits>[0];
  assertEquals(checkLimits(given), DEFAULT_LIMITS);
});

Deno.test("checkLimits() rejects what is no whole number of 0 or more", () => {
  for (
    const value of [
      -1,
      0.5,
      1.5,
      2 ** 53,
      NaN,
      Infinity,
      "7" as unknown as number,
      null as unknown as number,
    ]
  ) {
    assertThrows(() => checkLimits({ stallMs: value }), RangeError, "stallMs");
  }
});

Deno.test("checkLimits() rejects names it does not know, inherited ones too", () => {
  for (const name of ["stallMS", "toString", "constructor"]) {
    assertThrows(() => checkLimits({ [name]: 1 }), RangeError, `Unknown limit: ${name}`);
  }
});

Deno.test("checkLimits() keeps what goes over the wire in its field", () => {
  const ranges = {
    receiveMaximum: [1, 65_535],
    inflightMax: [1, 32_767],
    topicAliasMax: [0, 65_535],
    keepAliveSecondsMax: [0, 65_535],
  } as const;
  for (const [name, [min, max]] of Object.entries(ranges)) {
    for (const value of [min, max]) checkLimits({ [name]: value });
    for (const value of [min - 1, max + 1, min + 0.5]) {
      assertThrows(() => checkLimits({ [name]: value }), RangeError, name);
    }
  }
});

Deno.test("checkLimits() rejects a burst of 0 beside a rate: it would shut everybody out", () => {
  const pairs = [
    ["addressConnectsBurst", "addressConnectsPerSecondMax"],
    ["loginsDelayedMax", "loginFailuresMax"],
  ] as const;
  for (const [burst, rate] of pairs) {
    assertThrows(() => checkLimits({ [burst]: 0 }), RangeError, `Cannot use limit ${burst}: 0`);
    assertThrows(() => checkLimits({ [burst]: 0, [rate]: 2 }), RangeError, `${rate} is 2`);
    // Without a rate there is nothing that a burst could be of.
    const free = checkLimits({ [burst]: 0, [rate]: 0 });
    assertThrows(() => checkLimits({ [rate]: 1 }, free), RangeError, `or ${rate} 0 for no limit`);
    assertEquals(checkLimits({ [burst]: 1, [rate]: 1 }, free)[burst], 1);
  }
});

Deno.test("DEFAULT_LIMITS are limits that checkLimits() takes", () => {
  assertEquals(checkLimits(DEFAULT_LIMITS), DEFAULT_LIMITS);
});
