export { default, Pool } from "../../src/index.ts";
