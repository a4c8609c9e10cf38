/** Why a CONNECT is refused: a reason code, and a reason in words. */

/** Why a client is not accepted: what its CONNACK says [MQTT-3.2.2-7]. */
export class ConnectRefusal {
  /** As of 5.0; a client of 3.x is sent the return code that is nearest to it. */
  readonly reasonCode: number;
  /** The same in words, for a client of 5.0. */
  readonly reasonString: string | undefined;

  constructor(reasonCode: number, reasonString?: string) {
    this.reasonCode = reasonCode;
    this.reasonString = reasonString;
  }
}
