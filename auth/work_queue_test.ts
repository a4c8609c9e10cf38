import { assertEquals, assertRejects } from "@std/assert";
import { WorkQueue } from "./work_queue.ts";

/** Work that ends when it is told to. */
class Work {
  readonly ended: PromiseWithResolvers<string> = Promise.withResolvers();
  hasBegun = false;

  readonly run = () => {
    this.hasBegun = true;
    return this.ended.promise;
  };
}

Deno.test("WorkQueue does so much at once, the rest in order, and refuses what is too much", async () => {
  const queue = new WorkQueue(2, 3);
  const works = Array.from({ length: 6 }, () => new Work());
  const results = works.map(({ run }) => queue.run(run));
  const begun = () => works.map(({ hasBegun }) => hasBegun ? 1 : 0).join("");
  assertEquals(begun(), "110000");
  assertEquals(results.map((result) => result === null), [false, false, false, false, false, true]);
  assertEquals(queue.waiting, 3);
  works[1]!.ended.resolve("second");
  assertEquals(await results[1], "second");
  // Whoever comes just now does not get in between.
  const late = new Work();
  const last = queue.run(late.run);
  await Promise.resolve();
  assertEquals([begun(), late.hasBegun], ["111000", false]);
  for (const work of [...works, late]) work.ended.resolve("done");
  await Promise.all([...results, last]);
  assertEquals([begun(), late.hasBegun, queue.waiting], ["111110", true, 0]);
});

Deno.test("WorkQueue goes on when work fails", async () => {
  const queue = new WorkQueue(1, 10);
  const failing = queue.run(() => Promise.reject(new Error("as planned")));
  const next = queue.run(() => Promise.resolve("next"));
  await assertRejects(() => failing!, Error, "as planned");
  assertEquals(await next, "next");
  for (let n = 0; n < 1000; n++) await queue.run(() => Promise.resolve());
});
