/**
 * Run one piece of work at a time; of the inputs that come meanwhile, only the newest is kept.
 *
 * So a pointer never waits behind outdated work: what it shows is at most one answer old.
 *
 * @template Input
 * @param {(input: Input) => Promise<unknown>} work  requests and shows
 * @param {(error: unknown) => void} fail  called with errors, except for superseded requests
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
