/** A pool as it is to be written into a wrangler.toml. */

export type Value = string | number | boolean | readonly Value[] | { [key: string]: Value };

export type ServerTable = {
  name: string;
  url: string;
  slots?: number;
  weight?: number;
  backup?: boolean;
  shared?: boolean;
  headers?: Record<string, string>;
};

export interface PoolTable {
  name: string;
  /** One line each, without the `#`. */
  comments: string[];
  hosts: string[];
  /** All paths, without it. */
  pathPrefixes?: string[];
  servers: ServerTable[];
  /** All other keys, in this order. */
  keys: [string, Value][];
}
