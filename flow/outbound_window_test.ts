import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { newSeed, randomFrom } from "../router/testdata/random_topics.ts";
import { OutboundWindow, type PublishExchange } from "./outbound_window.ts";

const PACKET_ID_MAX = 65_535;

/** Opens as many exchanges as given, with their count as message. */
function open(window: OutboundWindow<number>, count: number): PublishExchange<number>[] {
  return Array.from({ length: count }, (_, i) => window.open(1, i));
}

function ids(exchanges: readonly PublishExchange<number>[]): number[] {
  return exchanges.map(({ packetId }) => packetId);
}

/** Sends again what may be, to the end. */
function resendAll(window: OutboundWindow<number>): PublishExchange<number>[] {
  const sent: PublishExchange<number>[] = [];
  for (let f = window.nextResend(); f !== null; f = window.nextResend()) sent.push(f);
  return sent;
}

Deno.test("OutboundWindow.open() gives identifiers in turn, from 1 on [MQTT-2.2.1-3]", () => {
  const window = new OutboundWindow<number>(100);
  assertEquals(ids(open(window, 5)), [1, 2, 3, 4, 5]);
  assertEquals(window.size, 5);
  for (let id = 1; id <= 5; id++) assertEquals(window.get(id)?.message, id - 1);
});

Deno.test("OutboundWindow.open() says what the sender waits for", () => {
  const window = new OutboundWindow<number>(10);
  assertEquals([window.open(1, 0).phase, window.open(2, 0).phase], ["puback", "pubrec"]);
});

Deno.test("OutboundWindow.open() goes round from 65,535 to 1, never to 0 [MQTT-2.2.1-3]", () => {
  const window = new OutboundWindow<number>(10);
  for (let id = 1; id <= PACKET_ID_MAX; id++) {
    const exchange = window.open(1, 0);
    assertEquals(exchange.packetId, id);
    window.close(exchange);
  }
  assertEquals(window.open(1, 0).packetId, 1);
});

Deno.test("OutboundWindow.open() passes over identifiers that are in flight [MQTT-2.2.1-4]", () => {
  const window = new OutboundWindow<number>(10);
  const stay = open(window, 3);
  const given = new Set<number>();
  for (let round = 0; round < 2 * PACKET_ID_MAX; round++) {
    const exchange = window.open(2, 0);
    assert(!stay.some(({ packetId }) => packetId === exchange.packetId));
    given.add(exchange.packetId);
    window.close(exchange);
  }
  assertEquals(window.size, 3);
  // Those that share a slot with one that stays are passed over, too.
  assert(given.size > PACKET_ID_MAX / 2 && given.size <= PACKET_ID_MAX - 3);
});

Deno.test("OutboundWindow.get() finds no identifier that only shares a slot", () => {
  const window = new OutboundWindow<number>(10);
  const [exchange] = open(window, 1);
  for (const id of [0, 2, 9, 17, 257, 65_535]) assertEquals(window.get(id), null);
  window.close(exchange!);
  assertEquals(window.get(1), null);
});

Deno.test("OutboundWindow.close() does nothing the second time", () => {
  const window = new OutboundWindow<number>(3);
  const [first, second] = open(window, 2);
  window.close(first!);
  window.close(first!);
  assertEquals([window.size, window.quota], [1, 2]);
  assertStrictEquals(window.get(2), second!);
});

Deno.test("OutboundWindow.quota counts down to 0 and up again [MQTT-4.9.0-2]", () => {
  const window = new OutboundWindow<number>(3);
  const quotas: number[] = [];
  const exchanges: PublishExchange<number>[] = [];
  for (let i = 0; i < 3; i++) {
    quotas.push(window.quota);
    exchanges.push(window.open(2, i));
  }
  quotas.push(window.quota);
  // Waiting for PUBCOMP still counts.
  exchanges[0]!.phase = "pubcomp";
  quotas.push(window.quota);
  window.close(exchanges[0]!);
  quotas.push(window.quota);
  assertEquals(quotas, [3, 2, 1, 0, 0, 1]);
});

Deno.test("OutboundWindow.resume() sends everything again, in order, as it was [MQTT-4.4.0-1]", () => {
  const window = new OutboundWindow<number>(100);
  const exchanges = open(window, 40);
  for (const index of [0, 7, 39]) window.close(exchanges[index]!);
  const left = exchanges.filter((_, index) => ![0, 7, 39].includes(index));
  window.resume(100);
  assert(window.resending);
  assertEquals(window.quota, 100);
  assertEquals(resendAll(window), left);
  assertEquals([window.resending, window.quota, window.size], [false, 63, 37]);
});

Deno.test("OutboundWindow.resume() keeps the order when identifiers have gone round", () => {
  const window = new OutboundWindow<number>(10);
  for (let id = 1; id < PACKET_ID_MAX - 1; id++) window.close(window.open(1, 0));
  const exchanges = open(window, 5);
  assertEquals(ids(exchanges), [65_534, 65_535, 1, 2, 3]);
  window.resume(10);
  assertEquals(ids(resendAll(window)), [65_534, 65_535, 1, 2, 3]);
});

Deno.test("OutboundWindow.nextResend() waits for a Receive Maximum below what is in flight", () => {
  const window = new OutboundWindow<number>(10);
  const exchanges = open(window, 5);
  window.resume(2);
  assertEquals(ids(resendAll(window)), [1, 2]);
  assertEquals([window.resending, window.quota], [true, 0]);
  window.close(exchanges[0]!);
  assertEquals(ids(resendAll(window)), [3]);
  window.close(exchanges[1]!);
  window.close(exchanges[2]!);
  assertEquals(ids(resendAll(window)), [4, 5]);
  assertEquals([window.resending, window.quota], [false, 0]);
  window.close(exchanges[3]!);
  assertEquals(window.quota, 1);
});

Deno.test("OutboundWindow.nextResend() passes over what was acknowledged meanwhile", () => {
  const window = new OutboundWindow<number>(10);
  const exchanges = open(window, 3);
  window.resume(10);
  window.close(exchanges[1]!);
  assertEquals(window.quota, 10, "it was not sent on this connection");
  assertEquals(ids(resendAll(window)), [1, 3]);
});

Deno.test("OutboundWindow.nextResend() needs no quota for a PUBREL", () => {
  const window = new OutboundWindow<number>(10);
  const [first, second, third] = [window.open(2, 1), window.open(2, 2), window.open(2, 3)];
  first.phase = third.phase = "pubcomp";
  window.resume(1);
  assertEquals(ids(resendAll(window)), [1, 2, 3]);
  assertEquals(window.quota, 0);
  window.close(first);
  assertEquals(window.quota, 0, "a PUBREL sent again took none");
  window.close(second);
  assertEquals(window.quota, 1);
  window.close(third);
  assertEquals([window.quota, window.size], [1, 0]);
});

Deno.test("OutboundWindow.resume() in the middle of sending again begins anew", () => {
  const window = new OutboundWindow<number>(10);
  const exchanges = open(window, 4);
  window.resume(10);
  window.nextResend();
  window.nextResend();
  window.close(exchanges[0]!);
  window.resume(10);
  assertEquals(ids(resendAll(window)), [2, 3, 4]);
  assertEquals(window.quota, 7);
});

Deno.test("OutboundWindow has a free identifier for a peer that never answers PUBREL", () => {
  const window = new OutboundWindow<number>(1000);
  let connections = 0;
  while (window.quota > 0) {
    for (let quota = window.quota; quota > 0; quota--) window.open(2, 0).phase = "pubcomp";
    window.resume(1000);
    connections++;
    assert(connections < 100, "it has found an end");
  }
  assertEquals(window.size, 32_767);
  assertEquals(new Set(ids(window.exchanges())).size, window.size);
  assertEquals(resendAll(window).length, window.size);
  window.close(window.get(7)!);
  assertEquals(window.quota, 1);
});

Deno.test("OutboundWindow agrees with a plain map through random changes", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  let limit = 50;
  const window = new OutboundWindow<number>(limit);
  const model = new Map<number, PublishExchange<number>>();
  for (let step = 0; step < 200_000; step++) {
    if (random(5000) === 0) {
      limit = 1 + random(2000);
      window.resume(limit);
      const expected = [...model.values()].sort((a, b) => a.order - b.order);
      const again = resendAll(window);
      assertEquals(again, expected.slice(0, again.length), `seed ${seed}`);
    } else if (random(2) === 0 && window.quota > 0 && !window.resending) {
      const exchange = window.open(1, step);
      assert(!model.has(exchange.packetId), `seed ${seed}`);
      model.set(exchange.packetId, exchange);
    } else if (model.size > 0) {
      // The oldest, or one from anywhere.
      let place = random(3) > 0 ? 0 : random(model.size);
      for (const [id, exchange] of model) {
        if (place-- > 0) continue;
        assertStrictEquals(window.get(id), exchange, `seed ${seed}`);
        window.close(exchange);
        model.delete(id);
        if (window.resending) resendAll(window);
        break;
      }
    }
    assertEquals(window.size, model.size, `seed ${seed}`);
  }
});
