/** Whether clients may end their subscriptions. */
import { type Authorizer, everyAuthorizer } from "../../auth/mod.ts";
import { testsFor } from "../spec/harness.ts";
import { publish, unsubscribe } from "../spec/v5/packets.ts";
import { subscriber } from "../spec/v5/steps.ts";

const { specTest } = testsFor(5);

const everything: Authorizer = { mayPublish: () => true, maySubscribe: () => true };

/** Nobody may end a subscription to `kept`, in whatever group. */
function keeping(answer: (may: boolean) => boolean | Promise<boolean>): Authorizer {
  return { ...everything, mayUnsubscribe: (_, { filter }) => answer(filter !== "kept") };
}

const ways: Record<string, Authorizer> = {
  "at once": keeping((may) => may),
  "later": keeping((may) => Promise.resolve(may)),
  "in a chain": everyAuthorizer(everything, keeping((may) => may)),
};

for (const [name, authorizer] of Object.entries(ways)) {
  specTest(
    `a client keeps a subscription that it may not end, and is told so (${name})`,
    { broker: { authorizer } },
    async (t) => {
      const publisher = await t.connect();
      const client = await subscriber(t, "kept");
      await client.send(unsubscribe(["kept", "other", "$share/g/kept", "a"]));
      await client.expect("b0 07 0001 00 87 11 87 11");
      await publisher.send(publish("kept", "x"));
      await client.expectPublish("kept", "x");
    },
  );
}
