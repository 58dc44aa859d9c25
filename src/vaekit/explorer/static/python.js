/** Python code that makes the current image of the page. */

/** @param {import("./types.js").App} app @returns {Promise<string>} */
export async function python(app) {
  const parts = await Promise.all(app.models.map((model) => modelCode(app, model)));
  const imports = [
    ...parts.flatMap((part) => part.imports),
    "import torch",
    "import vaekit",
    "from vaekit.plotting import save_grid",
  ];
  return [...new Set(imports), ...parts.flatMap(({ code }) => ["", ...code])].join("\n") + "\n";
}

async function modelCode(app, model) {
  const name = app.models.length > 1 ? `image-${"AB"[model.m]}.png` : "image.png";
  const { imports, code, images, columns } = await (snippets[app.store.get().tool] ?? latentCode)(app, model);
  const load = `model = ${model.info.python}.model`;
  return {
    imports,
    code: [
      load,
      ...code,
      "with torch.no_grad():",
      `    images = ${images}`,
      `save_grid(images.numpy(), "${name}", columns=${columns}, scale=8)`,
    ],
  };
}

const snippets = { interpolate: pathCode, draw: drawingCode, classes: classesCode };

function latentCode(app, model) {
  const { z, label } = app.store.get();
  return {
    imports: [],
    code: [tensorLine("z", z[model.m]), ...conditionLines(model, label, 1)],
    images: decodeExpression(model),
    columns: 1,
  };
}

async function pathCode(app, model) {
  const { a, b, steps, path, label } = app.store.get();
  if (!a || !b) return latentCode(app, model);
  const end = (one) => ("index" in one ? one : { z: one.z[model.m] });
  const [from, to] = await app.backend.interpolate(model.m, { a: end(a), b: end(b), steps: 2, path, label });
  const pathLine = `z = vaekit.models.vae.interpolate(a, b, steps=${steps}, path="${path}")[:, 0]`;
  return {
    imports: [],
    code: [tensorLine("a", from), tensorLine("b", to), pathLine, ...conditionLines(model, label, steps)],
    images: decodeExpression(model),
    columns: steps,
  };
}

function classesCode(app, model) {
  if (!model.info.condition) return latentCode(app, model);
  const n = model.info.condition.names.length;
  const code = [
    tensorLine("z", app.store.get().z[model.m]).replace(/$/, `.repeat(${n}, 1)`),
    `y = torch.arange(${n})`,
  ];
  return { imports: [], code, images: "model.decode(z, y).mean", columns: n };
}

function drawingCode(app, model) {
  const { label } = app.store.get();
  const runs = app.scene.get().observed[model.m];
  if (!runs) return latentCode(app, model);
  const shape = [1, ...model.info.shape].join(", ");
  const code = [
    `runs = np.frombuffer(base64.urlsafe_b64decode("${runs}${"=".repeat(-runs.length & 3)}"), np.uint8).reshape(-1, 2)`,
    `x = torch.from_numpy(np.repeat(runs[:, 0], runs[:, 1]).reshape(${shape})) / 255`,
    ...conditionLines(model, label, 1),
  ];
  const images = model.info.condition
    ? "torch.cat([x, model.reconstruct(x, y)])"
    : "torch.cat([x, model.reconstruct(x)])";
  return { imports: ["import base64", "", "import numpy as np"], code, images, columns: 2 };
}

const decodeExpression = ({ info }) => (info.condition ? "model.decode(z, y).mean" : "model.decode(z).mean");

function conditionLines({ info }, label, n) {
  if (!info.condition) return [];
  return [
    Array.isArray(label)
      ? `y = torch.tensor([${vector(label)}] * ${n})`
      : `y = torch.full((${n},), ${label})`,
  ];
}

const tensorLine = (name, z) => `${name} = torch.tensor([${vector(z)}])`;
const vector = (z) => `[${z.map((value) => decimal(value)).join(", ")}]`;
const decimal = (value) => (Number.isInteger(value) ? `${value}.0` : String(Number(value.toFixed(5))));
