/**
 * All fixtures.
 *
 * @module
 */
import { ACK } from "./ack.ts";
import { CONNACK } from "./connack.ts";
import { CONNECT } from "./connect.ts";
import type { Fixtures } from "./fixture.ts";
import { PUBLISH } from "./publish.ts";
import { SUBACK, UNSUBACK, UNSUBSCRIBE } from "./replies.ts";
import { AUTH, DISCONNECT, HEADER, PING } from "./small.ts";
import { SUBSCRIBE } from "./subscribe.ts";

/** The fixtures of every packet type. */
export const FIXTURES: readonly Fixtures[] = [
  HEADER,
  CONNECT,
  CONNACK,
  PUBLISH,
  ACK,
  SUBSCRIBE,
  SUBACK,
  UNSUBSCRIBE,
  UNSUBACK,
  PING,
  DISCONNECT,
  AUTH,
];
