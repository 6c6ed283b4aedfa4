import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { defined } from "../../../runtime/domain/defined.ts";
import { type CallOptions, call, queryOf } from "../api.ts";
import { count } from "../format.ts";
import { tabular } from "../tabular.ts";
import { Button, Failure, Loading, Note } from "./basic.tsx";
import { Download } from "./download.tsx";
import { type Column, Table } from "./table.tsx";

export interface ListSource {
  readonly path: string;
  /** Member of the answer that holds the rows. */
  readonly member: string;
  readonly params?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly options?: CallOptions;
  /** Milliseconds between two looks, also by what was found; none when left out. */
  readonly every?: number | false | ((rows: readonly never[]) => number | false);
}

/**
 * A list of the API, page by page. Once a second page is shown it is not looked up again by itself: that would read all of its pages, and
 * move what one reads.
 */
export function useList<Row>({ path, member, params = {}, options = {}, every = false }: ListSource) {
  const client = useQueryClient();
  const rowsOf = (pages: readonly Record<string, unknown>[] = []) =>
    pages.flatMap((page) => (page[member] ?? []) as Row[]);
  const queryKey = ["list", path, params, options.env, options.withoutPayloads];
  const query = useInfiniteQuery({
    queryKey,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      call<Record<string, unknown>>("GET", `${path}${queryOf({ ...params, cursor: pageParam })}`, {
        ...options,
        signal,
      }),
    getNextPageParam: (last) => (last.next_cursor as string | null) ?? undefined,
    refetchInterval: ({ state: { data } }) => {
      if ((data?.pages.length ?? 0) > 1) return false;
      return typeof every === "function" ? every(rowsOf(data?.pages) as never[]) : every;
    },
  });
  const pages = query.data?.pages ?? [];
  const rows = rowsOf(pages);
  const toNewest = async () => {
    client.setQueryData(queryKey, (data: typeof query.data) =>
      data === undefined ? data : { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    );
    await query.refetch();
  };
  return {
    ...query,
    rows,
    /** Whether one looks further back than the newest page. */
    back: pages.length > 1,
    /** Whether it would be looked up again by itself on its first page. */
    follows: every !== false,
    /** Shows the newest page again, and no other. */
    toNewest,
  };
}

/** Reads on, page by page, while the row is missing that a link leads to. */
export function useReadOn(
  { hasNextPage, isFetching, fetchNextPage }: ReturnType<typeof useList>,
  missing: boolean,
): void {
  useEffect(() => {
    if (missing && hasNextPage && !isFetching) void fetchNextPage();
  }, [missing, hasNextPage, isFetching, fetchNextPage]);
}

/** A list in each of its states: loading, failed, empty, there, and with more to come. */
export function Listed<Row>({
  list,
  empty,
  file,
  children,
}: {
  list: ReturnType<typeof useList<Row>>;
  empty: ReactNode;
  /** Name of the file that the listed rows can be taken along in; none for what is no list of data. */
  file?: string;
  children: (rows: readonly Row[]) => ReactNode;
}) {
  if (list.isPending) return <Loading />;
  if (list.isLoadingError) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (list.rows.length === 0) return <>{empty}</>;
  return (
    <div className="grid gap-3">
      {/* What was listed before stays, and how old it is stands above it. */}
      {list.isError ? (
        <Failure error={list.error} shownFrom={list.dataUpdatedAt} retry={() => void list.refetch()} />
      ) : null}
      {file === undefined ? null : (
        <div className="flex flex-wrap items-center justify-end gap-2 text-sm text-muted">
          {count(list.rows.length)} listed{list.hasNextPage ? ", and there are more" : ""}
          <Download name={file} rows={() => tabular(list.rows as readonly object[])} json={() => list.rows} />
        </div>
      )}
      {list.back && list.follows ? (
        <Note>
          New rows wait while more than the newest page is shown;{" "}
          <button type="button" className="cursor-pointer underline" onClick={() => void list.toNewest()}>
            show the newest
          </button>
          .
        </Note>
      ) : null}
      {children(list.rows)}
      {list.hasNextPage ? (
        <Button isPending={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
          {list.isFetchingNextPage ? "Loading…" : "Show more"}
        </Button>
      ) : null}
    </div>
  );
}

/** A list as a table. */
export function List<Row>({
  source,
  caption,
  columns,
  rowKey,
  empty,
  file,
  below,
}: {
  source: ListSource;
  caption: string;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
  file?: string;
  below?: (row: Row) => ReactNode;
}) {
  const list = useList<Row>(source);
  return (
    <Listed list={list} empty={empty} {...defined({ file })}>
      {(rows) => <Table caption={caption} columns={columns} rows={rows} rowKey={rowKey} below={below} />}
    </Listed>
  );
}
