import type { Answer } from "../support/connections.ts";
import type { SingleFlightPool } from "../support/single-flight-pool.ts";

/** So many clients, each with a request at a time, until that has come. Resolves with all answers. */
export async function loadUntil(
  pool: SingleFlightPool,
  end: Promise<unknown>,
  clients: number,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let over = false;
  void end.finally(() => {
    over = true;
  });
  const client = async () => {
    while (!over) answers.push(await pool.client.get(`/${answers.length}`));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return answers;
}
