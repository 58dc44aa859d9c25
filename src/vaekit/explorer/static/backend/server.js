/**
 * The backend over HTTP: each call is one request to the Python that served this page.
 *
 * A call gives plain objects or ImageBitmaps, and fails with a `BackendError`. Another backend with the same
 * calls can take its place.
 */

/** What can go wrong: the server is "gone", it "refused" with a reason, or a newer request "superseded". */
export class BackendError extends Error {
  /** @param {"gone"|"refused"|"superseded"} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

const PATIENCE = 60000; // milliseconds after which a server counts as gone
const PAGE = crypto.getRandomValues(new Uint32Array(2)).join("-"); // this page among those that ask

/** @param {string} [base] where the server answers */
export function serverBackend(base = "api") {
  const get = (path, query = {}) =>
    ask(`${base}/${path}?${new URLSearchParams(query)}`, { headers: names("get") });
  const post = (path, body, slot = path) =>
    ask(`${base}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...names(slot) },
      body: JSON.stringify(body),
    });
  return {
    models: async () => (await get("models")).json(),
    map: async (m, kind) => points(await (await get("map", { m, kind })).json()),
    values: async (m) => points(await (await get("map/values", { m })).json()),
    density: async (m, kind) => (await get("density", { m, kind })).json(),
    backdrop: async (m, wish) => picture(await get("backdrop", { m, ...wish })),
    image: async (m, i) => picture(await get("image", { m, i })),
    point: async (m, i, kind) => (await post("point", { m, i, kind }, `point-${m}`)).json(),
    decode: async (m, z, label, slot) => picture(await post("decode", { m, z, label }, `${slot}-${m}`)),
    lift: async (m, kind, x, y, base) =>
      (await (await post("lift", { m, kind, x, y, base }, `lift-${m}`)).json()).z,
    draw: async (m, wish) => (await post("draw", { m, ...wish }, `draw-${m}`)).json(),
    interpolate: async (m, wish) => (await (await post("interpolate", { m, ...wish }, `way-${m}`)).json()).z,
    strip: async (m, wish) => (await post("strip", { m, ...wish })).blob(),
    encode: async (m, wish) => (await post("encode", { m, ...wish }, `encode-${m}`)).json(),
    impute: async (m, wish) => imputations(await post("impute", { m, ...wish }, `impute-${m}`)),
    classes: async (m, z) => picture(await post("classes", { m, z }, `classes-${m}`)),
    pseudo: async (m, start, n) => sheet(await get("pseudo", { m, start, n })),
  };
}

const names = (slot) => ({ "X-Vaekit-Client": `${PAGE}-${slot}` });

async function ask(url, options) {
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(url, { cache: "no-store", signal, ...options }).catch(() => {
    throw new BackendError("gone", "The server does not answer. Is `vaekit explore` still running?");
  });
  if (answer.ok) return answer;
  if (answer.status === 409) throw new BackendError("superseded", "A newer request came.");
  throw new BackendError("refused", await reason(answer));
}

async function reason(answer) {
  const said = await answer.json().catch(() => ({}));
  return typeof said.error === "string" ? said.error : `The server answered ${answer.status}.`;
}

async function picture(answer) {
  return createImageBitmap(await answer.blob());
}

async function imputations(answer) {
  const [ess, draws] = ["Ess", "Draws"].map((name) => Number(answer.headers.get(`X-Vaekit-${name}`)));
  return { picture: await picture(answer), ess, draws };
}

async function sheet(answer) {
  const columns = Number(answer.headers.get("X-Vaekit-Columns")) || 10;
  return { picture: await picture(answer), columns };
}

/** The points of a map, their arrays read. */
export function points(said) {
  const floats = (text) => (text ? new Float32Array(bytes(text)) : null);
  const arrays = ["x", "y", "reconstruction", "rate", "log_likelihood"].map((key) => [
    key,
    floats(said[key]),
  ]);
  return {
    ...said,
    ...Object.fromEntries(arrays),
    label: said.label ? new Int16Array(bytes(said.label)) : null,
  };
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}
