import { concat } from "@std/bytes";
import { frame, publish, text } from "../../harness/packets.ts";
import { toHex } from "../../harness/hex.ts";
import type { Conversation } from "../harness.ts";

/** CONNECT of MQTT 3.1.1 with these flags, Keep Alive 0 and this payload. */
export function connectOf(flags: number, ...payload: Uint8Array[]): Uint8Array {
  return frame(0x10, text("MQTT"), Uint8Array.of(4, flags, 0, 0), ...payload);
}

/** Has a new client that was let in send bytes, to which the only answer is the end. */
export async function expectFault(t: Conversation, ...bytes: Uint8Array[]): Promise<void> {
  const client = await t.connect();
  // Nothing that comes after the fault may have an effect.
  await client.send(...bytes, publish("after/the/fault", ""));
  await explained(bytes, client.expectClose());
}

/** Has a new connection begin with bytes, to which the only answer is the end. */
export async function expectStrangerFault(t: Conversation, ...bytes: Uint8Array[]): Promise<void> {
  const client = await t.client();
  await client.send(...bytes);
  await explained(bytes, client.expectClose());
}

/** Of the many bytes a test tries, those that went wrong must be told. */
async function explained(bytes: Uint8Array[], ending: Promise<void>): Promise<void> {
  try {
    await ending;
  } catch (cause) {
    throw new Error(`The broker went on after ${toHex(concat(bytes))}`, { cause });
  }
}
