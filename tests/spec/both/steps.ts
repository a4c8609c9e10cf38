/** Steps that conversations of both versions share. */
import type { ConnectFields } from "../../harness/packets.ts";
import type { Conversation, SpecClient } from "../harness.ts";
import { packetsOf } from "./packets.ts";

/** Lets a client in that subscribes to `filter`. */
export async function subscriber(
  t: Conversation,
  filter: string,
  qos: number = 0,
  fields: ConnectFields = {},
): Promise<SpecClient> {
  const client = await t.connect(fields);
  await client.subscribe(packetsOf(client.level).subscribe({ [filter]: qos }));
  return client;
}

/**
 * Has a new client send `packet`, which must end its connection: in MQTT 5 with this reason code, in
 * MQTT 3.1.1 with nothing but the end.
 */
export async function expectFault(
  t: Conversation,
  packet: Uint8Array,
  reasonCode: number,
): Promise<void> {
  const client = await t.connect();
  // Nothing that comes after the fault may have an effect.
  await client.send(packet, packetsOf(client.level).publish("after/the/fault", ""));
  await client.expectDisconnect(reasonCode);
}
