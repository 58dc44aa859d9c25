/* Says so where the page's own modules do not come: a plain script, which runs before them. */
addEventListener(
  "error",
  (event) => {
    if (!(event.target instanceof HTMLScriptElement)) return;
    const waiting = document.getElementById("waiting");
    if (waiting)
      waiting.textContent =
        "The server stopped before the page was here. Start `vaekit explore` again, and reload.";
  },
  true,
);
