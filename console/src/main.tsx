import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { Redirect, Route, Router, Switch, useLocation } from "wouter";
import { ApiError } from "./api.ts";
import { places } from "./places.ts";
import { applyTheme } from "./preferences.ts";
import { watchedCache } from "./reach.ts";
import { routes } from "./routes.ts";
import { SessionProvider, useMay } from "./session.tsx";
import { Shell } from "./shell/shell.tsx";
import { Empty, Loading, Page } from "./ui/basic.tsx";
import { Caught } from "./ui/caught.tsx";
import { keep } from "./url.ts";
import "./styles.css";

applyTheme();

/** Who is signed in loads none of it. */
const SignInPage = lazy(() => import("./pages/signIn.tsx"));

const client = new QueryClient({
  queryCache: watchedCache,
  defaultOptions: {
    queries: {
      // A browser that knows of no network asks all the same: the platform may run on this machine, and a failure is told while a pause is not.
      networkMode: "always",
      // A refused call is refused again; a server out of reach may be there a moment later.
      retry: (tries, error) => tries < 2 && (!(error instanceof ApiError) || error.status >= 500 || error.status === 0),
      staleTime: 2_000,
      refetchOnWindowFocus: false,
    },
  },
});

function First() {
  const may = useMay();
  if (may("customers")) return <Redirect to={keep("/operator/customers")} replace />;
  const place = places.find(
    ({ hidden, permission }) => hidden !== true && (permission === undefined || may(permission)),
  );
  return <Redirect to={keep(place!.path)} replace />;
}

function Pages() {
  const may = useMay();
  const [here] = useLocation();
  return (
    <Caught at={here}>
      <Suspense fallback={<Loading />}>
        <Switch>
          {[...places]
            .sort((a, b) => Number(a.path.includes(":")) - Number(b.path.includes(":")))
            .map(({ path, name, permission }) => {
              const Body = routes[path]!;
              return (
                <Route key={path} path={path}>
                  {permission === undefined || may(permission) ? (
                    // Another event or subscription begins anew: what was shown or written of one is never taken for the other's.
                    <Body key={here} />
                  ) : path === "/" ? (
                    <First />
                  ) : (
                    <Page title={name}>
                      <Empty title="Your role does not include this.">
                        <a href="/docs/roles">What each role may do</a> is written down; an owner can change yours.
                      </Empty>
                    </Page>
                  )}
                </Route>
              );
            })}
          <Route>
            <Page title="There is no such page">
              <Empty title="The address leads nowhere.">Choose a place in the navigation.</Empty>
            </Page>
          </Route>
        </Switch>
      </Suspense>
    </Caught>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Caught>
      <QueryClientProvider client={client}>
        <Router base="/console">
          <Switch>
            <Route path="/sign-in">
              <Suspense>
                <SignInPage />
              </Suspense>
            </Route>
            <Route>
              <SessionProvider>
                <Shell>
                  <Pages />
                </Shell>
              </SessionProvider>
            </Route>
          </Switch>
        </Router>
      </QueryClientProvider>
    </Caught>
  </StrictMode>,
);
