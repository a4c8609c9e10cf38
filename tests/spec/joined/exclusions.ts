/** Tests that do not hold for two brokers that are joined, each with its reason. */

/** The reasons, by the names of the tests. A test that passes all the same must not be here. */
export const EXCLUSIONS: Readonly<Record<string, string>> = {
  "what a vanished member of a shared group did not acknowledge goes to another":
    "The node of the publisher prefers its own members of a group: they do not take turns with those" +
    " of other nodes, as this test has it.",
  "older clients may share subscriptions, too":
    "As above: both messages go to the member on the node of the publisher.",
  "a message that nobody has room for is refused [MQTT-3.4.2-1] [MQTT-3.5.2-1]":
    "The policy refuse-publisher knows the backlogs of the node of the publisher. A session without" +
    " room at another node goes without the message, and that is counted (docs/cluster.md).",
};

/** Runs a test; one with an exclusion has to fail. */
export async function runUnlessExcluded(name: string, test: () => Promise<void>): Promise<void> {
  const reason = EXCLUSIONS[name.replace(/ \((TCP|in memory)\)$/, "")];
  if (reason === undefined) return await test();
  try {
    await test();
  } catch {
    // As expected.
    return;
  }
  throw new Error(`${name} passes: take it out of tests/spec/joined/exclusions.ts`);
}
