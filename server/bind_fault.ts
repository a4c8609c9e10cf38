/** Explains why an address or a Unix socket cannot be bound. */
import { plain, whyNot } from "../config/errors/why.ts";
import { type BindSources, systemSources } from "./bind_addresses.ts";

/** An address that could not be bound, and the options that set it. */
export interface BindWanted {
  readonly host: string;
  readonly port: number;
  /** Where to set another host, such as `with --host`. */
  readonly hostBy: string;
  /** Where to set another port, such as `with --port`. */
  readonly portBy: string;
}

/** Lower ports need privileges. */
const FREE_PORTS = 1024;

/** Explains why an address cannot be bound, and what helps. */
export function bindFault(
  error: unknown,
  { host, port, hostBy, portBy }: BindWanted,
  { interfaces }: Pick<BindSources, "interfaces"> = systemSources,
): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `port ${port} is in use: choose another ${portBy}, or stop the program that listens there`;
  }
  if (error instanceof Deno.errors.PermissionDenied && port < FREE_PORTS) {
    return `port ${port} is below ${FREE_PORTS}, and not for every user: choose another ${portBy}, ` +
      "or grant CAP_NET_BIND_SERVICE (AmbientCapabilities= in a systemd unit)";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${host} is not an address of this machine: choose another ${hostBy} ` +
      `(${addressesOf(interfaces)})`;
  }
  if (error instanceof Error && /lookup address|ENOTFOUND|EAI_AGAIN/.test(error.message)) {
    return `${host} is neither an address nor a name that is known here: ` +
      `choose another ${hostBy}`;
  }
  return plain(error);
}

/** Explains why a Unix socket cannot be bound, and what helps. */
export function socketFault(error: unknown, path: string): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "another server listens there: stop it, or choose another path";
  }
  if (error instanceof Deno.errors.AlreadyExists) {
    return "there is a file of that name: choose another path, or remove it";
  }
  if (error instanceof Error && /SUN_LEN|the path of a socket/.test(error.message)) {
    const bytes = new TextEncoder().encode(path).length;
    return `its path has ${bytes} bytes, which is too long for a socket: choose one of 100 at most`;
  }
  return whyNot(error, "write the file");
}

function addressesOf(interfaces: BindSources["interfaces"]): string {
  try {
    const own = new Set(interfaces().map(({ address }) => address));
    return `there are ${[...own].join(", ")}; 0.0.0.0 and :: are all of them`;
  } catch {
    // Requires --allow-sys=networkInterfaces.
    return "`ip address` tells which there are; 0.0.0.0 and :: are all of them";
  }
}
