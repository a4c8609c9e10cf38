import { testsFor } from "../harness.ts";

const tests = testsFor(4);

/** Registers a conversation in MQTT 3.1.1, on a real listener and in memory. */
export const specTest = tests.specTest;

/** Registers a conversation in MQTT 3.1.1 that has to let time pass, in memory. */
export const timeTest = tests.timeTest;
