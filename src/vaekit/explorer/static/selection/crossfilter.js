/**
 * Filters by ranges of numbers, and the histograms of what passes: that of a column counts the points that pass all
 * filters but its own, so that it shows what moving its range would bring.
 *
 * Each point has a bit per column that is set where its range excludes it, and one more bit for everything else: hidden
 * classes, a search, a lasso.
 */
import { ends } from "./numbers.js";

export const BINS = 48;
const OUTLIERS = 0.002; // share of the values beyond each end of a histogram, which count in its last bins

/** @param {import("./numbers.js").Column[]} columns @param {number} n */
export function createCrossfilter(columns, n) {
  const failed = new Uint32Array(n);
  const other = 1 << columns.length;
  const scales = columns.map(({ values }) => scaleOf(values));
  const bins = columns.map(({ values }, k) => binned(values, scales[k]));

  function counts() {
    const passing = columns.map(() => new Uint32Array(BINS));
    for (let k = 0; k < columns.length; k++) {
      const [bin, count, mask] = [bins[k], passing[k], ~(1 << k)];
      for (let i = 0; i < n; i++) if (!(failed[i] & mask) && bin[i] < BINS) count[bin[i]]++;
    }
    return passing;
  }

  return {
    scales,
    counts,
    /** The counts of all points. */
    totals: bins.map((bin) => {
      const count = new Uint32Array(BINS);
      for (let i = 0; i < n; i++) if (bin[i] < BINS) count[bin[i]]++;
      return count;
    }),
    /** The range of a column; null for all values. @param {[number, number]|null} range */
    setRange(key, range) {
      const k = columns.findIndex((column) => column.key === key);
      if (k < 0) return;
      const { values } = columns[k];
      const bit = 1 << k;
      for (let i = 0; i < n; i++) {
        const inside = !range || (values[i] >= range[0] && values[i] <= range[1]);
        failed[i] = inside ? failed[i] & ~bit : failed[i] | bit;
      }
    },
    /** What passes everything else. @param {(i: number) => boolean} allowed */
    setOther(allowed) {
      for (let i = 0; i < n; i++) failed[i] = allowed(i) ? failed[i] & ~other : failed[i] | other;
    },
    passes: (i) => failed[i] === 0,
  };
}

/** The ends of a histogram: those of nearly all values. */
function scaleOf(values) {
  const known = values.filter(Number.isFinite).sort();
  if (!known.length) return [0, 1];
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const [low, high] = [at(OUTLIERS), at(1 - OUTLIERS)];
  if (high > low) return [low, high];
  const [least, most] = ends(known);
  return most > least ? [least, most] : [least - 0.5, least + 0.5];
}

function binned(values, [low, high]) {
  return Uint8Array.from(values, (value) =>
    Number.isFinite(value)
      ? Math.min(Math.max(Math.floor(((value - low) / (high - low)) * BINS), 0), BINS - 1)
      : 255,
  );
}
