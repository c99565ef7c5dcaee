/** The limit of the runtime: a Worker that does nothing. */
export default {
  fetch: (request) => fetch(request),
} satisfies ExportedHandler;
