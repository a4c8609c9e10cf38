import { assert, assertEquals } from "@std/assert";
import { TokenBucket } from "./token_bucket.ts";

Deno.test("take() allows the burst and not one more, then one for each that is added", () => {
  const bucket = new TokenBucket(10, 3, 1000);
  for (let i = 0; i < 3; i++) assert(bucket.take(1000));
  assert(!bucket.take(1000));
  assert(!bucket.take(1099));
  assert(bucket.take(1100));
  assert(!bucket.take(1100));
});

Deno.test("a bucket that is left alone holds the burst and no more", () => {
  const bucket = new TokenBucket(10, 3, 0);
  bucket.spend(3, 0);
  assertEquals(bucket.tokens(1e9), 3);
});

Deno.test("spend() makes debts, and readyMs() tells when they are paid", () => {
  const bucket = new TokenBucket(10, 5, 0);
  bucket.spend(10, 0);
  assertEquals(bucket.tokens(0), -5);
  assertEquals(bucket.readyMs(0), 600);
  assert(!bucket.take(599));
  assert(bucket.take(600));
  assertEquals(new TokenBucket(10, 5, 7).readyMs(7), 7);
});
