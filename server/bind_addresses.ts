/** The addresses that a listener of the configuration is bound to. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** The address to bind a listener to, as in its configuration. */
export interface BindWish {
  /** An address or a host name; `null` for every address. */
  readonly host: string | null;
  /** The name of a network interface; `null` for any. */
  readonly networkInterface: string | null;
  /** The only address family; `null` for both. */
  readonly family: "ipv4" | "ipv6" | null;
}

/** An address of a network interface. */
export type InterfaceAddress = Pick<Deno.NetworkInterfaceInfo, "name" | "address" | "family">;

/** Sources of addresses. */
export interface BindSources {
  /** The addresses of a host name. */
  resolve(host: string): Promise<string[]>;
  /** The addresses of this machine. */
  interfaces(): InterfaceAddress[];
}

/** The sources of this machine. */
export const systemSources: BindSources = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  interfaces: () => Deno.networkInterfaces(),
};

/**
 * Finds the addresses to listen on: all addresses of a host name or an interface. `::` stands for
 * all addresses, with IPv4.
 *
 * @throws {Error} If there is none.
 */
export async function bindAddresses(wish: BindWish, sources: BindSources): Promise<string[]> {
  const { host, networkInterface, family } = wish;
  if (networkInterface !== null) return ofInterface(wish, networkInterface, sources);
  if (host === null) return [family === "ipv4" ? "0.0.0.0" : "::"];
  const all = isIP(host) !== 0 ? [host] : await sources.resolve(host);
  const found = [...new Set(all)].filter((address) => isOf(address, family));
  if (found.length === 0) throw new Error(`${host} has no address of ${family}`);
  return found;
}

async function ofInterface(
  { host, family }: BindWish,
  name: string,
  sources: BindSources,
): Promise<string[]> {
  const own = sources.interfaces().filter((known) => known.name === name);
  if (own.length === 0) {
    const names = [...new Set(sources.interfaces().map((known) => known.name))];
    throw new Error(`there is no interface ${name}: this machine has ${names.join(", ")}`);
  }
  const wanted = host === null
    ? null
    : await bindAddresses({ host, family, networkInterface: null }, sources);
  const found = own.map(({ address }) => address).filter((address) =>
    // Link-local addresses cannot be bound without the name of the link.
    !address.toLowerCase().startsWith("fe80:") && isOf(address, family) &&
    (wanted === null || wanted.includes(address))
  );
  if (found.length > 0) return found;
  throw new Error(`${name} does not have ${host ?? `an address of ${family ?? "IPv4 or IPv6"}`}`);
}

function isOf(address: string, family: BindWish["family"]): boolean {
  return family === null || isIP(address) === (family === "ipv4" ? 4 : 6);
}
