/** The calendar of rows that are copied. */
import type { Calendar } from "../../base/calendar.ts";

/** Times of the wall clock are copied as they are. */
export const SAME_TIME: Calendar = { toWall: (ms) => ms, toClock: (ms) => ms };
