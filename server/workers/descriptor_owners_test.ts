import { assertEquals } from "@std/assert";
import { FakeLibc } from "../../transport/native/testdata/fake_libc.ts";
import { Family, SOCK_STREAM } from "../../transport/native/libc.ts";
import { DescriptorOwners, RecordingLibc } from "./descriptor_owners.ts";

Deno.test("DescriptorOwners gives each descriptor of a node once, and none of the others", () => {
  const owners = new DescriptorOwners();
  for (const [fd, node] of [[3, 0], [4, 1], [5, 0], [6, 63], [7, 1]] as const) owners.set(fd, node);
  owners.set(7, null);
  owners.set(5, 1);
  owners.set(-1, 1);
  owners.set(2 ** 30, 1);
  const elsewhere = new DescriptorOwners(owners.buffer);
  assertEquals(elsewhere.takeAll(1), [4, 5]);
  assertEquals([owners.takeAll(1), owners.takeAll(0), owners.takeAll(63)], [[], [3], [6]]);
});

Deno.test("RecordingLibc records what a node opens, accepts and closes", () => {
  const owners = new DescriptorOwners();
  const kernel = new FakeLibc();
  const libc = new RecordingLibc(kernel, owners, 2);
  const [epoll, wake] = [libc.epollCreate(), libc.eventfd()];
  const listener = libc.socket(Family.inet, SOCK_STREAM, 0);
  libc.bind(listener, new Uint8Array(16));
  libc.listen(listener, 10);
  kernel.connect();
  const accepted = libc.accept4(listener, new Uint8Array(28));
  kernel.fail("accept4", "EMFILE");
  libc.accept4(listener, new Uint8Array(28));
  libc.close(wake);
  assertEquals(owners.takeAll(2), [epoll, listener, accepted].toSorted((a, b) => a - b));
});
