import { assertEquals } from "@std/assert";
import { Route } from "../../router/route_cache.ts";
import { Origin } from "../base/origin.ts";
import { PublishBatch } from "./publish_batch.ts";
import type { Receiver } from "./subscriber.ts";

/** A route that tells whether its topic was needed in UTF-8, which takes an array. */
class AskedRoute extends Route<Receiver> {
  isAsked = false;

  override get bytes(): Uint8Array {
    this.isAsked = true;
    return super.bytes;
  }
}

/** QoS 0 frames of 3.1.1 to the topic `t`. */
const FRAMES = Uint8Array.fromHex("3005 000174 0102".replaceAll(" ", "").repeat(2));

Deno.test("PublishBatch counts its payloads and needs no array for the topic until it is split", () => {
  const route = new AskedRoute("t", null, 0);
  const batch = new PublishBatch();
  batch.begin(route, Origin.program, false, FRAMES, 0);
  batch.add(FRAMES.length / 2);
  batch.add(FRAMES.length);
  assertEquals([batch.frames, batch.payloadBytes, route.isAsked], [2, 4, false]);
  const payloads = batch.messages().map(({ payload }) => payload.toHex());
  assertEquals([payloads, route.isAsked], [["0102", "0102"], true]);
});
