/** What the Worker sends as it is, as text in its bundle. */
declare module "*.script.js" {
  const text: string;
  export default text;
}
