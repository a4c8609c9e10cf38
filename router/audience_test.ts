import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { collectGarbage } from "../tests/harness/garbage.ts";
import { Audience } from "./audience.ts";
import type { Member } from "./member.ts";
import { FilterEntry } from "./filter_entry.ts";
import type { Subscription } from "./subscription.ts";
import { subscribers, subscription, TestSubscriber } from "./testdata/subscribers.ts";
import { addUp, retainedVariant, sharedVariant } from "./variant.ts";

type Entry = FilterEntry<TestSubscriber>;

function entries(...filters: string[]): Entry[] {
  return filters.map((filter, id) => new FilterEntry<TestSubscriber>(id, filter));
}

/** The only member of the audience of all of an only subscriber's subscriptions. */
function onlyMember(...subscriptions: Subscription<TestSubscriber>[]): Member<TestSubscriber> {
  const all = subscriptions.map((subscription, id) => {
    const entry = new FilterEntry<TestSubscriber>(id, subscription.filter);
    entry.set(subscription);
    return entry;
  });
  const { members } = new Audience(all);
  assertEquals(members.length, 1);
  return members[0]!;
}

/** The numbers of the members, in order; checks what each knows of its place. */
function ids(audience: Audience<TestSubscriber>): number[] {
  audience.members.forEach((member, index) => assertEquals(member.index, index));
  return audience.members.map(({ subscriber }) => subscriber.id).sort((a, b) => a - b);
}

const [ONE, OTHER] = subscribers(2) as [TestSubscriber, TestSubscriber];

Deno.test("FilterEntry keeps one subscription of each subscriber [MQTT-3.8.4-3]", () => {
  const [entry] = entries("a") as [Entry];
  assert(entry.isEmpty);
  const [first, second, third] = [
    subscription(ONE, "a"),
    subscription(ONE, "a", { qos: 1 }),
    subscription(OTHER, "a"),
  ];
  assertEquals(entry.set(first), undefined);
  assertStrictEquals(entry.set(second), first);
  assertEquals([entry.size, entry.get(OTHER)], [1, undefined]);
  assertEquals(entry.set(third), undefined);
  assertStrictEquals(entry.set(first), second);
  assertEquals([entry.size, entry.isEmpty], [2, false]);
  assertStrictEquals(entry.get(OTHER), third);
  assertStrictEquals(entry.delete(ONE), first);
  assertEquals([entry.delete(ONE), entry.get(ONE), entry.size], [undefined, undefined, 1]);
  assertStrictEquals(entry.delete(OTHER), third);
  assertEquals([entry.size, entry.isEmpty], [0, true]);
});

Deno.test("FilterEntry.forEach() visits every subscription that is not shared", () => {
  const [entry] = entries("a") as [Entry];
  const visited = () => {
    const seen: number[] = [];
    entry.forEach(({ subscriber }) => seen.push(subscriber.id));
    return seen;
  };
  assertEquals(visited(), []);
  entry.group("g").set(subscription(ONE, "$share/g/a"));
  assertEquals(visited(), []);
  for (const subscriber of subscribers(3)) {
    entry.set(subscription(subscriber, "a"));
    assertEquals(visited().length, entry.size);
  }
  assertEquals(visited(), [0, 1, 2]);
});

Deno.test("FilterEntry is not empty while a shared group has a member", () => {
  const [entry] = entries("a") as [Entry];
  // A name that is a numeral, and one that looks like the key of that.
  for (const name of ["7", "g"]) {
    const joined = subscription(ONE, `$share/${name}/a`);
    entry.group(name).set(joined);
    assertStrictEquals(entry.group(name).get(ONE), joined);
    assertEquals(entry.isEmpty, false);
    assertEquals(entry.leaveGroup("other", ONE), undefined);
    assertStrictEquals(entry.leaveGroup(name, ONE), joined);
    assertEquals([entry.groups, entry.isEmpty], [null, true]);
    assertEquals(entry.leaveGroup(name, ONE), undefined);
  }
});

Deno.test("addUp() takes the highest QoS and every identifier [MQTT-3.3.4-2] [MQTT-3.3.4-4]", () => {
  const all = [{ qos: 1, identifier: 5 }, { qos: 2 }, { qos: 0, identifier: 3 }] as const;
  assertEquals(addUp(all.map((options) => subscription(ONE, "a", options))), {
    qos: 2,
    identifiers: [5, 3],
    retainAsPublished: false,
    retained: false,
    shared: null,
  });
  assertEquals(addUp([subscription(ONE, "a")]).identifiers, null);
});

Deno.test("retainedVariant() and sharedVariant() say why a message is sent", () => {
  const asked = subscription(ONE, "$share/g/a", { qos: 1, identifier: 9, retainAsPublished: true });
  const expected = { qos: 1, identifiers: [9], retainAsPublished: true } as const;
  assertEquals(retainedVariant(asked), { ...expected, retained: true, shared: null });
  assertEquals(sharedVariant(asked), { ...expected, retained: false, shared: "$share/g/a" });
  assertStrictEquals(sharedVariant(asked), sharedVariant(asked), "made once");
});

Deno.test("Audience has each subscriber once, with what its subscriptions add up to", () => {
  const member = onlyMember(
    subscription(ONE, "a/+", { qos: 1, identifier: 4 }),
    subscription(ONE, "a/b", { qos: 2, retainAsPublished: true }),
    subscription(ONE, "#", { identifier: 6 }),
  );
  assertEquals([member.qos, member.retainAsPublished, member.own], [2, true, undefined]);
  assertEquals(member.identifiers, [4, 6]);
});

Deno.test("Audience sends nobody its own when all its subscriptions say so [MQTT-3.8.3-3]", () => {
  assertEquals(onlyMember(subscription(ONE, "a", { noLocal: true })).own, null);
  const both = ["a", "#"].map((filter) => subscription(ONE, filter, { noLocal: true }));
  assertEquals(onlyMember(...both).own, null);
});

Deno.test("Audience sends its own as the subscriptions without No Local ask [MQTT-3.8.3-3]", () => {
  const member = onlyMember(
    subscription(ONE, "a", { qos: 2, identifier: 1, noLocal: true, retainAsPublished: true }),
    subscription(ONE, "#", { qos: 1, identifier: 2 }),
    subscription(ONE, "+", { qos: 0, identifier: 3 }),
  );
  assertEquals([member.qos, member.identifiers, member.retainAsPublished], [2, [1, 2, 3], true]);
  assertEquals(member.own, {
    qos: 1,
    identifiers: [2, 3],
    retainAsPublished: false,
    retained: false,
    shared: null,
  });
});

Deno.test("Audience.refresh() takes in who came, changed and left, small and large", () => {
  for (const count of [1, 3, 7, 8, 9, 40]) {
    const all = subscribers(count + 1);
    const [exact, wide] = entries("a", "#") as [Entry, Entry];
    const audience = new Audience([exact, wide]);
    for (const subscriber of all) exact.set(subscription(subscriber, "a"));
    assertEquals(ids(audience), [], "not before refresh()");
    audience.refresh();
    assertEquals(ids(audience), all.map(({ id }) => id));
    const [first] = all as [TestSubscriber];
    wide.set(subscription(first, "#", { qos: 2 }));
    exact.delete(all[count]!);
    audience.refresh();
    assertEquals(ids(audience), all.slice(0, count).map(({ id }) => id));
    assertEquals(audience.members.find(({ subscriber }) => subscriber === first)?.qos, 2);
    wide.delete(first);
    exact.delete(first);
    audience.refresh();
    assertEquals(ids(audience), all.slice(1, count).map(({ id }) => id));
  }
});

Deno.test("Audience.refresh() makes no member anew when nothing has changed", () => {
  const [entry] = entries("a") as [Entry];
  for (const subscriber of subscribers(3)) entry.set(subscription(subscriber, "a"));
  const audience = new Audience([entry]);
  const before = [...audience.members];
  audience.refresh();
  assertEquals(audience.members.every((member, index) => member === before[index]), true);
});

Deno.test("Audience tells its observer of everyone who comes and goes", () => {
  const [entry] = entries("a") as [Entry];
  const audience = new Audience([entry]);
  const known = new Set<Member<TestSubscriber>>();
  audience.observe({
    onAdded: (member) => assert(known.size < known.add(member).size),
    onRemoved: (member) => assert(known.delete(member)),
  });
  const all = subscribers(20);
  for (let round = 0; round < 200; round++) {
    const subscriber = all[round * 7 % 20]!;
    if (entry.delete(subscriber) === undefined) entry.set(subscription(subscriber, "a"));
    if (round % 3 === 0) audience.refresh();
  }
  audience.refresh();
  assertEquals(known, new Set(audience.members));
});

Deno.test("Audience.groups are the shared groups of all its filters", () => {
  const [exact, wide] = entries("a", "#") as [Entry, Entry];
  const audience = new Audience([exact, wide]);
  assertEquals(audience.groups, null);
  const groups = [exact.group("g"), wide.group("g"), wide.group("h")];
  for (const group of groups) group.set(subscription(ONE, "$share/x/y"));
  audience.refresh();
  assertEquals(audience.groups?.map((group, index) => group === groups[index]), [true, true, true]);
  assertEquals(audience.members, []);
  exact.leaveGroup("g", ONE);
  wide.leaveGroup("g", ONE);
  wide.leaveGroup("h", ONE);
  audience.refresh();
  assertEquals(audience.groups, null);
});

Deno.test("Audience that is not looked at holds no more than some of those who left", async () => {
  const [busy, quiet] = entries("a", "b") as [Entry, Entry];
  for (const subscriber of subscribers(20)) quiet.set(subscription(subscriber, "b"));
  const audience = new Audience([busy, quiet]);
  const gone: WeakRef<TestSubscriber>[] = [];
  const comeAndGo = () => {
    const subscriber = new TestSubscriber(gone.length);
    busy.set(subscription(subscriber, "a"));
    busy.delete(subscriber);
    gone.push(new WeakRef(subscriber));
  };
  for (let i = 0; i < 20_000; i++) comeAndGo();
  busy.set(subscription(subscribers(21)[20]!, "a", { qos: 1 }));
  await collectGarbage();
  const held = gone.filter((subscriber) => subscriber.deref() !== undefined).length;
  assert(held <= 600, `${held} are held`);
  audience.refresh();
  assertEquals(ids(audience), [...subscribers(21).keys()]);
  await collectGarbage();
  assertEquals(gone.filter((subscriber) => subscriber.deref() !== undefined).length, 0);
});

/** Counts how often it is asked for one subscriber's subscription. */
class CountingEntry extends FilterEntry<TestSubscriber> {
  asked = 0;

  override get(subscriber: TestSubscriber): Subscription<TestSubscriber> | undefined {
    this.asked++;
    return super.get(subscriber);
  }
}

Deno.test("Audience asks no filter for each member, and once for each that has changed", () => {
  const people = subscribers(40);
  const all = people.map((person, id) => {
    const entry = new CountingEntry(id, `filter/${id}/#`);
    entry.set(subscription(person, entry.filter, { identifier: id + 1 }));
    entry.set(subscription(people[0]!, entry.filter, { identifier: id + 1 }));
    return entry;
  });
  for (const entry of all) entry.asked = 0;
  const audience = new Audience<TestSubscriber>(all);
  assertEquals(ids(audience), people.map(({ id }) => id));
  assertEquals(audience.members.find((m) => m.subscriber === people[0])?.identifiers?.length, 40);
  assertEquals(all.map(({ asked }) => asked), Array(40).fill(0));
  // One subscriber changes its subscription to every filter, as a client may with one packet.
  for (const entry of all) entry.set(subscription(people[0]!, entry.filter, { identifier: 7 }));
  for (const entry of all) entry.asked = 0;
  audience.refresh();
  assertEquals(all.map(({ asked }) => asked), Array(40).fill(1));
  assertEquals(
    audience.members.find((m) => m.subscriber === people[0])?.identifiers,
    Array(40).fill(7),
  );
});
