/** The Worker's variables that hold pools: `POOLS`, and where that would be too large, `POOLS_2`, `POOLS_3` … too. */

/** The one that is always there. */
export const FIRST_VARIABLE = "POOLS";

export const FURTHER_VARIABLE = /^POOLS_[0-9]+$/;

/** The names of those among `vars`, in order. A number may be left out; the first name is there even without a value. */
export function poolVariables(vars: object): string[] {
  const further = Object.keys(vars).filter(isFurther);
  return [FIRST_VARIABLE, ...further.sort((one, other) => numberOf(one) - numberOf(other))];
}

export function holdsPools(name: string): boolean {
  return name === FIRST_VARIABLE || isFurther(name);
}

function isFurther(name: string): boolean {
  return FURTHER_VARIABLE.test(name);
}

function numberOf(name: string): number {
  return Number(name.slice(FIRST_VARIABLE.length + 1));
}
