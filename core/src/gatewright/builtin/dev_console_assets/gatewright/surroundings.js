// The page around a client, where there is one: whether it is seen, and whether there is a network.

/**
 * @typedef {object} Surroundings
 * @property {() => boolean} hidden whether the page is out of sight; never, where there is no page
 * @property {(changes: {seen: () => void, online: () => void, offline: () => void}) => () => void} watch
 *   calls back at each change; what it returns ends that
 */

/**
 * @param {typeof globalThis} [world]
 * @returns {Surroundings}
 */
export function surroundings(world = globalThis) {
  const page = world.document;
  return {
    hidden: () => page?.visibilityState === "hidden",
    watch({ seen, online, offline }) {
      const changed = () => void (page.visibilityState === "visible" && seen());
      page?.addEventListener("visibilitychange", changed);
      const inBrowser = page !== undefined && typeof world.addEventListener === "function";
      if (inBrowser) {
        world.addEventListener("online", online);
        world.addEventListener("offline", offline);
      }
      return () => {
        page?.removeEventListener("visibilitychange", changed);
        if (!inBrowser) return;
        world.removeEventListener("online", online);
        world.removeEventListener("offline", offline);
      };
    },
  };
}
