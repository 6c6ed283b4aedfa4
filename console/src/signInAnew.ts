/** The issuer asks who one is, and leads back here. @param fresh whether it asks although it knows */
export function signInAnew(fresh = false): void {
  const here = encodeURIComponent(`${window.location.pathname}${window.location.search}`);
  window.location.assign(`/console/session/sign-in?${fresh ? "fresh=1&" : ""}return_to=${here}`);
}
