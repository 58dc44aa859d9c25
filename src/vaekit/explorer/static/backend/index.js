/** Which backend answers: the server that served the page, or, in a page without one, the browser itself. */
import { serverBackend } from "./server.js";

export async function theBackend() {
  const kind = document.querySelector('meta[name="vaekit-backend"]')?.content;
  return kind === "site" ? (await import("./site.js")).siteBackend() : serverBackend();
}
