/** A server with a configuration file and two workers, as its tests start it. */
import { formatPasswordHash, hashPassword } from "../../auth/password_hash.ts";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import type { Child } from "../harness/child.ts";
import { ADMIN_ACLS } from "../harness/security_site.ts";
import type { Site } from "../harness/server_site.ts";
import { DEADLINE_MS } from "./_server.ts";

/** The lines that all have. */
export const CONFIG = "fairway_native_sockets true\nfairway_workers 2\nlog_dest stdout\n" +
  "log_timestamp false\nconnection_messages false\n";

/** Starts the server of a site. */
export function startConfigured(site: Site): Child {
  return startServer(["-c", site.path], [...CONFIG_PERMISSIONS, "--allow-ffi"]);
}

/** The port of its listener with this scheme. */
export async function portOf(server: Child, scheme = "mqtt"): Promise<number> {
  const pattern = new RegExp(`${scheme}://127\\.0\\.0\\.1:(\\d+)`);
  return Number((await server.waitFor(pattern, "stdout", DEADLINE_MS))[1]);
}

/** A file of dynamic security with the account `admin`, whose password is `adminpw`. */
export async function securityFile(): Promise<string> {
  const hash = await hashPassword(new TextEncoder().encode("adminpw"), "sha512-pbkdf2", 101);
  return JSON.stringify({
    clients: [{
      username: "admin",
      encoded_password: formatPasswordHash(hash),
      roles: [{ rolename: "admin" }],
    }],
    roles: [{ rolename: "admin", acls: ADMIN_ACLS }],
  });
}
