/** A shell's script, as text in the command's bundle. */
declare module "./sluice.*" {
  const text: string;
  export default text;
}
