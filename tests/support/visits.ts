import type { Page } from "playwright-core";

/**
 * How long a page of the console takes from its visit until it is there. Each visit begins on the page of settings, which asks for little.
 * @param settled resolves once the page is there
 * @returns milliseconds, one for each round
 */
export async function visits(
  { page, url, rounds }: { readonly page: Page; readonly url: string; readonly rounds: number },
  path: string,
  settled: () => Promise<unknown>,
): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await page.goto(`${url}/console/settings`);
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    const began = performance.now();
    await page.goto(`${url}/console${path}`);
    await settled();
    took.push(performance.now() - began);
  }
  return took;
}
