import type { Configuration } from "../config/configuration.ts";
import { ConfigError } from "../config/errors.ts";

/**
 * Sees to it that a server that is to run as some user does not run as root.
 * Giving up root from within is not complete: the groups of root stay.
 *
 * @param uid The number of the user that it runs as; `null` if that is not known.
 * @throws {ConfigError} If the server would go on as root.
 */
export function checkUser({ global, places }: Configuration, uid: number | null): void {
  const { user } = global;
  if (user === null || user === "root" || uid !== 0) return;
  const text = `Fairway runs as who has started it, which is root: start it as ${user}, ` +
    `with runuser -u ${user} -- deno …, or User=${user} in its systemd unit`;
  throw new ConfigError([{ place: places.get("user")!, word: "user", text }]);
}

/** The number of the user that this process runs as; `null` if it may not know. */
export function ownUid(): number | null {
  try {
    return Deno.uid();
  } catch {
    // Not without --allow-sys=uid.
    return null;
  }
}
