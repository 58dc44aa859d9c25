/**
 * A store holds one plain object and calls the listeners of a key when its value changes.
 *
 * @typedef {Object} Store
 * @property {() => any} get
 * @property {(changes: Object) => void} set
 * @property {(keys: string[], listener: (state: any) => void) => void} on
 *
 * @param {Object} initial
 * @returns {Store}
 */
export function createStore(initial) {
  let state = initial;
  const listeners = [];
  return {
    get: () => state,
    set(changes) {
      const changed = Object.keys(changes).filter((key) => changes[key] !== state[key]);
      if (!changed.length) return;
      state = { ...state, ...changes };
      for (const { keys, listener } of listeners)
        if (keys.some((key) => changed.includes(key))) listener(state);
    },
    on: (keys, listener) => void listeners.push({ keys, listener }),
  };
}
