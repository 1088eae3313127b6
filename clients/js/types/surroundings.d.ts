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
export function surroundings(world?: typeof globalThis): Surroundings;
export type Surroundings = {
    /**
     * whether the page is out of sight; never, where there is no page
     */
    hidden: () => boolean;
    /**
     *   calls back at each change; what it returns ends that
     */
    watch: (changes: {
        seen: () => void;
        online: () => void;
        offline: () => void;
    }) => () => void;
};
