import { assert, assertEquals, assertThrows } from "@std/assert";
import { MountPoint } from "./mount_point.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("MountPoint puts its prefix before topics and filters, behind the name of a group", () => {
  const mount = new MountPoint("büro/");
  assertEquals(mount.topic("a"), "büro/a");
  assertEquals(mount.told("büro/a"), "a");
  assertEquals(mount.filter("+/#"), "büro/+/#");
  assertEquals(mount.filter("$SYS/#"), "büro/$SYS/#");
  assertEquals(mount.filter("$share/g/+/b"), "$share/g/büro/+/b");
});

Deno.test("MountPoint.mounted() puts the prefix before a part of a buffer", () => {
  const mount = new MountPoint("m/");
  const bytes = encode("xxa/bxx");
  assertEquals(decode(mount.mounted(bytes, 2, 5)!), "m/a/b");
  assertEquals(mount.mounted(bytes, 2, 2), null);
  const long = encode("t".repeat(65_534));
  assertEquals(mount.mounted(long, 0, 65_533)!.length, 65_535);
  assertEquals(mount.mounted(long, 0, 65_534), null);
  assertEquals(decode(mount.mounted(bytes, 3, 5)!), "m//b");
});

Deno.test("MountPoint.holds() only topics that are longer than its prefix", () => {
  const mount = new MountPoint("m/");
  for (const topic of ["m/a", "m//", "m/$SYS"]) assert(mount.holds(encode(topic)), topic);
  for (const topic of ["m/", "m", "ma/b", "n/a", ""]) assert(!mount.holds(encode(topic)), topic);
});

Deno.test("MountPoint takes no prefix that no topic could have", () => {
  const wrong = ["", "+/", "a/#", "\0", "\ud800", "x".repeat(65_535)];
  for (const prefix of wrong) assertThrows(() => new MountPoint(prefix), RangeError, "mountPoint");
});
