/** The MQTT client. The browser gets it in one file at this path; editors come here. */
export * from "../../../client/mod.ts";
