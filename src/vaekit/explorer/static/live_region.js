/** Words for screen readers, said politely. */

/** @param {HTMLElement} live  a live region */
export function speech(live) {
  let timer = 0;
  const say = (message) => {
    clearTimeout(timer);
    live.textContent = message;
  };
  /** Said once nothing newer comes for a moment. */
  const sayLater = (message) => {
    clearTimeout(timer);
    timer = setTimeout(say, 700, message);
  };
  return { say, sayLater };
}
