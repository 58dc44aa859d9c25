/**
 * The points of the map, drawn by WebGL: one call draws all of them, so 70,000 stay fluid. Without a GPU the processor
 * draws them; see software_points.js.
 *
 * @typedef {Object} PointLayer
 * @property {(x: Float32Array, y: Float32Array) => void} setPoints
 * @property {(rgba: Uint8Array) => void} setColors
 * @property {(camera: Object, size: Object, look: {diameter: number, opacity: number}) => void} draw
 */
import { scale } from "./camera.js";
import { softwareLayer } from "./software_points.js";

const VERTEX = `
attribute vec2 place; attribute vec4 color;
uniform vec2 center; uniform vec2 zoom; uniform mediump float diameter;
varying vec4 ink;
void main() {
  ink = color;
  gl_Position = vec4((place - center) * zoom, 0.0, color.a > 0.0 ? 1.0 : -1.0);
  gl_PointSize = diameter + 1.0;
}`;
const FRAGMENT = `
precision mediump float;
uniform float diameter; uniform float opacity;
varying vec4 ink;
void main() {
  float edge = length(gl_PointCoord - 0.5) * (diameter + 1.0) - 0.5 * diameter;
  float cover = clamp(0.5 - edge, 0.0, 1.0) * opacity * ink.a;
  gl_FragColor = vec4(ink.rgb * cover, cover);
}`;

const IN_SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render|software/i;

/** @param {HTMLCanvasElement} canvas @param {() => void} redraw @returns {PointLayer} */
export function pointLayer(canvas, redraw) {
  if (!hasGpu()) return softwareLayer(canvas);
  return gpuLayer(
    canvas,
    canvas.getContext("webgl", { antialias: false, premultipliedAlpha: true }),
    redraw,
  );
}

/** Whether WebGL runs on a GPU, and not in software. */
function hasGpu() {
  const gl = document.createElement("canvas").getContext("webgl", { failIfMajorPerformanceCaveat: true });
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl) && !IN_SOFTWARE.test(name);
}

function gpuLayer(canvas, gl, redraw) {
  const data = { place: new Float32Array(0), color: new Uint8Array(0) };
  let parts = prepare(gl);
  const upload = (name) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, parts[name]);
    gl.bufferData(gl.ARRAY_BUFFER, data[name], gl.STATIC_DRAW);
  };
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    parts = prepare(gl);
    ["place", "color"].forEach(upload);
    redraw();
  });
  return {
    setPoints: (x, y) => ((data.place = paired(x, y)), upload("place")),
    setColors: (rgba) => ((data.color = rgba), upload("color")),
    draw: (camera, size, look) => draw(gl, parts, data.place.length / 2, camera, size, look),
  };
}

function prepare(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const parts = { program, place: gl.createBuffer(), color: gl.createBuffer() };
  attribute(gl, parts, "place", 2, gl.FLOAT);
  attribute(gl, parts, "color", 4, gl.UNSIGNED_BYTE);
  return parts;
}

function attribute(gl, parts, name, size, type) {
  const place = gl.getAttribLocation(parts.program, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, parts[name]);
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, size, type, type === gl.UNSIGNED_BYTE, 0, 0);
}

function draw(gl, { program }, count, camera, size, { diameter, opacity }) {
  const uniform = (name) => gl.getUniformLocation(program, name);
  const ratio = gl.canvas.width / size.width;
  const s = 2 * scale(camera, size);
  gl.viewport(0, 0, gl.canvas.width, gl.canvas.height);
  gl.clear(gl.COLOR_BUFFER_BIT);
  gl.uniform2f(uniform("center"), camera.x, camera.y);
  gl.uniform2f(uniform("zoom"), s / size.width, s / size.height);
  gl.uniform1f(uniform("diameter"), diameter * ratio);
  gl.uniform1f(uniform("opacity"), opacity);
  gl.drawArrays(gl.POINTS, 0, count);
}

function paired(x, y) {
  const pairs = new Float32Array(2 * x.length);
  for (let i = 0; i < x.length; i++) pairs.set([x[i], y[i]], 2 * i);
  return pairs;
}
