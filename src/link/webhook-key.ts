/** A secret as Standard Webhooks writes it: 24 to 64 bytes, in Base64. */
const SECRET = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/;

/** The key of `WEBHOOK_SECRET`, with which webhooks are signed; `null`: there is none, or it is none. */
export function webhookKey({ WEBHOOK_SECRET: secret = "" }: { WEBHOOK_SECRET?: string }): Uint8Array | null {
  const [, text] = SECRET.exec(secret) ?? [];
  if (text === undefined) return null;
  try {
    const key = Uint8Array.fromBase64(text);
    return key.byteLength >= 24 && key.byteLength <= 64 ? key : null;
  } catch {
    return null;
  }
}
