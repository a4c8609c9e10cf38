import { assertEquals, assertThrows } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { ADDRESS_BANS_MAX, BanList, BANS_MAX } from "./ban_list.ts";

const CLIENT = { clientId: "c", username: "u", address: "192.0.2.7:50123" };
const FOR_EVER = { untilMs: Infinity, reason: "" };

Deno.test("BanList compares client identifiers, user names and blocks of addresses", () => {
  const cases = [
    ["clientId", "c", true],
    ["clientId", "C", false],
    ["username", "u", true],
    ["username", "c", false],
    ["address", "192.0.2.7", true],
    ["address", "192.0.2.0/24", true],
    ["address", "192.0.3.0/24", false],
    ["address", "2001:db8::/32", false],
  ] as const;
  for (const [kind, value, isBanned] of cases) {
    const bans = new BanList(new VirtualClock());
    assertEquals(bans.isBanned(CLIENT), false);
    const { id } = bans.add({ kind, value, ...FOR_EVER });
    assertEquals(bans.isBanned(CLIENT), isBanned, `${kind} ${value}`);
    assertEquals(bans.delete(id)?.value, value);
    assertEquals([bans.isBanned(CLIENT), bans.delete(id)], [false, null]);
  }
});

Deno.test("a ban of BanList ends at its time", async () => {
  const clock = new VirtualClock();
  const bans = new BanList(clock);
  bans.add({ kind: "clientId", value: "c", untilMs: clock.now() + 1000, reason: "noisy" });
  assertEquals([bans.isBanned(CLIENT), bans.all().length], [true, 1]);
  await clock.advance(1000);
  assertEquals([bans.isBanned(CLIENT), bans.all().length], [false, 0]);
});

Deno.test("BanList takes no more bans than it may, and replaces one of the same client", () => {
  const bans = new BanList(new VirtualClock());
  for (let i = 0; i < BANS_MAX; i++) bans.add({ kind: "clientId", value: `${i}`, ...FOR_EVER });
  bans.add({ kind: "clientId", value: "0", untilMs: Infinity, reason: "again" });
  assertThrows(() => bans.add({ kind: "username", value: "u", ...FOR_EVER }), RangeError);
  assertEquals(bans.all().length, BANS_MAX);
});

Deno.test("BanList takes no more bans of addresses than it may, and no text that is none", () => {
  const bans = new BanList(new VirtualClock());
  for (let i = 0; i < ADDRESS_BANS_MAX; i++) {
    bans.add({ kind: "address", value: `10.0.${i >> 8}.${i & 255}`, ...FOR_EVER });
  }
  assertThrows(() => bans.add({ kind: "address", value: "10.1.0.0", ...FOR_EVER }), RangeError);
  assertThrows(() => bans.add({ kind: "address", value: "lan", ...FOR_EVER }), TypeError);
});
