import * as v from "valibot";
import { mapOf } from "./values";

/** The highest number that a broker may have where each has a host of its own. */
export const MOST_BROKERS = 9;

/** Hosts by the names of the instances that run there. */
export function hostsNamed<H extends v.GenericSchema>(host: H, regex: RegExp, allowed: string, example: string) {
  return v.optional(
    mapOf(
      v.pipe(v.string(), v.regex(regex, `is no name of an instance; allowed: ${allowed}`)),
      host,
      `must be an object of hosts by name of the instance: { "${allowed.split(" ")[0]}": ${example} }`,
    ),
    {},
  );
}
