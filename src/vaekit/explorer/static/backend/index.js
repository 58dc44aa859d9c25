/** Choose the backend: the server of this page, or, for a static page, the browser itself. */
import { serverBackend } from "./server.js";

/** @returns {Promise<import("./contract.js").Backend>} */
export async function createBackend() {
  const kind = document.querySelector('meta[name="vaekit-backend"]')?.content;
  return kind === "site" ? (await import("./site.js")).siteBackend() : serverBackend();
}
