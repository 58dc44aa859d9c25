/**
 * Python code that makes what the page shows: one snippet per view, each of which the tests run and compare with its view.
 *
 * @typedef {import("./types.js").App} App
 * @typedef {import("./types.js").Model} Model
 * @typedef {{imports: string[], code: string[]}} Snippet
 */
import { isBetween, shownMap } from "./latent_navigation.js";
import { maskOf } from "./selection/chosen.js";

const TITLES = {
  latent: "Decoded image",
  interpolate: "Interpolation",
  draw: "Drawing",
  classes: "Classes",
  pseudo_inputs: "Pseudo-inputs",
  map: "Map",
  density: "Density",
  backdrop: "Backdrop",
  select: "Selection",
};
const SNIPPETS = {
  latent: latentCode,
  interpolate: pathCode,
  draw: drawingCode,
  classes: classesCode,
  pseudo_inputs: pseudoInputCode,
  map: mapCode,
  density: densityCode,
  backdrop: backdropCode,
  select: selectionCode,
};

/** The views that the page can show now, as [key, title]; the first is that of the chosen tool. @param {App} app */
export function pythonViews(app) {
  const { a, b, tool } = app.store.get();
  const { observed } = app.scene.get();
  const infos = app.models.map(({ info }) => info);
  const flat = app.models.every((model) => shownMap(app, model).dims === 2);
  const there = {
    latent: true,
    interpolate: Boolean(a && b),
    draw: observed.some(Boolean),
    classes: infos.some(({ condition }) => condition?.variable === "label"),
    pseudo_inputs: infos.some(({ pseudo_inputs: n }) => n > 0),
    map: true,
    density: flat,
    backdrop: flat,
    select: app.chosen.active && app.chosen.n > 0,
  };
  const keys = Object.keys(TITLES).filter((key) => there[key]);
  const first = there[tool] ? tool : "latent";
  return [first, ...keys.filter((key) => key !== first)].map((key) => [key, TITLES[key]]);
}

/** @param {App} app @param {string} view  a key of `pythonViews` @returns {Promise<string>} */
export async function python(app, view) {
  const parts = await Promise.all(app.models.map((model) => SNIPPETS[view](app, model)));
  const all = [...new Set(parts.flatMap(({ imports }) => imports))];
  const rank = (line) => ["import base64", "import numpy", "import torch", "import matplotlib", "import vaekit", "from"].findIndex((start) => line.startsWith(start));
  const ordered = all.sort((x, y) => rank(x) - rank(y) || (x < y ? -1 : 1));
  return [...ordered, ...parts.flatMap(({ code }) => ["", ...code])].join("\n") + "\n";
}

const TORCH = ["import torch", "import vaekit"];
const fileOf = (app, model, name, extension = "png") =>
  app.models.length > 1 ? `${name}-${"ABCD"[model.m]}.${extension}` : `${name}.${extension}`;

/** A snippet that loads the model, makes images from latent vectors or data, and saves them as a grid. */
function imageSnippet(app, model, { imports = [], code, images, columns, name = "image", limits = "" }) {
  return {
    imports: [...TORCH, "from vaekit.plotting import save_grid", ...imports],
    code: [
      `model = ${model.info.python}.model`,
      ...code,
      "with torch.no_grad():",
      `    images = ${images}`,
      `save_grid(images.numpy(), "${fileOf(app, model, name)}", columns=${columns}, scale=8${limits})`,
    ],
  };
}

function latentCode(app, model) {
  const { z, label } = app.store.get();
  const code = [tensorLine("z", z[model.m]), ...conditionLines(model, label, 1)];
  return imageSnippet(app, model, { code, images: decodeExpression(model), columns: 1 });
}

async function pathCode(app, model) {
  const { a, b, steps, path, label } = app.store.get();
  const end = (one) => ("index" in one ? one : { z: one.z[model.m] });
  const [from, to] = await app.backend.interpolate(model.m, { a: end(a), b: end(b), steps: 2, path, label });
  const pathLine = `z = vaekit.models.vae.interpolate(a, b, steps=${steps}, path="${path}")[:, 0]`;
  const code = [tensorLine("a", from), tensorLine("b", to), pathLine, ...conditionLines(model, label, steps)];
  return imageSnippet(app, model, { code, images: decodeExpression(model), columns: steps });
}

function classesCode(app, model) {
  if (!model.info.condition) return latentCode(app, model);
  const n = model.info.condition.names.length;
  const code = [
    tensorLine("z", app.store.get().z[model.m]).replace(/$/, `.repeat(${n}, 1)`),
    `y = torch.arange(${n})`,
  ];
  return imageSnippet(app, model, { code, images: "model.decode(z, y).mean", columns: n });
}

function pseudoInputCode(app, model) {
  const start = app.scene.get().gallery[model.m] ?? 0;
  const imports = ["from vaekit.evaluation.mixture_components import pseudo_inputs"];
  return imageSnippet(app, model, { imports, code: [], images: `pseudo_inputs(model)[${start}:${start + 50}]`, columns: 10, name: "pseudo-inputs" });
}

/** The drawing, its reconstruction and, if a part of it is masked, the imputations, with the samples of the page. */
function drawingCode(app, model) {
  const { label } = app.store.get();
  const { observed, masks, imputed } = app.scene.get();
  const [runs, mask] = [observed[model.m], masks[model.m]];
  const { info } = model;
  const bytes = (text) => `np.frombuffer(base64.urlsafe_b64decode("${text}${"=".repeat(-text.length & 3)}"), np.uint8).reshape(-1, 2)`;
  const code = [
    `runs = ${bytes(runs)}`,
    `x = torch.from_numpy(np.repeat(runs[:, 0], runs[:, 1]).reshape(${[1, ...info.shape].join(", ")})) / 255`,
    ...conditionLines(model, label, 1),
  ];
  const imports = ["import base64", "import numpy as np"];
  const y = info.condition ? "y" : "None";
  if (!mask) {
    const images = `torch.cat([x, model.reconstruct(x${info.condition ? ", y" : ""})])`;
    return imageSnippet(app, model, { imports, code, images, columns: 2 });
  }
  code.push(
    `runs = ${bytes(mask)}`,
    `hidden = torch.from_numpy(np.repeat(runs[:, 0], runs[:, 1]).reshape(${[1, 1, ...info.shape.slice(1)].join(", ")}) == 0)`,
    "x = x.masked_fill(hidden, torch.nan)",
    `mean = impute(model, x, ${y}, imputations=1, samples=128, sample_pixels=False, seed=0).mean`,
    `filled = impute(model, x, ${y}, imputations=6, samples=500, sample_pixels=False, seed=${imputed[model.m] ?? 0}).images`,
  );
  imports.push("from vaekit.models.imputation import impute");
  return imageSnippet(app, model, { imports, code, images: "torch.cat([x, mean, filled.flatten(0, 1)])", columns: 8 });
}

// ------------------------------------------------------------------------------------------------------ maps

/** Lines that open the data of the map as the page has them. */
function sessionLines({ info }) {
  const data = info.own_data ? "" : `data=${JSON.stringify(info.data)}, `;
  return [`session = open_session(${info.python}, ${data}split=${JSON.stringify(info.split)}, images=${info.images})`];
}

const OPEN = ["import vaekit", "from vaekit.explorer.session import open_session"];

function projectionLines(app, model) {
  const { kind, dims } = shownMap(app, model);
  const embedded = kind === "umap" || kind === "tsne";
  const call = embedded ? "session.embeddings.wait" : "session.projection";
  return [...sessionLines(model), `projection = ${call}("${kind}", ${dims})`];
}

const COLORS = {
  reconstruction: "session.reconstruction",
  kl: "session.kl_per_layer.sum(0)",
  log_likelihood: "session.log_likelihood",
  error: "session.error",
};

function mapCode(app, model) {
  const { color } = app.store.get();
  const { info } = model;
  const values = COLORS[color];
  const file = fileOf(app, model, "map");
  const code = [...projectionLines(app, model), "points = projection.points"];
  if (!values) {
    const labels = color === "label" ? "session.latents.labels" : "None";
    code.push(
      `figure = latent_scatter(points, ${labels}, ${JSON.stringify(info.title)}, session.source.label_names,`,
      "                        projection.names, projection.explained_variance_ratio)",
      `figure.savefig("${file}")`,
    );
    return { imports: [...OPEN, "from vaekit.plotting import latent_scatter"], code };
  }
  if (color === "log_likelihood" || color === "error") code.push("for _ in session.measure():", "    pass");
  const space = shownMap(app, model).dims === 3;
  code.push(
    `values = ${values}`,
    `figure = plt.figure()`,
    `axes = figure.add_subplot(${space ? 'projection="3d"' : ""})`,
    'shown = axes.scatter(*points.T, c=values, s=2, cmap="cividis")',
    "figure.colorbar(shown)",
    `figure.savefig("${file}")`,
  );
  return { imports: [...OPEN, "import matplotlib.pyplot as plt"], code };
}

function densityCode(app, model) {
  const code = [
    ...projectionLines(app, model),
    "density = contours(projection.points)",
    "figure, axes = plt.subplots()",
    'for path in density["paths"]:',
    '    axes.plot(*zip(*path), color="gray", linewidth=1)',
    `figure.savefig("${fileOf(app, model, "density")}")`,
  ];
  return { imports: [...OPEN, "import matplotlib.pyplot as plt", "from vaekit.explorer.contours import contours"], code };
}

function backdropCode(app, model) {
  const { label } = app.store.get();
  const { x, y, side, n } = app.squares()[model.m];
  const plane = isBetween(app, model) ? `session.neighbor_projection("${shownMap(app, model).kind}")` : "projection";
  const code = [
    ...projectionLines(app, model),
    `x, y, side, n = ${x}, ${y}, ${side}, ${n}`,
    "centers = side * ((np.arange(n) + 0.5) / n - 0.5)",
    "across, up = np.meshgrid(x + centers, y - centers)",
    `z = ${plane}.unproject(np.stack([across.ravel(), up.ravel()], 1))`,
    "z = torch.tensor(z, dtype=torch.float32)",
    ...conditionLines(model, label, "len(z)"),
    "with torch.no_grad():",
    `    images = session.${decodeExpression(model)}`,
    `save_grid(images.numpy(), "${fileOf(app, model, "backdrop")}", columns=n, limits=session.limits)`,
  ];
  const imports = [...OPEN, "import numpy as np", "import torch", "from vaekit.plotting import save_grid"];
  return { imports, code };
}

function selectionCode(app, model) {
  const code = [
    ...sessionLines(model),
    `bits = np.frombuffer(base64.b64decode("${maskOf(app.chosen)}"), np.uint8)`,
    'chosen = np.flatnonzero(np.unpackbits(bits, bitorder="little"))',
    "z = session.latents.mean[chosen]",
    'print(len(chosen), "chosen; mean of z:", z.mean(0), "standard deviation:", z.std(0))',
    "images = session.images.batch(torch.from_numpy(chosen[:480]))",
    `save_grid(images.numpy(), "${fileOf(app, model, "selection")}", columns=24, limits=session.limits)`,
  ];
  const imports = [...OPEN, "import base64", "import numpy as np", "import torch", "from vaekit.plotting import save_grid"];
  return { imports, code };
}

// --------------------------------------------------------------------------------------------------- numbers

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
