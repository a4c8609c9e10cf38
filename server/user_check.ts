/** Checks the user that the server runs as. */
import type { Configuration } from "../config/options/configuration.ts";
import { ConfigError } from "../config/errors/errors.ts";

/**
 * Refuses to run as root if the configuration names a user. A process cannot give up root
 * completely: the groups of root stay.
 *
 * @param uid The user ID of the process; `null` if unknown.
 * @throws {ConfigError} If the server would run as root.
 */
export function checkUser({ global, places }: Configuration, uid: number | null): void {
  const { user } = global;
  if (user === null || user === "root" || uid !== 0) return;
  const text = `Fairway keeps the user that started it, which is root: start it as ${user}, ` +
    `with runuser -u ${user} -- deno …, or User=${user} in its systemd unit`;
  throw new ConfigError([{ place: places.get("user")!, word: "user", text }]);
}

/** The user ID of the process; `null` if it may not be read. */
export function ownUid(): number | null {
  try {
    return Deno.uid();
  } catch {
    // Requires --allow-sys=uid.
    return null;
  }
}
