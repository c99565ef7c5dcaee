import { expect, test } from "vitest";
import { readDevVars } from "../../../src/cli/wrangler-file/dev-vars.ts";

test.each([
  ["A=plain", { A: "plain" }],
  ["A = spaced out  # and why", { A: "spaced out" }],
  ['A="in # quotes"', { A: "in # quotes" }],
  ["A='as it \\n stands'", { A: "as it \\n stands" }],
  ['A="two\\nlines"', { A: "two\nlines" }],
  ['A="two\nlines"\nB=next', { A: "two\nlines", B: "next" }],
  ['A=`it\'s "both"\nof them`\nB=next', { A: 'it\'s "both"\nof them', B: "next" }],
  ['A="two\r\nlines"\r\nB=next', { A: "two\nlines", B: "next" }],
  ['A="carriage\\rreturn"', { A: "carriage\rreturn" }],
  ["A: yaml\nB=next", { A: "yaml", B: "next" }],
  ["export A=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["# A=1\n\nB=2", { B: "2" }],
  ["A=", { A: "" }],
  ["A=first\nA=last", { A: "last" }],
  ["A=`in 'these' too`", { A: "in 'these' too" }],
  ["A: 1", { A: "1" }],
  ['A={"b": "c"}', { A: '{"b": "c"}' }],
  ['A=\'{\n  "b": ["c"]\n}\'\nB=2', { A: '{\n  "b": ["c"]\n}', B: "2" }],
  // Without quotes a value ends with its line, and with a number sign.
  ['A={\n  "b": "c"\n}', { A: "{" }],
  // Backslashes stay.
  ['A="{\\"b\\": 1}"', { A: '{\\"b\\": 1}' }],
])("%j has the secrets that wrangler finds there", (text, secrets) => {
  expect(readDevVars(text)).toEqual(secrets);
});
