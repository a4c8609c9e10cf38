import { testsFor } from "../spec/harness.ts";

/** Registers a conversation about the rules of listeners, mostly in MQTT 5. */
export const { specTest, timeTest } = testsFor(5);
