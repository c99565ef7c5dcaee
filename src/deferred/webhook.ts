/** How long a receiver may take, in ms. */
const TIMEOUT_MS = 15_000;
/**
 * Pauses between tries, in ms: growing ones, as Standard Webhooks recommends, and with all their jitter no longer than
 * the day for which an answer is kept by default.
 */
const PAUSES_MS = [5_000, 60_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 25_200_000, 25_200_000];

/** What a webhook says; `url`: of the answer. */
export interface Notice {
  type: "request.answered" | "request.failed";
  timestamp: string;
  data: { id: string; status: number; url: string };
}

/** When to try again after so many tries, in ms from now; `null`: no more. */
export function pauseMs(tries: number, random: () => number = Math.random): number | null {
  const pause = PAUSES_MS[tries - 1];
  // Jitter keeps the webhooks of many requests from coming at the same moment.
  return pause === undefined ? null : Math.round(pause * (0.9 + random() / 5));
}

/**
 * Sends a signed POST (standardwebhooks.com). `id` is the same in each try, so that its receiver can tell a repetition.
 * Resolves with true once it is answered by 2xx. Never rejects.
 */
export async function notify(url: string, id: string, notice: Notice, key: Uint8Array): Promise<boolean> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const body = JSON.stringify(notice);
  const signature = await sign(`${id}.${timestamp}.${body}`, key);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "Sluice",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1,${signature}`,
      },
      body,
      // It could lead to an origin that is not allowed.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function sign(text: string, key: Uint8Array): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
  return new Uint8Array(signature).toBase64();
}
