/** A module for workerd, as text in the command's bundle. */
declare module "./front.*" {
  const text: string;
  export default text;
}
