/** Preact and htm. The browser gets the text of this package at this path; editors come here. */
export * from "npm:htm@3.1.1/preact/standalone";
