/** A pool as it is to be written into a wrangler.toml. */

export type Value = string | number | boolean | readonly Value[] | { [key: string]: Value };

export type ServerTable = {
  name: string;
  url: string;
  slots?: number;
  weight?: number;
  backup?: boolean;
};

export interface PoolTable {
  name: string;
  /** One line each, without the `#`. */
  comments: string[];
  hosts: string[];
  pathPrefix?: string;
  servers: ServerTable[];
  /** All other keys, in this order. */
  keys: [string, Value][];
}
