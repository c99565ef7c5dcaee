/** Files that the Worker serves as they are, as text in its bundle. */
declare module "./page/*" {
  const text: string;
  export default text;
}
declare module "./page.min.*" {
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
