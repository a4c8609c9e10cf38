import { assertEquals } from "@std/assert";
import { PendingMessage } from "../../stream/stream_group.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import type { GroupMember } from "./group_member.ts";
import { GroupRoster } from "./group_roster.ts";

/** A member as its roster sees it. */
class Member {
  readonly exchanges = new Map<PendingMessage, unknown>();
  readonly session: { link: object | null } = { link: {} };
  hasLeft = false;
  isBusy = false;

  constructor(readonly clientId: string) {}

  get isConnected(): boolean {
    return this.session.link !== null;
  }

  isReady(): boolean {
    return this.isConnected && !this.isBusy;
  }
}

function world(isExclusive: boolean, ...names: string[]) {
  const roster = new GroupRoster(DEFAULT_LIMITS, isExclusive);
  const members = names.map((name) => new Member(name));
  for (const member of members) roster.add(member as unknown as GroupMember);
  const choose = (pending: PendingMessage) => {
    roster.chooseActive();
    const chosen = roster.choose(pending);
    return typeof chosen === "string" ? chosen : chosen.clientId;
  };
  return { roster, members, choose };
}

Deno.test("GroupRoster lets members take turns, without those that are away or busy", () => {
  const { members, choose } = world(false, "a", "b", "c");
  const [a, b] = members;
  const chosen = () => [1, 2, 3].map((seq) => choose(new PendingMessage(seq, 0)));
  assertEquals(chosen(), ["a", "b", "c"]);
  b!.session.link = null;
  assertEquals(chosen(), ["a", "c", "a"]);
  a!.isBusy = true;
  assertEquals(chosen(), ["c", "c", "c"]);
  members[2]!.session.link = null;
  assertEquals(choose(new PendingMessage(4, 0)), "nobody yet");
});

Deno.test("GroupRoster gives a message that was delivered twice to a member without others", () => {
  const { members: [a, b], choose } = world(false, "a", "b");
  a!.exchanges.set(new PendingMessage(1, 1), {});
  const again = new PendingMessage(2, 2);
  assertEquals([choose(again), choose(again)], ["b", "b"]);
  b!.exchanges.set(new PendingMessage(3, 1), {});
  assertEquals(choose(again), "nobody yet");
});

Deno.test("GroupRoster says who cannot receive a message, if nobody can", () => {
  const { roster, members: [a, b], choose } = world(false, "a", "b");
  const pending = new PendingMessage(1, 0);
  roster.setUnfit(pending, a as unknown as GroupMember, "too-large");
  assertEquals(choose(pending), "b");
  b!.isBusy = true;
  assertEquals(choose(pending), "nobody yet");
  b!.isBusy = false;
  roster.setUnfit(pending, b as unknown as GroupMember, "read-denied");
  assertEquals([choose(pending), roster.whyNobody(pending)], ["nobody", ["too-large", "a"]]);
  assertEquals(choose(new PendingMessage(2, 0)), "a", "another message");
  b!.session.link = {};
  assertEquals(choose(pending), "b", "it has connected again");
});

Deno.test("GroupRoster gives everything to one member of an exclusive group, while it is connected", () => {
  const { roster, members: [a], choose } = world(true, "a", "b");
  const chosen = () => [1, 2].map((seq) => choose(new PendingMessage(seq, 0)));
  assertEquals(chosen(), ["a", "a"]);
  a!.isBusy = true;
  assertEquals([chosen(), roster.isReady], [["nobody yet", "nobody yet"], false]);
  a!.session.link = null;
  assertEquals(chosen(), ["b", "b"]);
  a!.session.link = {};
  a!.isBusy = false;
  assertEquals(chosen(), ["b", "b"], "the one that has taken over stays");
});

Deno.test("GroupRoster waits until a member of an exclusive group that leaves has acknowledged", () => {
  const { roster, members: [a], choose } = world(true, "a", "b");
  const pending = new PendingMessage(1, 1);
  assertEquals(choose(pending), "a");
  a!.exchanges.set(pending, {});
  a!.hasLeft = true;
  roster.remove(a as unknown as GroupMember);
  assertEquals(choose(new PendingMessage(2, 0)), "nobody yet");
  a!.exchanges.clear();
  assertEquals(choose(new PendingMessage(2, 0)), "b");
});

Deno.test("GroupRoster says which member of an exclusive group another one has taken the place of", () => {
  const { roster, members: [a, b] } = world(true, "a", "b");
  const replaced = () => roster.chooseActive()?.clientId ?? null;
  assertEquals(replaced(), null, "a is the first");
  for (const member of [a, b]) member!.session.link = null;
  assertEquals(replaced(), null, "nobody is connected");
  a!.session.link = {};
  assertEquals(replaced(), null, "a has kept its place");
  b!.session.link = {};
  assertEquals(replaced(), null, "a is connected");
  a!.session.link = null;
  assertEquals([replaced(), replaced()], ["a", null]);
  a!.session.link = {};
  assertEquals(replaced(), null, "b stays");
});

Deno.test("GroupRoster replaces and clears its members", () => {
  const { roster, members: [a, b], choose } = world(false, "a", "b");
  const c = new Member("c") as unknown as GroupMember;
  roster.replace(a as unknown as GroupMember, c);
  assertEquals(roster.members.map(({ clientId }) => clientId), ["c", "b"]);
  roster.remove(b as unknown as GroupMember);
  assertEquals(choose(new PendingMessage(1, 0)), "c");
  assertEquals(roster.clear().map(({ clientId }) => clientId), ["c"]);
  assertEquals([roster.members, roster.isReady], [[], false]);
});
