import { assertEquals } from "@std/assert";
import { Member } from "../../router/member.ts";
import { Route } from "../../router/route_cache.ts";
import type { Receiver } from "./subscriber.ts";
import { ReadAccessFilter } from "./read_access_filter.ts";
import { TestReceiver } from "../testdata/test_receiver.ts";

/** Counts how often it is asked. */
class Asked extends TestReceiver {
  times = 0;

  constructor(clientId: string, denied: string[]) {
    super(clientId);
    this.denied = new Set(denied);
  }

  override mayReceive(topic: string): boolean {
    this.times++;
    return super.mayReceive(topic);
  }
}

function memberOf(receiver: Receiver): Member<Receiver> {
  return new Member(receiver, 0, null, false, undefined);
}

function routeOf(topic: string): Route<Receiver> {
  const route = new Route<Receiver>(topic, new TextEncoder().encode(topic), 0);
  route.isCached = true;
  return route;
}

Deno.test("ReadAccessFilter.takeDenied() reports who may not receive, once, and asks each once a route", () => {
  const filter = new ReadAccessFilter();
  const [a, b] = [new Asked("a", []), new Asked("b", ["secret"])];
  const members = [memberOf(a), memberOf(b)];
  for (const member of members) filter.add(member);
  const [open, secret] = [routeOf("open"), routeOf("secret")];
  for (let n = 0; n < 3; n++) assertEquals(filter.takeDenied(open), []);
  assertEquals(filter.takeDenied(secret), [members[1]!]);
  assertEquals(filter.takeDenied(secret), []);
  assertEquals([a.times, b.times], [2, 2]);
});

Deno.test("ReadAccessFilter.takeDenied() asks whoever came since, and nobody who has gone", () => {
  const filter = new ReadAccessFilter();
  const [a, b, c] = [new Asked("a", []), new Asked("b", []), new Asked("c", ["x"])];
  const [first, gone, late] = [memberOf(a), memberOf(b), memberOf(c)];
  const route = routeOf("x");
  filter.add(first);
  assertEquals(filter.takeDenied(route), []);
  filter.add(gone);
  filter.add(late);
  filter.delete(gone);
  assertEquals(filter.takeDenied(route), [late]);
  assertEquals([a.times, b.times, c.times], [1, 0, 1]);
});

Deno.test("ReadAccessFilter.takeDenied() asks anew when a route was unchecked or dropped from the cache", () => {
  const filter = new ReadAccessFilter();
  const a = new Asked("a", []);
  const member = memberOf(a);
  filter.add(member);
  const route = routeOf("x");
  assertEquals(filter.takeDenied(route), []);
  a.denied!.add("x");
  assertEquals(filter.takeDenied(route), []);
  route.checkedBy = null;
  assertEquals(filter.takeDenied(route), [member]);
  filter.add(memberOf(a));
  const dropped = routeOf("y");
  dropped.isCached = false;
  for (let n = 0; n < 2; n++) assertEquals(filter.takeDenied(dropped), []);
  assertEquals(a.times, 4);
});

Deno.test("ReadAccessFilter keeps no more of those who have gone than there are others", () => {
  const filter = new ReadAccessFilter();
  const stays = new Asked("stays", []);
  filter.add(memberOf(stays));
  const route = routeOf("x");
  for (let n = 0; n < 10_000; n++) {
    const member = memberOf(new Asked(`${n}`, []));
    filter.add(member);
    assertEquals(filter.takeDenied(route), []);
    filter.delete(member);
  }
  assertEquals(route.checked < 100, true, `${route.checked}`);
  assertEquals(stays.times < 10_000 / 32, true, `${stays.times}`);
});
