import { assert, assertEquals } from "@std/assert";
import type { BytePipe } from "../harness/byte_pipe.ts";
import { toHex } from "../harness/hex.ts";
import type { Level } from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import {
  type Ack,
  type Connack,
  type Delivery,
  parseAck,
  parseConnack,
  parsePublish,
  parseReasoned,
  type Reasoned,
} from "./parse.ts";

/** A raw client that can also take packets apart, as of the version it speaks. */
export class SpecClient extends RawClient {
  /** The CONNACK that let it in, once it was. */
  connack: Connack | null = null;

  constructor(pipe: BytePipe, readonly level: Level) {
    super(pipe);
  }

  /** The next packet, which must be a CONNACK. */
  async readConnack(): Promise<Connack> {
    return this.connack = parseConnack(await this.readFrame(), this.level);
  }

  /** The next packet, which must be a PUBLISH. */
  async readPublish(): Promise<Delivery> {
    return parsePublish(await this.readFrame(), this.level);
  }

  /** The next packet, which must be a PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK or UNSUBACK. */
  async readAck(): Promise<Ack> {
    return parseAck(await this.readFrame(), this.level);
  }

  /** The next packet, which must be an AUTH. */
  async readAuth(): Promise<Reasoned> {
    const auth = parseReasoned(await this.readFrame());
    assertEquals(auth.type, 15);
    return auth;
  }

  /** Subscribes with the packet given; every filter must be granted. */
  async subscribe(packet: Uint8Array): Promise<void> {
    await this.send(packet);
    const { type, reasonCodes } = await this.readAck();
    assertEquals(type, 9);
    assert(reasonCodes.every((code) => code <= 2), `Refused: ${reasonCodes}`);
  }

  /** Takes a PUBLISH with this topic and payload, and tells the rest of it. */
  async expectPublish(topic: string, payload: string): Promise<Delivery> {
    const delivery = await this.readPublish();
    assertEquals([delivery.topic, delivery.payload], [topic, payload]);
    return delivery;
  }

  /** Takes a CONNACK that lets the client in. */
  async expectWelcome(): Promise<Connack> {
    const connack = await this.readConnack();
    assertEquals(connack.reasonCode, 0);
    return connack;
  }

  /** Takes a CONNACK with this reason, after which nothing comes but the end. */
  async expectRefusal(reasonCode: number): Promise<Connack> {
    const connack = await this.readConnack();
    assertEquals([connack.flags, connack.reasonCode], [0, reasonCode]);
    await this.expectClose();
    return connack;
  }

  /**
   * Takes what a client may get that is not let in: a CONNACK that says why not, which is optional,
   * and the end.
   */
  async expectRejection(): Promise<Connack | null> {
    const frame = await this.readFrameOrEnd();
    if (frame === null) return null;
    const connack = parseConnack(frame, this.level);
    const { flags, reasonCode } = connack;
    assert(flags === 0 && reasonCode >= (this.level < 5 ? 1 : 0x80), `Let in: ${toHex(frame)}`);
    await this.expectClose();
    return connack;
  }

  /**
   * Takes what ends a connection that was let in: from MQTT 5 on a DISCONNECT with this reason,
   * before just the end.
   */
  async expectDisconnect(reasonCode: number): Promise<Reasoned | null> {
    if (this.level < 5) {
      await this.expectClose();
      return null;
    }
    const frame = await this.readFrame();
    assert(frame[0] === 0xe0, `Not a DISCONNECT: ${toHex(frame)}`);
    const disconnect = parseReasoned(frame);
    assertEquals(disconnect.reasonCode, reasonCode);
    await this.expectClose();
    return disconnect;
  }

  /** Waits until the broker has dealt with all that was sent; nothing else may come meanwhile. */
  async ping(): Promise<void> {
    await this.send("c0 00");
    await this.expect("d0 00");
  }

  /** Twice, because an answer may overtake messages that wait for the same write. */
  override async expectSilence(): Promise<void> {
    await super.expectSilence();
    await super.expectSilence();
  }
}
