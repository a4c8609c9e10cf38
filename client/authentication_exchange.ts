/** One enhanced authentication of a client, step by step. */
import {
  type AuthPacket,
  type ConnackPacket,
  type Properties,
  ProtocolError,
  ReasonCode,
} from "../codec/mod.ts";
import type { ClientAuthentication } from "./authentication.ts";
import type { Connection } from "./connection.ts";

/** One enhanced authentication, from the first data to the server's acceptance. */
export class AuthenticationExchange {
  readonly #authentication: ClientAuthentication;
  readonly #stepsMax: number;
  #steps = 0;

  /** @param stepsMax How often the server may ask for more. */
  constructor(authentication: ClientAuthentication, stepsMax: number) {
    this.#authentication = authentication;
    this.#stepsMax = stepsMax;
  }

  /** The properties that begin the exchange, for CONNECT or AUTH. */
  async begin(): Promise<Properties> {
    return this.#properties(await this.#authentication.begin());
  }

  /**
   * Answers AUTH 0x18.
   *
   * @throws {ProtocolError} If the server changes the method or asks more than `stepsMax` times.
   */
  async continue({ properties }: AuthPacket, connection: Connection): Promise<void> {
    if (properties.authenticationMethod !== this.#authentication.method) {
      throw new ProtocolError("Another authentication method", 0, "MQTT-4.12.0-5");
    }
    if (++this.#steps > this.#stepsMax) {
      throw new ProtocolError(`Authentication takes over ${this.#stepsMax} steps`, 0, "§4.12");
    }
    const answer = await this.#authentication.next(dataOf(properties));
    connection.send({
      type: "auth",
      reasonCode: ReasonCode.ContinueAuthentication,
      properties: this.#properties(answer),
    });
  }

  /** Checks the server's acceptance. */
  async finish({ properties }: AuthPacket | ConnackPacket): Promise<void> {
    await this.#authentication.finish?.(dataOf(properties));
  }

  #properties(data: Uint8Array | null): Properties {
    const { method } = this.#authentication;
    return data === null
      ? { authenticationMethod: method }
      : { authenticationMethod: method, authenticationData: data };
  }
}

/** A copy, because the received bytes are borrowed. */
function dataOf({ authenticationData }: Properties): Uint8Array | null {
  return authenticationData?.slice() ?? null;
}
