/**
 * How much may be sent in a second, as SES and End User Messaging count it: what is sent at once uses up what comes after it.
 * @param now milliseconds
 * @returns whether so much more may be sent now; where it may, it counts
 */
export function sendingRate(perSecond: number, now: () => number): (count: number) => boolean {
  let [left, at] = [perSecond, now()];
  return (count) => {
    const time = now();
    left = Math.min(perSecond, left + ((time - at) / 1_000) * perSecond);
    at = time;
    if (left < 1) return false;
    left -= count;
    return true;
  };
}
