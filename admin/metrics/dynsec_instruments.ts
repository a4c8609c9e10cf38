/** What is measured of dynamic security, if there is one. */
import type { DynamicSecurity, SecurityStats } from "../../auth/dynsec/dynamic_security.ts";
import { type Instrument, single } from "./instrument.ts";

/**
 * Its accounts, groups and roles, and its commands.
 *
 * @param security Dynamic security as of now; `null` for none, and then there are no values.
 */
export function dynsecInstruments(security: () => DynamicSecurity | null): Instrument[] {
  const count = (name: "accounts" | "groups" | "roles", help: string) =>
    single("gauge", `fairway_dynsec_${name}`, help, () => security()?.counts[name] ?? null);
  const total = (name: string, help: string, read: (stats: Readonly<SecurityStats>) => number) =>
    single("counter", `fairway_dynsec_${name}_total`, help, () => {
      const current = security();
      return current === null ? null : read(current.stats);
    });
  return [
    count("accounts", "Accounts of dynamic security."),
    count("groups", "Groups of dynamic security."),
    count("roles", "Roles of dynamic security."),
    single(
      "gauge",
      "fairway_dynsec_messages_waiting",
      "Messages with commands that wait.",
      () => security()?.waiting ?? null,
    ),
    total("commands", "Commands that were answered.", ({ commands }) => commands),
    total("changes", "Commands whose change is stored.", ({ changes }) => changes),
    total(
      "messages_refused",
      "Messages with commands that were refused as a whole.",
      ({ messagesRefused }) => messagesRefused,
    ),
    total(
      "commits_failed",
      "Messages with commands whose changes could not be stored.",
      ({ commitsFailed }) => commitsFailed,
    ),
  ];
}
