/** How what is stored of tokens comes to where it counts. */
import { ADMIN_TOKENS } from "../../config/admin-tokens.ts";
import { inShell } from "../terminal/output.ts";
import { DEV_VARS } from "../wrangler-file/dev-vars.ts";
import { LARGEST_BYTES } from "../wrangler-file/pools.ts";

/** Where nobody has named a file. */
export const USUAL_FILE = "admin-tokens.json";

/** The commands that store what is in the file. */
export function storingLines(file: string): string[] {
  const word = inShell(file);
  return [
    "On Cloudflare:",
    `  npx wrangler secret put ${ADMIN_TOKENS} < ${word}`,
    `For \`wrangler dev\` and \`sluice serve\`, in ${DEV_VARS}, where the last ${ADMIN_TOKENS} counts:`,
    `  printf "${ADMIN_TOKENS}='%s'\\n" "$(cat ${word})" >> ${DEV_VARS}`,
    "`sluice serve` reads it when it starts: restart it then.",
  ];
}

/** Cloudflare's limit is for the whole secret. */
export function sizeWarning(text: string): string | null {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= LARGEST_BYTES) return null;
  return `these are ${bytes} bytes, and Cloudflare takes secrets of at most ${LARGEST_BYTES}`;
}
