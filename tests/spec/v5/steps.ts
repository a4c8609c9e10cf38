/**
 * Steps that many conversations share.
 *
 * @module
 */
import type { Conversation, SpecClient } from "../harness.ts";
import type { ConnectFields } from "../../harness/packets.ts";
import { frame, subscribe, text } from "./packets.ts";

/** UTF-8 that is none, or that MQTT does not accept: each with what is wrong. */
export const BAD_UTF8: [what: string, bytes: Uint8Array][] = [
  ["the lowest surrogate", Uint8Array.of(0x61, 0xed, 0xa0, 0x80)],
  ["the highest surrogate", Uint8Array.of(0xed, 0xbf, 0xbf, 0x61)],
  ["a pair of surrogates", Uint8Array.of(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
  ["a longer form than needed", Uint8Array.of(0x61, 0xc1, 0xa1)],
  ["a sequence cut short", Uint8Array.of(0x61, 0xe2, 0x82)],
  ["a continuation without its start", Uint8Array.of(0x61, 0x80)],
  ["a code point above U+10FFFF", Uint8Array.of(0xf4, 0x90, 0x80, 0x80)],
  ["a byte that UTF-8 never has", Uint8Array.of(0x61, 0xff)],
];

/** U+0000 between two letters. */
export const WITH_NUL: Uint8Array = Uint8Array.of(0x61, 0x00, 0x61);

/** Lets a client in that subscribes to `filter`. */
export async function subscriber(
  t: Conversation,
  filter: string,
  options: number = 0,
  fields: ConnectFields = {},
): Promise<SpecClient> {
  const client = await t.connect(fields);
  await client.subscribe(subscribe({ [filter]: options }));
  return client;
}

/** A QoS 0 PUBLISH whose topic may be any bytes. */
export function publishBytes(
  topic: Uint8Array,
  payload: string,
  properties: Uint8Array = new Uint8Array(),
): Uint8Array {
  const lengths = Uint8Array.of(properties.length);
  return frame(0x30, text(topic), lengths, properties, new TextEncoder().encode(payload));
}

/** The body of a CONNECT, field by field, for those that must not be let in. */
export interface RawConnect {
  name?: Uint8Array;
  level?: number;
  flags?: number;
  /** With their length. */
  properties?: Uint8Array;
  payload?: Uint8Array;
}

/** A CONNECT from fields that need not make sense. */
export function rawConnect(fields: RawConnect): Uint8Array {
  const { name = text("MQTT"), level = 5, flags = 0x02, payload = text("client") } = fields;
  const { properties = Uint8Array.of(0) } = fields;
  return frame(0x10, name, Uint8Array.of(level, flags, 0, 0), properties, payload);
}

/** Opens a connection on which `packet`, sent first, is not let in. */
export async function rejected(t: Conversation, packet: Uint8Array): Promise<void> {
  const client = await t.client();
  await client.send(packet);
  await client.expectRejection();
}

/** A client that is let in and then sends `packet` is thrown out for this reason. */
export async function thrownOut(
  t: Conversation,
  packet: Uint8Array | string,
  reasonCode: number,
  fields: ConnectFields = {},
): Promise<void> {
  const client = await t.connect(fields);
  await client.send(packet);
  await client.expectDisconnect(reasonCode);
}
