import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals } from "@std/assert";
import { Receipt } from "./receipt.ts";

/** A signal that counts its listeners. */
class CountingSignal extends EventTarget {
  readonly aborted = false;
  reason: unknown = undefined;
  listeners = 0;

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.listeners++;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }
}

/** What has been settled by the end of this turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  const turn = new Promise((resolve) => setTimeout(resolve, 0, pending));
  return await Promise.race([promise.catch(() => {}), turn]) !== pending;
}

Deno.test("Receipt.close() wakes everyone who waits, and who waits later", async () => {
  const receipt = new Receipt();
  const woken: string[] = [];
  const early = ["a", "b"].map((name) => receipt.wait().then(() => woken.push(name)));
  assertFalse(receipt.isClosed);
  await Promise.resolve();
  assertEquals(woken, []);
  receipt.close();
  assert(receipt.isClosed);
  assertEquals(woken, [], "nobody runs in the middle of close()");
  await Promise.all(early);
  await receipt.wait();
  assertEquals(woken, ["a", "b"]);
});

Deno.test("Receipt.close() does nothing the second time", async () => {
  const receipt = new Receipt();
  receipt.close();
  receipt.close();
  assert(receipt.isClosed);
  await receipt.wait();
});

Deno.test("Receipt.closed() is closed from the start", async () => {
  const receipt = Receipt.closed();
  assert(receipt.isClosed);
  await receipt.wait();
});

Deno.test("Receipt can be awaited as it is", async () => {
  const receipt = new Receipt();
  queueMicrotask(() => receipt.close());
  assertStrictEquals(await receipt, undefined);
  assertEquals(await receipt.then(() => 7), 7);
});

Deno.test("Receipt.wait() gives all who wait one promise", () => {
  const receipt = new Receipt();
  assertStrictEquals(receipt.wait(), receipt.wait());
});

Deno.test("Receipt.wait() rejects at once with the reason of a signal that has aborted", async () => {
  const signal = AbortSignal.abort(new TypeError("Enough"));
  await assertRejects(() => new Receipt().wait(signal), TypeError, "Enough");
  await assertRejects(() => Receipt.closed().wait(signal), TypeError, "Enough");
});

Deno.test("Receipt.wait() rejects when its signal aborts, and the receipt stays open", async () => {
  const receipt = new Receipt();
  const stop = new AbortController();
  const [aborted, patient] = [receipt.wait(stop.signal), receipt.wait()];
  stop.abort(new RangeError("Enough"));
  await assertRejects(() => aborted, RangeError, "Enough");
  assertFalse(receipt.isClosed);
  assertFalse(await isSettled(patient));
  receipt.close();
  await patient;
});

Deno.test("Receipt.wait() resolves before its signal aborts", async () => {
  const receipt = new Receipt();
  const stop = new AbortController();
  const waiting = receipt.wait(stop.signal);
  receipt.close();
  await waiting;
  stop.abort();
});

Deno.test("Receipt.wait() leaves no listener behind on its signal", async () => {
  const signal = new CountingSignal() as CountingSignal & AbortSignal;
  const receipt = new Receipt();
  const waits = Array.from({ length: 3 }, () => receipt.wait(signal));
  assertEquals(signal.listeners, 3);
  receipt.close();
  await Promise.all(waits);
  assertEquals(signal.listeners, 0);

  const aborted = new Receipt().wait(signal);
  assertEquals(signal.listeners, 1);
  signal.reason = new Error("Enough");
  signal.dispatchEvent(new Event("abort"));
  await assertRejects(() => aborted, Error, "Enough");
  assertEquals(signal.listeners, 0);
});
