import { connect, subscribe } from "../harness/packets.ts";
import { uint16At, Wire } from "./wire.ts";
import type { World } from "./world.ts";

const PUBLISH = 3;
const SUBACK = 9;
const PINGRESP = 13;

/** Looks whether what is retained is what was promised last, or newer. */
export async function retainedFaults({ ledger }: World, port: number): Promise<string[]> {
  const found = new Map<string, number>();
  const wire = (await Wire.dial(port))!;
  wire.send(connect({ clientId: "auditor" }));
  wire.send(subscribe({ "r/#": 0 }));
  for (let frame = await wire.next(); frame !== null; frame = await wire.next()) {
    if (frame.type === PINGRESP) break;
    // What is retained comes behind SUBACK, and before what is asked for after that.
    if (frame.type === SUBACK) wire.send(Uint8Array.of(0xc0, 0));
    if (frame.type !== PUBLISH) continue;
    const topicEnd = 2 + uint16At(frame.body, 0);
    const text = new TextDecoder().decode(frame.body);
    found.set(text.slice(2, topicEnd), parseInt(text.slice(topicEnd)));
  }
  wire.close();
  const faults: string[] = [];
  for (const topic of new Set(ledger.sent.map((message) => message.topic))) {
    if (!topic.startsWith("r/")) continue;
    const promised = ledger.sent.findLast((sent) =>
      sent.topic === topic && sent.promisedAt < Infinity
    );
    const key = found.get(topic) ?? -1;
    if (promised !== undefined && key < promised.key) {
      faults.push(`${topic} retains #${key}, and #${promised.key} was promised`);
    }
  }
  return faults;
}
