/** The refusal of a CONNECT: a reason code, and a reason string. */

/** The refusal of a client, for its CONNACK [MQTT-3.2.2-7]. */
export class ConnectRefusal {
  /** The reason code of 5.0. A client of 3.x receives the nearest return code. */
  readonly reasonCode: number;
  /** The reason in words, for a client of 5.0. */
  readonly reasonString: string | undefined;

  constructor(reasonCode: number, reasonString?: string) {
    this.reasonCode = reasonCode;
    this.reasonString = reasonString;
  }
}
