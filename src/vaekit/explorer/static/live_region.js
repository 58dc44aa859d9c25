/** Announcements for screen readers, in a polite live region. */

/** @param {HTMLElement} live  the live region */
export function liveRegion(live) {
  let timer = 0;
  const announce = (message) => {
    clearTimeout(timer);
    live.textContent = message;
  };
  /** Announce after a moment, unless a newer message comes. */
  const announceLater = (message) => {
    clearTimeout(timer);
    timer = setTimeout(announce, 700, message);
  };
  return { announce, announceLater };
}
