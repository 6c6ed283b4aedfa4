/** On the page that says that another one is being built: asks for that one, which is answered once it is there, and then shows it. */
const AGAIN_MS = 3_000;

async function look() {
  try {
    await fetch(location.href, { cache: "no-store" });
    location.reload();
  } catch {
    // The platform stopped, or has cut a long wait off.
    setTimeout(look, AGAIN_MS);
  }
}
void look();
