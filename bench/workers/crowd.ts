/** Many clients on one connection, where a process may not open as many files as there are to be clients. */
interface Env {
  SLUICE: Fetcher;
}

export default {
  async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const [from, count] = [Number(searchParams.get("from")), Number(searchParams.get("count"))];
    const statuses = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const response = await env.SLUICE.fetch(`http://bench/order/${from + n}`);
        await response.arrayBuffer();
        return response.status;
      }),
    );
    return new Response(null, { status: statuses.find((status) => status !== 200) ?? 200 });
  },
} satisfies ExportedHandler<Env>;
