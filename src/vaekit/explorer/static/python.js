/** Lines of Python that make the picture of the page, as they are. */

/** @param {import("./types.js").App} app @returns {Promise<string>} */
export async function python(app) {
  const parts = await Promise.all(app.models.map((model) => partOf(app, model)));
  const needs = [
    ...parts.flatMap((part) => part.needs),
    "import torch",
    "import vaekit",
    "from vaekit.plotting import save_grid",
  ];
  return [...new Set(needs), ...parts.flatMap(({ code }) => ["", ...code])].join("\n") + "\n";
}

async function partOf(app, model) {
  const name = app.models.length > 1 ? `picture-${"AB"[model.m]}.png` : "picture.png";
  const { needs, code, images, columns } = await (pictures[app.store.get().tool] ?? ofCode)(app, model);
  const load = `model = ${model.info.python}.model`;
  return {
    needs,
    code: [
      load,
      ...code,
      "with torch.no_grad():",
      `    images = ${images}`,
      `save_grid(images.numpy(), "${name}", columns=${columns}, scale=8)`,
    ],
  };
}

const pictures = { interpolate: ofWay, draw: ofDrawing, classes: ofClasses };

function ofCode(app, model) {
  const { z, label } = app.store.get();
  return {
    needs: [],
    code: [codeLine("z", z[model.m]), ...given(model, label, 1)],
    images: decoded(model),
    columns: 1,
  };
}

async function ofWay(app, model) {
  const { a, b, steps, path, label } = app.store.get();
  if (!a || !b) return ofCode(app, model);
  const end = (one) => ("i" in one ? one : { z: one.z[model.m] });
  const [from, to] = await app.backend.interpolate(model.m, { a: end(a), b: end(b), steps: 2, path, label });
  const way = `z = vaekit.models.vae.interpolate(a, b, steps=${steps}, path="${path}")[:, 0]`;
  return {
    needs: [],
    code: [codeLine("a", from), codeLine("b", to), way, ...given(model, label, steps)],
    images: decoded(model),
    columns: steps,
  };
}

function ofClasses(app, model) {
  if (!model.info.condition) return ofCode(app, model);
  const n = model.info.condition.values.length;
  const code = [
    codeLine("z", app.store.get().z[model.m]).replace(/$/, `.repeat(${n}, 1)`),
    `y = torch.arange(${n})`,
  ];
  return { needs: [], code, images: "model.decode(z, y).mean", columns: n };
}

function ofDrawing(app, model) {
  const { label } = app.store.get();
  const runs = app.scene.get().seenAs[model.m];
  if (!runs) return ofCode(app, model);
  const shape = [1, ...model.info.shape].join(", ");
  const code = [
    `runs = np.frombuffer(base64.urlsafe_b64decode("${runs}${"=".repeat(-runs.length & 3)}"), np.uint8).reshape(-1, 2)`,
    `x = torch.from_numpy(np.repeat(runs[:, 0], runs[:, 1]).reshape(${shape})) / 255`,
    ...given(model, label, 1),
  ];
  const images = model.info.condition
    ? "torch.cat([x, model.reconstruct(x, y)])"
    : "torch.cat([x, model.reconstruct(x)])";
  return { needs: ["import base64", "", "import numpy as np"], code, images, columns: 2 };
}

const decoded = ({ info }) => (info.condition ? "model.decode(z, y).mean" : "model.decode(z).mean");

function given({ info }, label, n) {
  if (!info.condition) return [];
  return [
    Array.isArray(label)
      ? `y = torch.tensor([${vector(label)}] * ${n})`
      : `y = torch.full((${n},), ${label})`,
  ];
}

const codeLine = (name, z) => `${name} = torch.tensor([${vector(z)}])`;
const vector = (z) => `[${z.map((value) => decimal(value)).join(", ")}]`;
const decimal = (value) => (Number.isInteger(value) ? `${value}.0` : String(Number(value.toFixed(5))));
