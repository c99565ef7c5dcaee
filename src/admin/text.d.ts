/** A file that the Worker serves as it is, as text in its bundle. */
declare module "./openapi.*" {
  const text: string;
  export default text;
}
