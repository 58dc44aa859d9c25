/**
 * The backend over HTTP: each call is one request to the Python server of this page.
 *
 * A call returns plain objects or ImageBitmaps, or fails with a `BackendError`. All calls are listed in contract.js.
 */

/** An error of a backend: the server is "gone", it "refused" with a reason, or a newer request "superseded". */
export class BackendError extends Error {
  /** @param {"gone"|"refused"|"superseded"} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

const TIMEOUT = 60000; // milliseconds until a server counts as gone
const PAGE = crypto.getRandomValues(new Uint32Array(2)).join("-"); // identifies this page among the clients

/** @param {string} [base] the URL of the API @returns {import("./contract.js").Backend} */
export function serverBackend(base = "api") {
  const get = (path, query = {}) =>
    send(`${base}/${path}?${new URLSearchParams(query)}`, { headers: clientHeader("get") });
  const post = (path, body, slot = path) =>
    send(`${base}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...clientHeader(slot) },
      body: JSON.stringify(body),
    });
  return {
    models: async () => (await get("models")).json(),
    map: async (m, kind, dims = 2) => points(await (await get("map", { model: m, kind, dims })).json()),
    async values(m) {
      const { log_likelihood, error } = points(await (await get("map/values", { model: m })).json());
      return { log_likelihood, error };
    },
    waiting: async (m, kind, dims) => (await get("map/waiting", { model: m, kind, dims })).json(),
    density: async (m, kind) => (await get("density", { model: m, kind })).json(),
    backdrop: async (m, options) => bitmap(await get("backdrop", { model: m, ...options })),
    image: async (m, index) => bitmap(await get("image", { model: m, index })),
    thumbnails: async (m, indices) => gallery(await post("thumbnails", { model: m, indices })),
    point: async (m, index, kind, dims = 2) =>
      (await post("point", { model: m, index, kind, dims }, `point-${m}`)).json(),
    neighbors: async (m, z, kind, dims, n, label) =>
      (await post("neighbors", { model: m, z, kind, dims, n, label }, `neighbors-${m}`)).json(),
    decodeAt: async (m, { x, y, ...place }, label, slot) =>
      decodedPoint(await post("decode", { model: m, point: [x, y], ...place, label }, `${slot}-${m}`)),
    decode: async (m, z, label, slot) => bitmap(await post("decode", { model: m, z, label }, `${slot}-${m}`)),
    unproject: async (m, kind, x, y, base, between = "plane") =>
      (await (await post("unproject", { model: m, kind, x, y, base, between }, `unproject-${m}`)).json()).z,
    sample: async (m, options) => (await post("sample", { model: m, ...options }, `sample-${m}`)).json(),
    interpolate: async (m, options) =>
      (await (await post("interpolate", { model: m, ...options }, `interpolate-${m}`)).json()).z,
    strip: async (m, options) => (await post("strip", { model: m, ...options })).blob(),
    encode: async (m, options) => (await post("encode", { model: m, ...options }, `encode-${m}`)).json(),
    computation: async (m, options) =>
      (await post("computation", { model: m, ...options }, `computation-${m}`)).json(),
    impute: async (m, options) => imputations(await post("impute", { model: m, ...options }, `impute-${m}`)),
    classes: async (m, z) => bitmap(await post("classes", { model: m, z }, `classes-${m}`)),
    pseudoInputs: async (m, start, n) => gallery(await get("pseudo_inputs", { model: m, start, n })),
    summary: async (m, mask) => (await post("summary", { model: m, mask }, `summary-${m}`)).json(),
    exported: async (m, mask, format) => (await post("export", { model: m, mask, format })).blob(),
  };
}

const clientHeader = (slot) => ({ "X-Vaekit-Client": `${PAGE}-${slot}` });

async function send(url, options) {
  const signal = AbortSignal.timeout(TIMEOUT);
  const response = await fetch(url, { cache: "no-store", signal, ...options }).catch(() => {
    throw new BackendError("gone", "The server does not answer. Check that `vaekit explore` is still running.");
  });
  if (response.ok) return response;
  if (response.status === 409) throw new BackendError("superseded", "A newer request came.");
  throw new BackendError("refused", await reason(response));
}

async function reason(response) {
  const body = await response.json().catch(() => ({}));
  return typeof body.error === "string" ? body.error : `The server answered with status ${response.status}.`;
}

/** A picture, with the `values` of the cells if it is one row of a table. */
async function bitmap(response) {
  const picture = await createImageBitmap(await response.blob());
  const values = response.headers.get("X-Vaekit-Values");
  return values ? Object.assign(picture, { values: JSON.parse(values) }) : picture;
}

async function decodedPoint(response) {
  const [z, sources] = ["Z", "Sources"].map((name) => JSON.parse(response.headers.get(`X-Vaekit-${name}`)));
  return Object.assign(await bitmap(response), { z, sources });
}

async function imputations(response) {
  const [ess, samples] = ["Ess", "Samples"].map((name) => Number(response.headers.get(`X-Vaekit-${name}`)));
  return { picture: await bitmap(response), ess, samples };
}

async function gallery(response) {
  const columns = Number(response.headers.get("X-Vaekit-Columns")) || 10;
  return { picture: await bitmap(response), columns };
}

const FLOATS = ["x", "y", "depth", "reconstruction", "kl", "log_likelihood", "error"];

/** The points of a map with their arrays decoded from base64. */
export function points(json) {
  const floats = (text) => (text ? new Float32Array(bytes(text)) : null);
  const arrays = FLOATS.map((key) => [key, floats(json[key])]);
  const attributes = Object.entries(json.attributes ?? {}).map(([name, text]) => [name, floats(text)]);
  return {
    ...json,
    ...Object.fromEntries(arrays),
    attributes: Object.fromEntries(attributes),
    label: json.label ? new Int16Array(bytes(json.label)) : null,
  };
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}
