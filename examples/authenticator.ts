/**
 * A broker whose program decides who may connect, and what each client may do: devices log in with
 * a key, and publish and subscribe below their own name only.
 *
 *     deno run --allow-net examples/authenticator.ts
 *     mosquitto_pub -u pump-7 -P blue-heron -t devices/pump-7/pressure -m 4.1
 *
 * @module
 */
import { Broker } from "@fairway/mqtt";
import type { Authenticator, Authorizer } from "@fairway/mqtt/auth";

/** Bad User Name or Password, of MQTT 5.0; clients of 3.x are told the code of theirs. */
const BAD_USER_NAME_OR_PASSWORD = 0x86;

/** The devices, and the SHA-256 of the key of each in hex. A real program asks a database. */
export class Devices implements Authenticator, Authorizer {
  readonly #digests = new Map<string, string>();

  /** Makes a device known; from then on it may connect. */
  async add(name: string, key: string): Promise<void> {
    this.#digests.set(name, await digest(key));
  }

  /** Takes a device out. Call `broker.reauthorize()` after it, so that it is disconnected. */
  remove(name: string): void {
    this.#digests.delete(name);
  }

  /** Whether the key is that of the device. A promise lets this client wait, and no other. */
  async authenticate(
    { username, password }: { username: string | null; password: Uint8Array | null },
  ): Promise<{ reasonCode: number }> {
    const given = await digest(password ?? new Uint8Array());
    const isRight = username !== null && this.#digests.get(username) === given;
    return { reasonCode: isRight ? 0 : BAD_USER_NAME_OR_PASSWORD };
  }

  /** Whether a connected device may stay. */
  mayStay({ username }: { username: string | null }): boolean {
    return username !== null && this.#digests.has(username);
  }

  /** Whether a device may publish to a topic. */
  mayPublish({ username }: { username: string | null }, { topic }: { topic: string }): boolean {
    return topic.startsWith(`devices/${username}/`);
  }

  /** Whether a device may subscribe to a filter. */
  maySubscribe({ username }: { username: string | null }, { filter }: { filter: string }): boolean {
    return filter.startsWith(`devices/${username}/`);
  }
}

async function digest(key: string | Uint8Array): Promise<string> {
  const bytes = typeof key === "string" ? new TextEncoder().encode(key) : new Uint8Array(key);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) {
  const devices = new Devices();
  await devices.add("pump-7", "blue-heron");
  const broker = new Broker({ authenticator: devices, authorizer: devices });
  await broker.listen({ hostname: "127.0.0.1" });
}
