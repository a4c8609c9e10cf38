import { testsFor } from "../harness.ts";

const tests = testsFor(5);

/** Registers a conversation about a trap, mostly in MQTT 5, on a real listener and in memory. */
export const specTest = tests.specTest;

/** Registers a conversation about a trap that has to let time pass, in memory. */
export const timeTest = tests.timeTest;
