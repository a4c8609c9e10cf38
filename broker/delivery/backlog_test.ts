import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { newSeed, randomFrom } from "../../router/testdata/random_topics.ts";
import type { Variant } from "../../router/variant.ts";
import { Backlog, type MessageFollows, messageLog } from "./backlog.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import type { BacklogPlace } from "./waiting_message.ts";

/** What a message of one byte to topic `t` weighs, in bytes. */
const WEIGHT = message("t", "x").weight;

function push(backlog: Backlog, text: string, how: Variant = variant()): void {
  backlog.push(message("t", text), how);
}

/** A reason to follow that counts how often the backlog has left. */
function reason(how: Variant = variant()): MessageFollows & { count: number } {
  return {
    variant: how,
    count: 0,
    onLeft() {
      this.count++;
    },
    onAttached() {},
  };
}

/** Takes the messages out one by one, as a session that sends them does. */
function take(backlog: Backlog, max = Infinity): string[] {
  const texts: string[] = [];
  while (texts.length < max) {
    const next = backlog.peek();
    if (next === null) break;
    assertStrictEquals(backlog.peek(), next, "it stays until it is passed");
    texts.push(textOf(next));
    backlog.shift();
  }
  return texts;
}

function amount(backlog: Backlog): number[] {
  return [backlog.messages, backlog.bytes];
}

Deno.test("Backlog of nothing has nothing to send", () => {
  const backlog = new Backlog();
  assertEquals([backlog.peek(), backlog.following, ...amount(backlog)], [null, null, 0, 0]);
  backlog.shift();
  backlog.leave();
  assertEquals([...backlog.drain()], []);
  assertEquals(backlog.trim(0, 0), 0);
});

Deno.test("Backlog.push() keeps messages in order, and counts them", () => {
  const backlog = new Backlog();
  for (const text of ["1", "2", "3"]) push(backlog, text);
  assertEquals(amount(backlog), [3, 3 * WEIGHT]);
  assertEquals(take(backlog, 1), ["1"]);
  assertEquals(amount(backlog), [2, 2 * WEIGHT]);
  push(backlog, "4");
  assertEquals(take(backlog), ["2", "3", "4"]);
  assertEquals(amount(backlog), [0, 0]);
});

Deno.test("Backlog.variant is how the next message is sent", () => {
  const backlog = new Backlog();
  const [one, other] = [variant({ qos: 1 }), variant({ qos: 2 })];
  push(backlog, "1", one);
  push(backlog, "2", one);
  push(backlog, "3", other);
  push(backlog, "4", one);
  const variants: Variant[] = [];
  for (let next = backlog.peek(); next !== null; next = backlog.peek()) {
    variants.push(backlog.variant);
    backlog.shift();
  }
  assert(variants.every((how, i) => how === [one, one, other, one][i]));
});

Deno.test("Backlog.follow() has what is appended to a shared log from now on", () => {
  const [first, second] = [new Backlog(), new Backlog()];
  const log = messageLog();
  const append = (text: string) => log.append(message("t", text).keep());
  append("0");
  first.follow(log, reason());
  append("1");
  second.follow(log, reason());
  append("2");
  assertEquals([amount(first), amount(second)], [[2, 2 * WEIGHT], [1, WEIGHT]]);
  assertStrictEquals(first.following, log);
  assertEquals([take(first), take(second)], [["1", "2"], ["2"]]);
  append("3");
  assertEquals([take(first), take(second)], [["3"], ["3"]]);
});

Deno.test("Backlog keeps the order over logs of its own and shared ones", () => {
  const backlog = new Backlog();
  const [a, b] = [messageLog(), messageLog()];
  const [whyA, whyB] = [reason(), reason()];
  push(backlog, "1");
  backlog.follow(a, whyA);
  a.append(message("t", "2"));
  push(backlog, "3");
  assertEquals([whyA.count, backlog.following], [1, null]);
  a.append(message("t", "not for us"));
  backlog.follow(b, whyB);
  b.append(message("t", "4"));
  backlog.follow(a, whyA);
  b.append(message("t", "not for us"));
  a.append(message("t", "5"));
  assertEquals([whyA.count, whyB.count], [1, 1]);
  assertEquals(amount(backlog), [5, 5 * WEIGHT]);
  assertEquals(take(backlog), ["1", "2", "3", "4", "5"]);
  assertEquals(amount(backlog), [0, 0]);
});

Deno.test("Backlog.leave() keeps what waits and takes no more", () => {
  const backlog = new Backlog();
  const log = messageLog();
  const [why, other] = [reason(), reason()];
  backlog.follow(log, why);
  log.append(message("t", "1"));
  backlog.leave(other);
  log.append(message("t", "2"));
  assertEquals([why.count, other.count], [0, 0]);
  backlog.leave(why);
  backlog.leave(why);
  log.append(message("t", "3"));
  assertEquals([why.count, ...amount(backlog)], [1, 2, 2 * WEIGHT]);
  assertEquals(take(backlog), ["1", "2"]);
});

Deno.test("Backlog.trim() passes the oldest until few enough are left", () => {
  const backlog = new Backlog();
  for (let i = 0; i < 10; i++) push(backlog, `${i}`);
  assertEquals(backlog.trim(10, 10 * WEIGHT), 0);
  assertEquals(backlog.trim(8, Infinity), 2);
  assertEquals(backlog.trim(100, 5 * WEIGHT), 3);
  assertEquals(take(backlog), ["5", "6", "7", "8", "9"]);
});

Deno.test("Backlog.trim() of a shared log passes only this session's", () => {
  const [first, second] = [new Backlog(), new Backlog()];
  const log = messageLog();
  first.follow(log, reason());
  second.follow(log, reason());
  for (let i = 0; i < 5; i++) log.append(message("t", `${i}`));
  assertEquals(first.trim(1, Infinity), 4);
  assertEquals([take(first), take(second)], [["4"], ["0", "1", "2", "3", "4"]]);
});

Deno.test("Backlog.drain() takes everything out, with how it would be sent", () => {
  const backlog = new Backlog();
  const log = messageLog();
  const [own, shared] = [variant({ qos: 1 }), variant({ shared: "$share/g/t" })];
  const why = reason(shared);
  push(backlog, "1", own);
  backlog.follow(log, why);
  log.append(message("t", "2"));
  const drained = Array.from(backlog.drain(), ([message, how]) => [textOf(message), how]);
  assertEquals(drained, [["1", own], ["2", shared]]);
  assertEquals([why.count, ...amount(backlog)], [1, 0, 0]);
});

Deno.test("Backlog agrees with a plain list through random changes", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const logs = [messageLog(), messageLog()];
  const variants = [variant(), variant()];
  const backlog = new Backlog();
  const model: { text: string; weight: number }[] = [];
  let followed = -1;
  for (let step = 0; step < 50_000; step++) {
    const action = random(10);
    const next = message("t", `${step}`.padStart(random(20), "0")).keep();
    const entry = { text: textOf(next), weight: next.weight };
    if (action < 2) {
      backlog.push(next, variants[random(2)]!);
      model.push(entry);
      followed = -1;
    } else if (action === 2) {
      const index = random(2);
      if (index !== followed) backlog.follow(logs[index]!, reason());
      followed = index;
    } else if (action < 6) {
      const index = random(2);
      logs[index]!.append(next);
      if (index === followed) model.push(entry);
    } else if (action === 6 && random(10) === 0) {
      const most = random(20);
      assertEquals(backlog.trim(most, Infinity), Math.max(0, model.length - most));
      model.splice(0, model.length - most);
    } else if (action === 7 && random(5) === 0) {
      backlog.leave();
      followed = -1;
    } else assertEquals(take(backlog, 2), model.splice(0, 2).map(({ text }) => text));
    const bytes = model.reduce((sum, { weight }) => sum + weight, 0);
    assertEquals(amount(backlog), [model.length, bytes], `step ${step}, seed ${seed}`);
  }
});

Deno.test("Backlog.look() gives what waits in every log, and goes on behind a place though messages before it were sent", () => {
  const backlog = new Backlog();
  const shared = messageLog();
  const look = (after: BacklogPlace | null) => {
    const found: [string, BacklogPlace][] = [];
    for (const one of backlog.look(after)) {
      if (one !== null && !(one instanceof Promise)) found.push([textOf(one.message), one.place]);
    }
    return found;
  };
  for (const text of ["a", "b"]) push(backlog, text);
  backlog.follow(shared, reason());
  for (const text of ["c", "d"]) shared.append(message("t", text).keep());
  push(backlog, "e");
  const before = amount(backlog);
  const all = look(null);
  assertEquals(all.map(([text]) => text), ["a", "b", "c", "d", "e"]);
  assertEquals(amount(backlog), before);
  assertEquals(take(backlog, 3), ["a", "b", "c"]);
  assertEquals(look(all[1]![1]), all.slice(3));
  assertEquals(look(all[3]![1]), all.slice(4));
  assertEquals(look(all[4]![1]), []);
});
