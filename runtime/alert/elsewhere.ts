/** Where the beginning of a URL leads on this machine; only the local platform says so, and in AWS nothing does. */
export type Elsewhere = Readonly<Record<string, string>>;

export const elsewhereHere = (): Elsewhere => JSON.parse(process.env.LOCAL_HOSTS ?? "{}") as Elsewhere;

export function here(url: string, elsewhere: Elsewhere = {}): string {
  const begins = Object.keys(elsewhere).find((each) => url.startsWith(each));
  return begins === undefined ? url : elsewhere[begins]! + url.slice(begins.length);
}
