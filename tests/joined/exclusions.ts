/** Tests that do not hold for two brokers that are joined, each with its reason. */

/** Tests that all have one reason not to hold. */
interface Exclusion {
  readonly reason: string;
  /** Their names, without "(TCP)" and "(in memory)". */
  readonly tests: readonly string[];
}

const ALL: readonly Exclusion[] = [
  {
    reason: "The node of the publisher prefers its own members of a group: they do not take turns" +
      " with those of other nodes, as these tests have it.",
    tests: [
      "what a vanished member of a shared group did not acknowledge goes to another",
      "older clients may share subscriptions, too",
    ],
  },
  {
    reason:
      "The policy refuse-publisher knows the backlogs of the node of the publisher. A session" +
      " without room at another node goes without the message, and that is counted" +
      " (docs/cluster.md).",
    tests: [
      "a message that nobody has room for is refused [MQTT-3.4.2-1] [MQTT-3.5.2-1]",
      "refuse-publisher: the publisher is told, and nobody gets the message (1 online)",
      "refuse-publisher: the publisher is told, and nobody gets the message (1 offline)",
      "refuse-publisher: one of 2 joins when it is full already",
      "refuse-publisher: one of 10 joins when it is full already",
    ],
  },
  {
    reason:
      "These nodes share no table of addresses, failed logins and rates, as workers do: they" +
      " are tested over all workers in tests/workers/limits_test.ts.",
    tests: [
      "addressConnectionsMax come from an address, and one more is closed unread",
      "an IPv6 address counts as its /64, and IPv4 in IPv6 as IPv4",
      "addressHandshakesMax of an address may be under way, and one more is closed",
      "addressConnectsBurst come at once from an address, then so many a second",
      "what is known of addresses is bounded: those that come again are remembered",
      "loginFailuresMax are answered at once, and one more after loginDelayMs",
      "one failed login is forgotten after loginForgetMs",
      "loginsDelayedMax answers wait, and one more login is refused unseen",
      ...changes("addressConnectionsMax", "addressHandshakesMax", "addressConnectsPerSecondMax"),
      ...changes("addressConnectsBurst", "addressesMax"),
      ...changes("loginFailuresMax", "loginForgetMs", "loginDelayMs", "loginsDelayedMax"),
    ],
  },
  {
    reason:
      "These nodes share no count of connections, as workers do (tests/workers/limits_test.ts)." +
      " Sessions are limited for each node: the supervisor gives each worker a share, and clients" +
      " spread by a hash, so the shares are not exact (docs/workers.md).",
    tests: [
      "connectionsMax are let in, and one more is told so and counted",
      ...changes("connectionsMax", "sessionsMax"),
    ],
  },
  {
    reason: "A node reads the CONNECT of a connection first, to know where it belongs. Until then" +
      " the connection is limited by pendingHandshakesMax, and not by handshakesMax or" +
      " connectionsMax.",
    tests: [
      "handshakesMax are under way at once, and the next is accepted when one is over",
      "a broker with handshakesMax under way closes at once",
      "a closing broker does not wait for those it is refusing",
      ...changes("handshakesMax", "pendingHandshakesMax"),
    ],
  },
  {
    reason: "Each node measures by itself how late its event loop is.",
    tests: [
      "a loop later than loopLagMs has newcomers refused, until it is well again",
      ...changes("loopLagMs"),
    ],
  },
  {
    reason: "The link between two nodes holds some messages until the subscriber's node reads no" +
      " more: publishers of another node wait later than this test has it.",
    tests: changes("highWaterBytes", "stallMs"),
  },
  {
    reason: "With turns of no time, nodes are joined only after the clock has moved.",
    tests: changes("turnMsMax"),
  },
];

/** The reasons, by the names of the tests. A test that passes all the same must not be here. */
export const EXCLUSIONS: ReadonlyMap<string, string> = new Map(
  ALL.flatMap(({ reason, tests }) => tests.map((name) => [name, reason])),
);

/** The tests that a change of a limit comes into effect. */
function changes(...limits: string[]): string[] {
  return limits.map((limit) => `changeLimits: ${limit} holds as if it had always been so`);
}

/** Whether a test does not hold. */
export function isExcluded(name: string): boolean {
  return EXCLUSIONS.has(name.replace(/ \((TCP|in memory)\)$/, ""));
}

/** Runs a test; one with an exclusion has to fail. */
export async function runUnlessExcluded(name: string, test: () => Promise<void>): Promise<void> {
  if (!isExcluded(name)) return await test();
  try {
    await test();
  } catch {
    // As expected.
    return;
  }
  throw new Error(`${name} passes: take it out of tests/joined/exclusions.ts`);
}
