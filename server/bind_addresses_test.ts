import { assertEquals, assertRejects } from "@std/assert";
import { bindAddresses, type BindSources, type BindWish } from "./bind_addresses.ts";

const SOURCES: BindSources = {
  resolve: (host) => {
    if (host === "localhost") return Promise.resolve(["127.0.0.1", "::1", "127.0.0.1"]);
    return Promise.reject(new Error(`${host} is not known`));
  },
  interfaces: () => [
    { name: "lo", address: "127.0.0.1", family: "IPv4" },
    { name: "lo", address: "::1", family: "IPv6" },
    { name: "eth0", address: "192.0.2.7", family: "IPv4" },
    { name: "eth0", address: "fe80::1", family: "IPv6" },
  ],
};

function find(wish: Partial<BindWish>): Promise<string[]> {
  return bindAddresses({ host: null, networkInterface: null, family: null, ...wish }, SOURCES);
}

for (
  const [wish, addresses] of [
    [{}, ["::"]],
    [{ family: "ipv4" }, ["0.0.0.0"]],
    [{ family: "ipv6" }, ["::"]],
    [{ host: "192.0.2.9" }, ["192.0.2.9"]],
    [{ host: "localhost" }, ["127.0.0.1", "::1"]],
    [{ host: "localhost", family: "ipv6" }, ["::1"]],
    [{ networkInterface: "lo" }, ["127.0.0.1", "::1"]],
    [{ networkInterface: "eth0" }, ["192.0.2.7"]],
    [{ networkInterface: "lo", family: "ipv4" }, ["127.0.0.1"]],
    [{ networkInterface: "lo", host: "localhost", family: "ipv6" }, ["::1"]],
  ] as const
) {
  Deno.test(`bindAddresses() finds ${addresses} for ${JSON.stringify(wish)}`, async () => {
    assertEquals(await find(wish), [...addresses]);
  });
}

for (
  const [wish, message] of [
    [{ networkInterface: "eth1" }, "there is no interface eth1: this machine has lo, eth0"],
    [{ networkInterface: "eth0", family: "ipv6" }, "eth0 does not have an address of ipv6"],
    [{ networkInterface: "eth0", host: "127.0.0.1" }, "eth0 does not have 127.0.0.1"],
    [{ host: "127.0.0.1", family: "ipv6" }, "127.0.0.1 has no address of ipv6"],
    [{ host: "nowhere" }, "nowhere is not known"],
  ] as const
) {
  Deno.test(`bindAddresses() finds none for ${JSON.stringify(wish)}`, async () => {
    await assertRejects(() => find(wish), Error, message);
  });
}
