/**
 * The latest wins: one piece of work at a time, and of all that is asked meanwhile only the newest is kept.
 *
 * So a pointer never waits behind stale work: what it sees is at most one answer old.
 *
 * @template Input
 * @param {(input: Input) => Promise<unknown>} work  asks and shows
 * @param {(error: unknown) => void} fail  is told what went wrong, but for what a newer request superseded
 * @returns {(input: Input) => void}
 */
export function latest(work, fail) {
  let busy = false;
  let waiting = null;
  async function run() {
    busy = true;
    while (waiting) {
      const { input } = waiting;
      waiting = null;
      await work(input).catch((error) => error?.kind === "superseded" || fail(error));
    }
    busy = false;
  }
  return (input) => {
    waiting = { input };
    if (!busy) run();
  };
}
