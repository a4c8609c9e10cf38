import type { ConnectionHost } from "./connection_host.ts";

/** Characters of an identifier that the broker assigns. */
const ID_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** How many of them: about 103 bits. */
const ID_LENGTH = 20;

/** An identifier that no session has, for a client that gave none [MQTT-3.2.2-16]. */
export function newClientId(
  { context, sessions }: Pick<ConnectionHost, "context" | "sessions">,
  prefix: string,
): string {
  const { settings } = context;
  for (;;) {
    let id = prefix;
    for (let i = 0; i < ID_LENGTH; i++) {
      id += ID_CHARACTERS[Math.floor(settings.random() * ID_CHARACTERS.length)];
    }
    if (sessions.get(id) === undefined) return id;
  }
}
