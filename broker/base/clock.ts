export { afterPoll, type Clock, soon, systemClock } from "../../transport/clock.ts";
