/** What is served as it stands, and becomes part of the Worker's bundle as text. */
declare module "./page/*" {
  const text: string;
  export default text;
}
declare module "uplot/LICENSE" {
  const text: string;
  export default text;
}
declare module "uplot/dist/uPlot.iife.min.js" {
  const text: string;
  export default text;
}
declare module "uplot/dist/uPlot.min.css" {
  const text: string;
  export default text;
}
