/* Reports that the page's modules could not be loaded: a plain script, which runs before them. */
addEventListener(
  "error",
  (event) => {
    if (!(event.target instanceof HTMLScriptElement)) return;
    const waiting = document.getElementById("waiting");
    if (waiting)
      waiting.textContent =
        "The server stopped while the page was loading. Start `vaekit explore` again, then reload the page.";
  },
  true,
);
