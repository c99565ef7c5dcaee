import { expect, test } from "vitest";
import { wordsOf } from "../../../../src/cli/init/haproxy/words.ts";

test.each([
  ["  bind :80  # a comment", ["bind", ":80"]],
  ["a\\ b c", ["a b", "c"]],
  ['log-format "%ci # %cp" x', ["log-format", "%ci # %cp", "x"]],
  ["acl x path 'a\\b c'", ["acl", "x", "path", "a\\b c"]],
  ["a\\#b", ["a#b"]],
  ['a""b ""', ["ab", ""]],
  ['"never closed', ["never closed"]],
  ["HTTP/1.1\\r\\nHost:\\ a", ["HTTP/1.1\r\nHost: a"]],
  ["# all of it", []],
  ["", []],
])("%j has the words %j", (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});
