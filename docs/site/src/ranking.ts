/** Most who search use the platform; few operate it. */
const OPERATING = 0.4;

/** What a match in a page counts, beside one in a guide or the reference. @param url of the page, or its path */
export const weightOf = (url: string): number => (url.includes("/docs/operating/") ? OPERATING : 1);
