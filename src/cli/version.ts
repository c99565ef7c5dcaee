/** Put in by scripts/build-cli.ts, from package.json. */
declare const SLUICE_VERSION: string;

export const VERSION: string = SLUICE_VERSION;
