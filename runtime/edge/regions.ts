/** Where AWS regions are, in degrees north and east: enough to tell which of two is nearer. */
const PLACES: Readonly<Record<string, readonly [north: number, east: number]>> = {
  "af-south-1": [-33.9, 18.4],
  "ap-east-1": [22.3, 114.2],
  "ap-east-2": [25, 121.5],
  "ap-northeast-1": [35.7, 139.7],
  "ap-northeast-2": [37.6, 127],
  "ap-northeast-3": [34.7, 135.5],
  "ap-south-1": [19.1, 72.9],
  "ap-south-2": [17.4, 78.5],
  "ap-southeast-1": [1.4, 103.8],
  "ap-southeast-2": [-33.9, 151.2],
  "ap-southeast-3": [-6.2, 106.8],
  "ap-southeast-4": [-37.8, 145],
  "ap-southeast-5": [3.1, 101.7],
  "ap-southeast-7": [13.8, 100.5],
  "ca-central-1": [45.5, -73.6],
  "ca-west-1": [51, -114.1],
  "eu-central-1": [50.1, 8.7],
  "eu-central-2": [47.4, 8.5],
  "eu-north-1": [59.3, 18.1],
  "eu-south-1": [45.5, 9.2],
  "eu-south-2": [41.7, -0.9],
  "eu-west-1": [53.3, -6.3],
  "eu-west-2": [51.5, -0.1],
  "eu-west-3": [48.9, 2.4],
  "il-central-1": [32.1, 34.8],
  "me-central-1": [25.2, 55.3],
  "me-south-1": [26.1, 50.6],
  "mx-central-1": [20.6, -100.4],
  "sa-east-1": [-23.6, -46.6],
  "us-east-1": [39, -77.5],
  "us-east-2": [40, -83],
  "us-west-1": [37.4, -122],
  "us-west-2": [45.8, -119.7],
};

/** The angle between two places on the globe, in radians: the haversine formula. */
function angle([north, east]: readonly [number, number], [otherNorth, otherEast]: readonly [number, number]): number {
  const rad = Math.PI / 180;
  const half = (degrees: number) => Math.sin((degrees * rad) / 2) ** 2;
  const h = half(otherNorth - north) + Math.cos(north * rad) * Math.cos(otherNorth * rad) * half(otherEast - east);
  return 2 * Math.asin(Math.sqrt(h));
}

/** The regions, nearest to `here` first. An unknown one comes last, after those whose distance is known. */
export function nearestFirst(here: string, regions: readonly string[]): string[] {
  const from = PLACES[here];
  const distance = (region: string): number => {
    const to = PLACES[region];
    if (region === here) return -1;
    return from === undefined || to === undefined ? Number.POSITIVE_INFINITY : angle(from, to);
  };
  return [...regions].sort((a, b) => (distance(a) === distance(b) ? 0 : distance(a) - distance(b)));
}
