/** The client went away before it had its answer. */
export class ClientLeft extends Error {}
