// Shows place and estimate while they change, and fetches the answer when it is its turn. It stands in the page itself,
// and the page's policy names its digest (waiting-page.ts).
const place = document.querySelector("#place");
const estimate = document.querySelector("#estimate");
const { events, state, reload } = place.dataset;
/** How often a screen reader is told the estimate, in ms. */
const TELL_MS = 10_000;

const source = new EventSource(events);
let told = Date.now();
/** Once: the browser may take its time. Its connections may all be taken by such pages: this one's is needed no more. */
let again = () => {
  again = () => {};
  source.close();
  location.reload();
};

source.addEventListener("status", ({ data }) => {
  const now = JSON.parse(data);
  if (now.state !== state) return again();
  if (now.place !== null) {
    place.textContent = now.place;
    document.title = `Place ${now.place} in line`;
  }
  if (estimate.textContent === now.estimate || Date.now() - told < TELL_MS) return;
  estimate.textContent = now.estimate;
  told = Date.now();
});
// The browser connects again by itself, unless it was told that there is nothing there.
source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED) setTimeout(() => again(), reload * 1_000);
});
// The page of a history's entry, which has missed what came meanwhile.
addEventListener("pageshow", ({ persisted }) => persisted && again());
