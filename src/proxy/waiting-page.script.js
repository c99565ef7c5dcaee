// Shows place and estimate while they change, and fetches the answer when it is its turn. It stands in the page itself,
// and the page's policy names its digest (waiting-page.ts).
const place = document.querySelector("#place");
const estimate = document.querySelector("#estimate");
const { events, state, reload } = place.dataset;
/** How often a screen reader is told the estimate, in ms. */
const TELL_MS = 10_000;
/** How long to wait for the first event, and for any further one, in ms: some proxies hold streams back. */
const [FIRST_MS, NEXT_MS] = [15_000, 45_000];

const source = new EventSource(events);
let timer;
let told = Date.now();

/**
 * Once: the browser may take its time. It has few connections to a host, and needs this one for the reload. One that keeps
 * no cookies would begin anew: it goes on at the request's own address, which leads to the answer.
 */
let again = () => {
  again = () => {};
  source.close();
  if (navigator.cookieEnabled) location.reload();
  else location.replace(events);
};

/** A reload without a network would leave nothing but the browser's own page: Sluice has to answer first. */
function expectNews(withinMs) {
  clearTimeout(timer);
  timer = setTimeout(
    () =>
      fetch(events).then(
        () => again(),
        () => expectNews(withinMs),
      ),
    withinMs,
  );
}

expectNews(FIRST_MS);
source.addEventListener("status", ({ data }) => {
  expectNews(NEXT_MS);
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
  if (source.readyState === EventSource.CLOSED) expectNews(reload * 1_000);
});
// A page out of the history has missed what came meanwhile.
addEventListener("pageshow", ({ persisted }) => persisted && again());
