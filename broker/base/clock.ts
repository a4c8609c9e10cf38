/** The clock of the broker, as the transports have it. */
export {
  afterPoll,
  type Clock,
  IMMEDIATES_PER_POLL,
  soon,
  systemClock,
} from "../../transport/clock.ts";
