/**
 * pass-on.ts with what a proxy owes to servers, clients and operators (`carryWithDuties`), and nothing else of Sluice: about
 * the least that a lease which is passed on costs where it is of use.
 */
import { carryWithDuties } from "./parts/carry-with-duties.ts";
import { passOnWorker } from "./pass-on.ts";

export { Slots } from "./pass-on.ts";
export default passOnWorker(carryWithDuties);
