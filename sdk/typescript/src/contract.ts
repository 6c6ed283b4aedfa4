// Made by `npm run docs` from the API's own description.
// biome-ignore-all lint: made by a program
// biome-ignore-all format: made by a program

export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where the documentation is
         * @description Redirects browsers to it.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description For programs. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            docs: string;
                            name: string;
                            openapi: string;
                        };
                    };
                };
                /** @description For browsers: `/docs/`. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alert-channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List alert channels
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page, the oldest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            alert_channels: components["schemas"]["AlertChannel"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Add a channel for alerts and reports
         * @description It is used once it is verified: by the link or the code in a mail, by the code in an SMS or a Slack message, or by a webhook that answers a signed challenge with it. A webhook is asked at once.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        kind: "email" | "slack" | "sms" | "webhook";
                        /** @description `email`: an address. `sms`: a number as `+4915112345678`. `slack`: the URL of an incoming webhook. `webhook`: a public https URL. */
                        target: string;
                        /**
                         * @description Messages for people say times by the clocks there; webhooks get them in UTC. `UTC` or an IANA name.
                         * @default UTC
                         * @example Europe/Berlin
                         */
                        time_zone?: string;
                    };
                };
            };
            responses: {
                /** @description The channel. A webhook's `signing_secret` is shown this once. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertChannel"] & {
                            signing_secret?: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alert-channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an alert channel
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `chn_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The channel. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertChannel"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Delete an alert channel
         * @description Rules that name it go on without it.
         *
         *     Needs the scope `subscriptions`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `chn_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change the time zone of an alert channel
         * @description It counts for messages that are sent from then on. The target stays: another one is another channel.
         *
         *     Needs the scope `subscriptions`.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `chn_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description Messages for people say times by the clocks there; webhooks get them in UTC. `UTC` or an IANA name.
                         * @default UTC
                         * @example Europe/Berlin
                         */
                        time_zone?: string;
                    };
                };
            };
            responses: {
                /** @description The channel. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertChannel"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/alert-channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test to an alert channel now
         * @description Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `chn_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What came of it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: string | null;
                            response_excerpt?: string;
                            sent: boolean;
                            status_code?: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alert-channels/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify an alert channel
         * @description With the code that was sent, which holds for 24 hours and 10 tries; or without one, to have it sent again.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `chn_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /** @description As it was sent. Left out, a new one is sent; a webhook is asked to prove itself again. */
                        code?: string;
                    };
                };
            };
            responses: {
                /** @description The channel as it stands. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertChannel"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alert-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List alert rules
         * @description The oldest first. Every customer begins with five.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            alert_rules: components["schemas"]["AlertRule"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Create an alert rule
         * @description Members that are left out are as in the rule of that kind that every customer begins with.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Ids of channels; used once they are verified. */
                        channels?: string[];
                        enabled?: boolean;
                        /** @description What counts; as in `POST /metrics/query`. */
                        filter?: {
                            error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                            event_type?: (string | null)[];
                            key_id?: (string | null)[];
                            reason?: (string | null)[];
                            status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                            subscription_id?: (string | null)[];
                            workflow_id?: (string | null)[];
                        } | null;
                        /** @description How long it has to last; 0 rings at once. */
                        for_minutes?: number;
                        /** @enum {string} */
                        kind: "error_rate" | "latency" | "quota" | "dead_letters" | "api_down" | "metric";
                        name: string;
                        /** @description What a `metric` rule watches: one measure, over `last` (1 minute unless it says). For `metric` alone. */
                        query?: {
                            /**
                             * @description The same over the range before, or a week earlier.
                             * @enum {string}
                             */
                            compare?: "previous" | "week";
                            /**
                             * @description Values that count, by dimension; null stands for what has none.
                             * @default {}
                             */
                            filter?: {
                                error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                                event_type?: (string | null)[];
                                key_id?: (string | null)[];
                                reason?: (string | null)[];
                                status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                                subscription_id?: (string | null)[];
                                workflow_id?: (string | null)[];
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            from?: string;
                            /** @default [] */
                            group_by?: ("event_type" | "workflow_id" | "subscription_id" | "key_id" | "status" | "error" | "reason")[];
                            /**
                             * @description Adds `buckets` to latencies.
                             * @default false
                             */
                            histogram?: boolean;
                            /**
                             * @description Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point.
                             * @default auto
                             * @enum {string}
                             */
                            interval?: "auto" | "minute" | "hour" | "day" | "none";
                            /**
                             * @description Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`.
                             * @example 24h
                             */
                            last?: string;
                            /** @description What is asked for; the first one ranks the series. */
                            measures: ("requests" | "events" | "bytes" | "refused" | "matched" | "unmatched" | "attempts" | "delivered" | "failed" | "dead_lettered" | "replayed" | "delivery_success_rate" | "error_rate" | "limit_use" | "accept_latency_ms" | "delivery_latency_ms" | "attempt_latency_ms")[];
                            /**
                             * @description Hours and days begin as they do there. `UTC` or an IANA name.
                             * @default UTC
                             * @example Europe/Berlin
                             */
                            time_zone?: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            to?: string;
                            /** @description Series of an answer, the largest; all others are one named `(other)`. 20 unless it is said, or as many as fit. */
                            top?: number;
                        } | null;
                        /** @enum {string} */
                        severity?: "info" | "warning" | "critical";
                        /** @description It rings above this: a share from 0 to 1 (`error_rate`, `quota`), milliseconds (`latency`), a count (`dead_letters`), what the measure says (`metric`). */
                        threshold?: number;
                    };
                };
            };
            responses: {
                /** @description The rule. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertRule"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alert-rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an alert rule
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rul_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The rule. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertRule"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Delete an alert rule
         * @description What it has firing resolves; its history stays.
         *
         *     Needs the scope `subscriptions`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rul_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change an alert rule
         * @description Any member of creation. Counts from the next minute; switched off, what it has firing resolves.
         *
         *     Needs the scope `subscriptions`.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rul_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Ids of channels; used once they are verified. */
                        channels?: string[];
                        enabled?: boolean;
                        /** @description What counts; as in `POST /metrics/query`. */
                        filter?: {
                            error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                            event_type?: (string | null)[];
                            key_id?: (string | null)[];
                            reason?: (string | null)[];
                            status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                            subscription_id?: (string | null)[];
                            workflow_id?: (string | null)[];
                        } | null;
                        /** @description How long it has to last; 0 rings at once. */
                        for_minutes?: number;
                        /** @enum {string} */
                        kind?: "error_rate" | "latency" | "quota" | "dead_letters" | "api_down" | "metric";
                        name?: string;
                        /** @description What a `metric` rule watches: one measure, over `last` (1 minute unless it says). For `metric` alone. */
                        query?: {
                            /**
                             * @description The same over the range before, or a week earlier.
                             * @enum {string}
                             */
                            compare?: "previous" | "week";
                            /**
                             * @description Values that count, by dimension; null stands for what has none.
                             * @default {}
                             */
                            filter?: {
                                error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                                event_type?: (string | null)[];
                                key_id?: (string | null)[];
                                reason?: (string | null)[];
                                status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                                subscription_id?: (string | null)[];
                                workflow_id?: (string | null)[];
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            from?: string;
                            /** @default [] */
                            group_by?: ("event_type" | "workflow_id" | "subscription_id" | "key_id" | "status" | "error" | "reason")[];
                            /**
                             * @description Adds `buckets` to latencies.
                             * @default false
                             */
                            histogram?: boolean;
                            /**
                             * @description Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point.
                             * @default auto
                             * @enum {string}
                             */
                            interval?: "auto" | "minute" | "hour" | "day" | "none";
                            /**
                             * @description Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`.
                             * @example 24h
                             */
                            last?: string;
                            /** @description What is asked for; the first one ranks the series. */
                            measures: ("requests" | "events" | "bytes" | "refused" | "matched" | "unmatched" | "attempts" | "delivered" | "failed" | "dead_lettered" | "replayed" | "delivery_success_rate" | "error_rate" | "limit_use" | "accept_latency_ms" | "delivery_latency_ms" | "attempt_latency_ms")[];
                            /**
                             * @description Hours and days begin as they do there. `UTC` or an IANA name.
                             * @default UTC
                             * @example Europe/Berlin
                             */
                            time_zone?: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            to?: string;
                            /** @description Series of an answer, the largest; all others are one named `(other)`. 20 unless it is said, or as many as fit. */
                            top?: number;
                        } | null;
                        /** @enum {string} */
                        severity?: "info" | "warning" | "critical";
                        /** @description It rings above this: a share from 0 to 1 (`error_rate`, `quota`), milliseconds (`latency`), a count (`dead_letters`), what the measure says (`metric`). */
                        threshold?: number;
                    };
                };
            };
            responses: {
                /** @description The rule as changed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AlertRule"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/alert-rules/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * See when a rule would have rung in the last 30 days
         * @description The last hours by the minute, what is older by the quarter of an hour: each of its minutes counts as the quarter does.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Ids of channels; used once they are verified. */
                        channels?: string[];
                        enabled?: boolean;
                        /** @description What counts; as in `POST /metrics/query`. */
                        filter?: {
                            error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                            event_type?: (string | null)[];
                            key_id?: (string | null)[];
                            reason?: (string | null)[];
                            status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                            subscription_id?: (string | null)[];
                            workflow_id?: (string | null)[];
                        } | null;
                        /** @description How long it has to last; 0 rings at once. */
                        for_minutes?: number;
                        /** @enum {string} */
                        kind: "error_rate" | "latency" | "quota" | "dead_letters" | "api_down" | "metric";
                        name?: string;
                        /** @description What a `metric` rule watches: one measure, over `last` (1 minute unless it says). For `metric` alone. */
                        query?: {
                            /**
                             * @description The same over the range before, or a week earlier.
                             * @enum {string}
                             */
                            compare?: "previous" | "week";
                            /**
                             * @description Values that count, by dimension; null stands for what has none.
                             * @default {}
                             */
                            filter?: {
                                error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                                event_type?: (string | null)[];
                                key_id?: (string | null)[];
                                reason?: (string | null)[];
                                status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                                subscription_id?: (string | null)[];
                                workflow_id?: (string | null)[];
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            from?: string;
                            /** @default [] */
                            group_by?: ("event_type" | "workflow_id" | "subscription_id" | "key_id" | "status" | "error" | "reason")[];
                            /**
                             * @description Adds `buckets` to latencies.
                             * @default false
                             */
                            histogram?: boolean;
                            /**
                             * @description Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point.
                             * @default auto
                             * @enum {string}
                             */
                            interval?: "auto" | "minute" | "hour" | "day" | "none";
                            /**
                             * @description Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`.
                             * @example 24h
                             */
                            last?: string;
                            /** @description What is asked for; the first one ranks the series. */
                            measures: ("requests" | "events" | "bytes" | "refused" | "matched" | "unmatched" | "attempts" | "delivered" | "failed" | "dead_lettered" | "replayed" | "delivery_success_rate" | "error_rate" | "limit_use" | "accept_latency_ms" | "delivery_latency_ms" | "attempt_latency_ms")[];
                            /**
                             * @description Hours and days begin as they do there. `UTC` or an IANA name.
                             * @default UTC
                             * @example Europe/Berlin
                             */
                            time_zone?: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            to?: string;
                            /** @description Series of an answer, the largest; all others are one named `(other)`. 20 unless it is said, or as many as fit. */
                            top?: number;
                        } | null;
                        /** @enum {string} */
                        severity?: "info" | "warning" | "critical";
                        /** @description It rings above this: a share from 0 to 1 (`error_rate`, `quota`), milliseconds (`latency`), a count (`dead_letters`), what the measure says (`metric`). */
                        threshold?: number;
                    };
                };
            };
            responses: {
                /** @description When it would have rung, the oldest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            alerts: {
                                /**
                                 * Format: date-time
                                 * @description RFC 3339; answers are in UTC with milliseconds.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                fired_at: string;
                                /**
                                 * Format: date-time
                                 * @description Null where it would ring now.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                resolved_at: string | null;
                                /** @enum {string} */
                                severity: "info" | "warning" | "critical";
                                /**
                                 * Format: date-time
                                 * @description RFC 3339; answers are in UTC with milliseconds.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                since: string;
                                /** @description The highest while it rang. */
                                value: number;
                            }[];
                            count: number;
                            /** @description How long it would have rung in all. */
                            firing_minutes: number;
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            from: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            to: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What rang, and what does
         * @description The newest first. `pending`: above the threshold, but not yet for as long as the rule says. Kept for 400 days after it ended.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description That began at or after. */
                    from?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description Of this rule. */
                    rule_id?: string;
                    /** @description As severe as one of these. */
                    severity?: ("info" | "warning" | "critical")[] | ("info" | "warning" | "critical");
                    /** @description In one of these states. */
                    state?: ("pending" | "firing" | "resolved")[] | ("pending" | "firing" | "resolved");
                    /** @description That began before. */
                    to?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            alerts: components["schemas"]["Alert"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an alert
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `alt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The alert. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Alert"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/{id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that somebody looks after an alert
         * @description Repeating it is harmless; the recovery is told all the same.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `alt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The alert as it stands. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Alert"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/{id}/snooze": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have no messages of an alert's rule for a while
         * @description Channels get no messages about it until then, even if it rings anew; a recovery is told, and events come as ever.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `alt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /**
                         * @description 0 ends it.
                         * @default 60
                         */
                        minutes?: number;
                    };
                };
            };
            responses: {
                /** @description The alert as it stands. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Alert"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Audit log: every change, with actor, time, address and outcome
         * @description Newest first. Entries are chained by hash: `npm run audit:verify` finds one that was changed, removed or moved. The header `triggers-audit-head` names the customer, and the newest entry's number and hash.
         *
         *     Needs the scope `admin`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Begins with the entry of this number, not with the newest. */
                    from_seq?: number;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description Entries of this object alone, by its id. */
                    object?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            audit: components["schemas"]["AuditEntry"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit/access": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Calls of one hour, by key and minute
         * @description Oldest first. Made an hour after the hour has ended, for hours in which the customer's keys called anything; the entry `access.archived` of the audit log then names the number of records, the hash of the last, and the entry whose hash the first one follows. `npm run audit:verify` checks them along with the log.
         *
         *     Needs the scope `admin`.
         */
        get: {
            parameters: {
                query: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Any time within the hour. */
                    hour: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            records: components["schemas"]["AccessRecord"][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the customers
         * @description Needs the operator's key.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page, by id. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            customers: components["schemas"]["Customer"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Create a customer
         * @description Needs the operator's key.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description Events per second
                         * @default 1000
                         */
                        limit_per_second?: number;
                        name: string;
                    };
                };
            };
            responses: {
                /** @description The customer, with a live and a sandbox key of every scope, shown this once. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Customer"] & {
                            api_key: string;
                            sandbox_key: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/customers/{customer_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a customer
         * @description Needs the operator's key.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `cus_`. */
                    customer_id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The customer. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Customer"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Delete a customer
         * @description Its keys are refused within 70 s, its subscriptions, reference tables and schemas removed, and then all its events erased. It can't be undone.
         *
         *     Needs the operator's key.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `cus_`. */
                    customer_id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Rename a customer or change its limit
         * @description A new limit holds everywhere within 70 s.
         *
         *     Needs the operator's key.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `cus_`. */
                    customer_id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Events per second */
                        limit_per_second?: number;
                        name?: string;
                    };
                };
            };
            responses: {
                /** @description The customer as changed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Customer"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/customers/figures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Figures of each customer
         * @description Of their live side, as `POST /metrics/query` counts them.
         *
         *     Needs the operator's key.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Of this time, up to now. */
                    last?: "1h" | "24h" | "7d" | "30d";
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page, by id. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            customers: components["schemas"]["CustomerFigures"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List dead letters: deliveries whose retries have ended
         * @description With the reason and every attempt, those of the newest events first.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Whose last attempt failed like this. */
                    error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other")[] | ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other");
                    /** @description With an event of one of these types; patterns as well. */
                    event_type?: string[] | string;
                    /** @description Of events received at or after. */
                    from?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description To this subscription. */
                    subscription_id?: string;
                    /** @description Of events received before. */
                    to?: string;
                    /** @description Of subscriptions that belong to one of these workflows now. */
                    workflow_id?: string[] | string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            dead_letters: components["schemas"]["Delivery"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dead-letters/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry dead letters
         * @description By their ids, by events, or by a filter. Each starts its schedule of retries again.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        delivery_ids?: string[];
                        event_ids?: string[];
                        /** @description An event type or a pattern of them, or several. */
                        event_type?: string | string[];
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        from?: string;
                        /** @description Events per second, on average at most; by default 5,000, and never more than the customer may send. An event counts for each subscription that it goes to. The events of one request are handed on together, once the time that it takes at this rate has passed: 60 events of one request at 5 per second go after 12 seconds. */
                        rate_per_second?: number;
                        subscription_id?: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        to?: string;
                    };
                };
            };
            responses: {
                /** @description Read it at `GET /replays/{id}`. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replay"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List deliveries
         * @description Those of the newest events first. A page may be short and yet have a `next_cursor`.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Whose last attempt failed like this. */
                    error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other")[] | ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other");
                    /** @description With an event of one of these types; patterns as well. */
                    event_type?: string[] | string;
                    /** @description Of events received at or after. */
                    from?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description Of this replay. */
                    replay_id?: string;
                    /** @description In one of these states. */
                    status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[] | ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled");
                    /** @description To this subscription. */
                    subscription_id?: string;
                    /** @description Of events received before. */
                    to?: string;
                    /** @description Of subscriptions that belong to one of these workflows now. */
                    workflow_id?: string[] | string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            deliveries: components["schemas"]["Delivery"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a delivery with every attempt
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `dlv_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The delivery. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delivery"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/deliveries/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a delivery again now
         * @description In any state, also a delivery that arrived or was given up, and also a second time.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `dlv_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The delivery as it stands; the attempt follows at once. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delivery"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/answers/{status}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The edge's own answer with this status
         * @description The edge answers 414, 502 and 504 with these bodies when no function answered.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description 414, 502 or 504. */
                    status: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The error. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/event-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List event types with a schema
         * @description Needs the scope `subscriptions`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page, by name. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            event_types: components["schemas"]["EventType"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/event-types/{type}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the schema of an event type
         * @description Needs the scope `subscriptions`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description An older version; by default the current one. */
                    version?: number;
                };
                header?: never;
                path: {
                    /** @description Name of an event type. */
                    type: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The schema. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["EventType"];
                    };
                };
            };
        };
        /**
         * Register the JSON Schema of an event type
         * @description Events of this type that break it are refused with `schema_violation`. Counts for requests that begin 5 s later. Versions are kept; the same schema again changes nothing.
         *
         *     Needs the scope `subscriptions`.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of an event type. */
                    type: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    } | boolean;
                };
            };
            responses: {
                /** @description The schema with its version. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["EventType"];
                    };
                };
            };
        };
        post?: never;
        /**
         * Stop checking events of a type
         * @description Needs the scope `subscriptions`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of an event type. */
                    type: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description No longer checked, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/event-types/rehearse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a schema on recorded events before it is registered
         * @description The newest events of the type first, `limit` of them a page: which of them would be refused now, and why. Nothing is stored. Needs the scope `events:read` as well.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        cursor?: string;
                        event_type: string;
                        /** @description Events to examine (1,000). */
                        limit?: number;
                        /**
                         * @description A JSON Schema (2020-12), as it is: not wrapped in anything.
                         * @example {
                         *       "type": "object",
                         *       "required": [
                         *         "id"
                         *       ],
                         *       "properties": {
                         *         "id": {
                         *           "type": "string"
                         *         }
                         *       }
                         *     }
                         */
                        schema: {
                            [key: string]: unknown;
                        } | boolean;
                    };
                };
            };
            responses: {
                /** @description What the schema says of them. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            examined: number;
                            /** @description Of those examined, how many would be refused. */
                            failed: number;
                            /** @description The newest 20 of those that would be refused. */
                            failures: {
                                errors: ({
                                    code?: string;
                                    message: string;
                                    path?: string;
                                } & {
                                    [key: string]: unknown;
                                })[];
                                event_id: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339; answers are in UTC with milliseconds.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                received_at: string;
                            }[];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send one event or up to 1,000
         * @description All or nothing. Up to 1,000,000 bytes, encoded (`gzip`, `zstd`) and decoded. With `Idempotency-Key`, a repeat within 24 h answers what the first answered.
         *
         *     Needs the scope `events:write`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["EventPayload"] | components["schemas"]["EventPayload"][];
                };
            };
            responses: {
                /** @description Durable: one event's id, or those of all, in order. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            event_id: string;
                            /** @enum {string} */
                            status: "accepted";
                        } | {
                            events: {
                                event_id: string;
                                /** @enum {string} */
                                status: "accepted";
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an event
         * @description With its deliveries and every attempt. An event accepted less than five seconds ago is waited for, up to a second.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `evt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The event. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InboxEvent"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/{id}/journey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happened to an event, stage by stage
         * @description `routed` is when it was decided who gets it, `stored` when its write began: how long that took is part of the wait for the first attempt, which counts from there.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `evt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The stages by time. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Later stages that did not fit into the answer; only where there are any. */
                            more_stages?: number;
                            stages: {
                                /**
                                 * Format: date-time
                                 * @description RFC 3339; answers are in UTC with milliseconds.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                at: string;
                                attempt?: number;
                                delivery_id?: string;
                                /** @description Time since the stage before; of an attempt, since the one before it. */
                                duration_ms: number;
                                error?: string | null;
                                /** @description How long the subscriber took. */
                                latency_ms?: number;
                                /** @enum {string} */
                                stage: "accepted" | "routed" | "stored" | "attempt" | "acknowledged";
                                status_code?: number | null;
                                subscription_id?: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/{id}/verdicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explain which subscriptions a stored event matched, and why
         * @description Against every subscription as it stood when the event was routed. `matched` is what was decided then: a disabled one that matched has the event in its backlog.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `evt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One verdict a subscription. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Verdicts that did not fit into the answer; only where there are any. Those that matched are shown first then. */
                            more_verdicts?: number;
                            verdicts: {
                                /** @description The deciding clause, with the values met. */
                                because?: string;
                                clause?: string;
                                matched: boolean;
                                /**
                                 * @description Its status then.
                                 * @enum {string}
                                 */
                                status: "active" | "disabled";
                                subscription_id: string;
                                version: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/{id}/viewers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List who read an event's payload in the console
         * @description Newest first. Reads by keys are in the audit of access, by key and minute.
         *
         *     Needs the scope `admin`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Id that begins with `evt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            viewers: {
                                /**
                                 * Format: date-time
                                 * @description RFC 3339; answers are in UTC with milliseconds.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                at: string;
                                /** @enum {string} */
                                how: "payload" | "reveal";
                                name: string;
                                person_id: string;
                                reason: string | null;
                                /** @enum {string} */
                                role: "owner" | "developer" | "operations" | "business" | "executive" | "auditor" | "operator";
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Validate events and show what each active subscription would receive
         * @description The same bodies as `POST /events`. Nothing is stored or sent; its events count against the limit as those sent do. A body that is wrong as a whole is refused as there; what is wrong with a single event is in its result. What rows of reference tables would be part of is shown to keys with the scope `subscriptions` only.
         *
         *     Needs the scope `events:write`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    } | {
                        [key: string]: unknown;
                    }[];
                };
            };
            responses: {
                /** @description One result an event, in order. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            results: {
                                errors?: ({
                                    code?: string;
                                    message: string;
                                    path?: string;
                                } & {
                                    [key: string]: unknown;
                                })[];
                                event: {
                                    event_id: string;
                                    event_type: string | null;
                                    /** @description As sent; an object when valid. */
                                    payload?: unknown;
                                    /**
                                     * Format: date-time
                                     * @description RFC 3339; answers are in UTC with milliseconds.
                                     * @example 2026-11-25T10:00:00.000Z
                                     */
                                    received_at: string;
                                };
                                /** @description Number of subscriptions that don't match and are left out to save space. */
                                omitted?: number;
                                subscriptions: {
                                    /** @description The deciding clause, with the values met. */
                                    because?: string;
                                    duration_us?: number;
                                    matched: boolean;
                                    request?: {
                                        /** @description The exact text. */
                                        body: string;
                                        headers: {
                                            [key: string]: string;
                                        };
                                    };
                                    /** @description Why nothing could be sent, in place of `request`. */
                                    request_error?: {
                                        code?: string;
                                        message: string;
                                        path?: string;
                                    } & {
                                        [key: string]: unknown;
                                    };
                                    subscription_id: string;
                                }[];
                                valid: boolean;
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/lookup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read up to 1,000 events by their ids
         * @description In the order asked for. `missing` names those that don't exist.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description At most 1,000 event ids. */
                        event_ids: string[];
                    };
                };
            };
            responses: {
                /** @description The events found. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            events: components["schemas"]["InboxEvent"][];
                            missing: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Health of the platform, by dependency
         * @description The answer may be five seconds old.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Everything answers. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/details": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Latency of each dependency, and messages in dead-letter queues
         * @description Needs the operator's key.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The state at most five seconds ago. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["HealthDetails"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inbox": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the customer's events
         * @description Reading to the end with cursors gives each event that was stored when reading began exactly once, even if others arrive meanwhile. A search for something rare may answer a short, even an empty page with a `next_cursor`: go on until it is null. An event is listed as soon as it is stored, usually within a second of its 202; one that was accepted before reading began but stored during it comes last.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Whether an event was acknowledged, which takes it off the inbox. */
                    acknowledged?: "true" | "false" | "all";
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Event types, or patterns of them. */
                    event_type?: string[] | string;
                    /** @description CEL over the event. */
                    filter?: string;
                    /** @description Received at or after. */
                    from?: string;
                    /** @description Sent by these API keys. */
                    key_id?: string[] | string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description By the time of receipt. */
                    order?: "desc" | "asc";
                    /** @description Text contained in the payload; case is ignored as Unicode folds it, accents are not. */
                    q?: string;
                    /** @description In one of these states. */
                    status?: ("unmatched" | "pending" | "delivered" | "failed" | "dead_lettered")[] | ("unmatched" | "pending" | "delivered" | "failed" | "dead_lettered");
                    /** @description Received before. */
                    to?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            events: components["schemas"]["InboxEvent"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inbox/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete an event
         * @description Needs the scope `events:read`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `evt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inbox/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Acknowledge events
         * @description They leave the default list of `GET /inbox`. It is safe to repeat the call.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description At most 1,000 event ids. */
                        event_ids: string[];
                    };
                };
            };
            responses: {
                /** @description Number of events that are acknowledged now, and ids that don't exist. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged: number;
                            missing: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inbox/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete events
         * @description Reads no longer return them, and their waiting deliveries are cancelled.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description At most 1,000 event ids. */
                        event_ids: string[];
                    };
                };
            };
            responses: {
                /** @description Number of events that are deleted now, and ids that don't exist. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            deleted: number;
                            missing: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Announce an incident or maintenance
         * @description `GET /status` shows it at once. Without `starts_at` it begins now.
         *
         *     Needs the operator's key.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default [] */
                        components?: ("api" | "queue" | "database" | "delivery")[];
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        ends_at?: string | null;
                        /**
                         * @description What it does to the parts that it names, while it is open.
                         * @enum {string}
                         */
                        impact?: "none" | "degraded" | "down";
                        /** @enum {string} */
                        kind: "incident" | "maintenance";
                        message?: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        starts_at?: string;
                        title: string;
                    };
                };
            };
            responses: {
                /** @description The incident. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Incident"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/incidents/{incident_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change the text of an incident, or resolve it
         * @description Needs the operator's key.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `inc_`. */
                    incident_id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        components?: ("api" | "queue" | "database" | "delivery")[];
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        ends_at?: string | null;
                        /**
                         * @description What it does to the parts that it names, while it is open.
                         * @enum {string}
                         */
                        impact?: "none" | "degraded" | "down";
                        message?: string | null;
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        starts_at?: string;
                        /**
                         * @description Ends it now.
                         * @enum {string}
                         */
                        status?: "resolved";
                        title?: string;
                    };
                };
            };
            responses: {
                /** @description The incident. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Incident"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the customer's keys
         * @description Live and sandbox keys, revoked ones included; never their text.
         *
         *     Needs the scope `keys`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            keys: components["schemas"]["Key"][];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Create an API key
         * @description Its scopes, environment, limit and lifetime can't exceed those of the key that asks, whose limit it shares, and it is revoked with it.
         *
         *     Needs the scope `keys`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /** @description For a key that web pages hold: it works from these origins only, and may have no other scope than `events:write`. */
                        allowed_origins?: string[];
                        /**
                         * @description By default that of the key that asks: `live`.
                         * @enum {string}
                         */
                        environment?: "live" | "sandbox";
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        expires_at?: string | null;
                        /** @description Events per second */
                        limit_per_second?: number | null;
                        name?: string;
                        scopes?: ("events:write" | "events:read" | "subscriptions" | "keys" | "privacy" | "admin")[];
                    };
                };
            };
            responses: {
                /** @description The key, with `api_key` shown this once. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewKey"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a key
         * @description Needs the scope `keys`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `key_`. */
                    key_id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The key, without its text. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Key"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Revoke a key
         * @description It is refused everywhere within 70 s, and so are the keys that it made.
         *
         *     Needs the scope `keys`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `key_`. */
                    key_id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Revoked, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{key_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate a key
         * @description The new one is valid at once, the old one until the overlap ends.
         *
         *     Needs the scope `keys`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `key_`. */
                    key_id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /**
                         * @description Seconds for which the old secret stays valid; 0 ends it at once.
                         * @default 86400
                         */
                        overlap_seconds?: number;
                    };
                };
            };
            responses: {
                /** @description The key, with its new `api_key` shown this once. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewKey"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/links/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Open a link that was sent
         * @description Asks whether to confirm the address that the link was sent to, or whether a report is no longer wanted. It changes nothing: programs that scan mails open links, too.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description What stands in the link of a mail. */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page that says what it did. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/html": string;
                    };
                };
            };
        };
        put?: never;
        /**
         * Do what a link's page asks
         * @description Confirms the address, or unsubscribes it from a report. Mail programs unsubscribe by this call, without the page (RFC 8058).
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description What stands in the link of a mail. */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page that says what it did. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/html": string;
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/live/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a ticket to watch live
         * @description Open a WebSocket at `url` with the parameter `ticket`. It can be used once, within 30 s, and shows what the key that asks may see: the sandbox's side for a sandbox key. docs/live.md says what is sent.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": Record<string, never>;
                };
            };
            responses: {
                /** @description The ticket. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            expires_at: string;
                            ticket: string;
                            /** @example wss://api.example.com/live */
                            url: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/masking": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read which parts of payloads the console masks
         * @description Needs the scope `admin`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Paths, and kinds of data that are recognised. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Masking"];
                    };
                };
            };
        };
        /**
         * Set which parts of payloads the console masks
         * @description In force for every later answer. A person's search, filter, rehearsal and verdict also know a payload without what `paths` hide, so that no question tells it; `detect` hides what is shown, and what a search finds. Needs a live key, or an owner in the console.
         *
         *     Needs the scope `admin`.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Masking"];
                };
            };
            responses: {
                /** @description As set. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Masking"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics, by query parameters
         * @description The same as `POST /metrics/query`; lists repeat: `measures=events&measures=delivered`. `Accept: text/csv` answers a table of the points. At most 10000 points of a series, and of all series together as many as fit into an answer: the fewer measures, the more. Points without facts are there, as zeros, latencies as null. A measure that can't be told apart by what the query names is null.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The same over the range before, or a week earlier. */
                    compare?: string;
                    /** @description As `filter[error]`. */
                    error?: string | string[];
                    /** @description As `filter[event_type]`. */
                    event_type?: string | string[];
                    /** @description Repeats. */
                    "filter[error]"?: string | string[];
                    /** @description Repeats. */
                    "filter[event_type]"?: string | string[];
                    /** @description Repeats. */
                    "filter[key_id]"?: string | string[];
                    /** @description Repeats. */
                    "filter[reason]"?: string | string[];
                    /** @description Repeats. */
                    "filter[status]"?: string | string[];
                    /** @description Repeats. */
                    "filter[subscription_id]"?: string | string[];
                    /** @description Repeats. */
                    "filter[workflow_id]"?: string | string[];
                    /** @description RFC 3339. */
                    from?: string;
                    /** @description Repeats, twice at most: event_type, workflow_id, subscription_id, key_id, status, error, reason. */
                    group_by?: string | string[];
                    /** @description Adds `buckets` to latencies. */
                    histogram?: string;
                    /** @description Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point. */
                    interval?: string;
                    /** @description As `filter[key_id]`. */
                    key_id?: string | string[];
                    /** @description Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`. */
                    last?: string;
                    /** @description Repeats: requests, events, bytes, refused, matched, unmatched, attempts, delivered, failed, dead_lettered, replayed, delivery_success_rate, error_rate, limit_use, accept_latency_ms, delivery_latency_ms, attempt_latency_ms. */
                    measures?: string | string[];
                    /** @description As `filter[reason]`. */
                    reason?: string | string[];
                    /** @description As `filter[status]`. */
                    status?: string | string[];
                    /** @description As `filter[subscription_id]`. */
                    subscription_id?: string | string[];
                    /** @description Hours and days begin as they do there. `UTC` or an IANA name. */
                    time_zone?: string;
                    /** @description RFC 3339. */
                    to?: string;
                    /** @description Series of an answer, the largest; all others are one named `(other)`. 20 unless it is said, or as many as fit. */
                    top?: string;
                    /** @description As `filter[workflow_id]`. */
                    workflow_id?: string | string[];
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Series, the largest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MetricsAnswer"];
                        "text/csv": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Metrics
         * @description At most 10000 points of a series, and of all series together as many as fit into an answer: the fewer measures, the more. Points without facts are there, as zeros, latencies as null. A measure that can't be told apart by what the query names is null.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description The same over the range before, or a week earlier.
                         * @enum {string}
                         */
                        compare?: "previous" | "week";
                        /**
                         * @description Values that count, by dimension; null stands for what has none.
                         * @default {}
                         */
                        filter?: {
                            error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                            event_type?: (string | null)[];
                            key_id?: (string | null)[];
                            reason?: (string | null)[];
                            status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                            subscription_id?: (string | null)[];
                            workflow_id?: (string | null)[];
                        };
                        /**
                         * Format: date-time
                         * @description RFC 3339.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        from?: string;
                        /** @default [] */
                        group_by?: ("event_type" | "workflow_id" | "subscription_id" | "key_id" | "status" | "error" | "reason")[];
                        /**
                         * @description Adds `buckets` to latencies.
                         * @default false
                         */
                        histogram?: boolean;
                        /**
                         * @description Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point.
                         * @default auto
                         * @enum {string}
                         */
                        interval?: "auto" | "minute" | "hour" | "day" | "none";
                        /**
                         * @description Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`.
                         * @example 24h
                         */
                        last?: string;
                        /** @description What is asked for; the first one ranks the series. */
                        measures: ("requests" | "events" | "bytes" | "refused" | "matched" | "unmatched" | "attempts" | "delivered" | "failed" | "dead_lettered" | "replayed" | "delivery_success_rate" | "error_rate" | "limit_use" | "accept_latency_ms" | "delivery_latency_ms" | "attempt_latency_ms")[];
                        /**
                         * @description Hours and days begin as they do there. `UTC` or an IANA name.
                         * @default UTC
                         * @example Europe/Berlin
                         */
                        time_zone?: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        to?: string;
                        /** @description Series of an answer, the largest; all others are one named `(other)`. 20 unless it is said, or as many as fit. */
                        top?: number;
                    };
                };
            };
            responses: {
                /** @description Series, the largest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MetricsAnswer"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description, as OpenAPI 3.1 */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description An OpenAPI document. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            openapi: string;
                        } & {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/people": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the people who may sign in
         * @description Needs the scope `admin`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            people: components["schemas"]["Person"][];
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Invite a person
         * @description Who signs in with this address, verified by the issuer, has the role from then on. For a live key, or an owner in the console.
         *
         *     Needs the scope `admin`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** Format: email */
                        email: string;
                        name?: string;
                        /** @enum {string} */
                        role: "owner" | "developer" | "operations" | "business" | "executive" | "auditor" | "operator";
                    };
                };
            };
            responses: {
                /** @description The person, invited. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Person"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/people/{person_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a person
         * @description Sessions of the person in this customer end within 30 s. The last owner can't be removed.
         *
         *     Needs the scope `admin`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `psn_`. */
                    person_id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Removed, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change a person's role or name
         * @description Sessions of the person have the new role within 30 s.
         *
         *     Needs the scope `admin`.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `psn_`. */
                    person_id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name?: string;
                        /** @enum {string} */
                        role?: "owner" | "developer" | "operations" | "business" | "executive" | "auditor" | "operator";
                    };
                };
            };
            responses: {
                /** @description The person as changed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Person"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/privacy/erasures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Erase a data subject's events, or all
         * @description From every store, exports included; asked by a live key, in the sandbox too. A certificate is chained into the audit log. It can't be undone.
         *
         *     Needs the scope `privacy`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        all?: true;
                        /** @description The customer's id; needed to erase all, or by a path such as `$..*`. */
                        confirm?: string;
                        /** @description Events whose payload holds this value at this path. */
                        subject?: {
                            equals: string | number | boolean;
                            /** @example $.user.email */
                            jsonpath: string;
                        };
                    };
                };
            };
            responses: {
                /** @description Read it at `GET /privacy/requests/{id}`. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PrivacyRequest"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/privacy/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Export a data subject's events, or all
         * @description Of this key's environment, deleted events left out: a `.tar.gz` of `events.jsonl` and `manifest.json`, which counts damaged batches and lines that are left out.
         *
         *     Needs the scope `privacy`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {boolean} */
                        all?: true;
                        /** @description The customer's id; needed to erase all, or by a path such as `$..*`. */
                        confirm?: string;
                        /** @description Events whose payload holds this value at this path. */
                        subject?: {
                            equals: string | number | boolean;
                            /** @example $.user.email */
                            jsonpath: string;
                        };
                    };
                };
            };
            responses: {
                /** @description Read it at `GET /privacy/requests/{id}`. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PrivacyRequest"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/privacy/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List privacy requests
         * @description The newest first.
         *
         *     Needs the scope `privacy`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            requests: components["schemas"]["PrivacyRequest"][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/privacy/requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a privacy request
         * @description With its counts, and, when it is done, the download link or the certificate.
         *
         *     Needs the scope `privacy`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `prv_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The request. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PrivacyRequest"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List problems: what fails, why, and how to fix it
         * @description Failed attempts of the last 90 days, grouped by subscription and error, those that failed last first. One resolves by itself after 30 minutes of success, and opens again when it recurs.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description In one of these states. */
                    state?: ("open" | "acknowledged" | "resolved" | "muted")[] | ("open" | "acknowledged" | "resolved" | "muted");
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            problems: components["schemas"]["Problem"][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that somebody looks after a problem
         * @description It still resolves by itself. Repeating it is harmless.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `prb_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The problem as it stands now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{id}/mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Hide a problem
         * @description It stays muted until it is acknowledged or resolved, also when it fails again. Repeating it is harmless.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `prb_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The problem as it stands now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{id}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that a problem is solved
         * @description It opens again when it recurs. Repeating it is harmless.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `prb_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The problem as it stands now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try all deliveries of a problem again
         * @description Those that failed like this last and have not arrived since: given up, or still waiting. Each starts its schedule anew.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `prb_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read it at `GET /replays/{id}`, with its counts. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replay"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reference-tables": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List reference tables
         * @description Needs the scope `subscriptions`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page, by name, without rows. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            reference_tables: components["schemas"]["ReferenceTable"][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reference-tables/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a reference table
         * @description Needs the scope `subscriptions`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the table. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The table with its rows. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ReferenceTable"] & {
                            rows: {
                                [key: string]: {
                                    [key: string]: unknown;
                                };
                            };
                        };
                    };
                };
            };
        };
        /**
         * Set the rows of a reference table
         * @description Replaces the whole table. Subscriptions whose `enrich` names it use the new rows within 5 s.
         *
         *     Needs the scope `subscriptions`.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the table. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        rows: {
                            [key: string]: {
                                [key: string]: unknown;
                            };
                        };
                    };
                };
            };
            responses: {
                /** @description The table with its version. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ReferenceTable"];
                    };
                };
            };
        };
        post?: never;
        /**
         * Delete a reference table
         * @description Subscriptions that enrich from it leave their member out from then on.
         *
         *     Needs the scope `subscriptions`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the table. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List replays
         * @description The newest first.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            replays: components["schemas"]["Replay"][];
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Deliver recorded events again
         * @description Ids and `received_at` stay; each delivery carries `triggers-replay-id`. Events past the retention come from the archive.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        event_ids?: string[];
                        /** @description An event type or a pattern of them, or several. */
                        event_type?: string | string[];
                        /**
                         * Format: date-time
                         * @description Received at or after; needed unless `event_ids` are given.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        from?: string;
                        /** @description Events per second, on average at most; by default 5,000, and never more than the customer may send. An event counts for each subscription that it goes to. The events of one request are handed on together, once the time that it takes at this rate has passed: 60 events of one request at 5 per second go after 12 seconds. */
                        rate_per_second?: number;
                        /** @description Only to these, as far as they match; by default to every subscription that matches today. */
                        subscription_ids?: string[];
                        /**
                         * Format: date-time
                         * @description Received before; by default now.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        to?: string;
                    };
                };
            };
            responses: {
                /** @description Read it at its own URL. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replay"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replays/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a replay and its progress
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rpl_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The replay. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replay"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replays/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a replay
         * @description It stops within about two seconds; what was handed on by then (`sent`) is still delivered. Repeating it is harmless.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `rpl_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The replay, cancelled. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replay"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List reports
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page, the oldest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            reports: components["schemas"]["Report"][];
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Create a report
         * @description Sent by its schedule, or when `POST /reports/{id}/run` asks for it: a mail, with PDF and CSV.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name: string;
                        /**
                         * @description Addresses that are verified e-mail channels.
                         * @default []
                         */
                        recipients?: string[];
                        schedule?: components["schemas"]["ReportSchedule"];
                        /** @description `weekly`, `monthly`, or tiles of your own. A tile without a range is about the report's, and one that names no zone counts in the schedule's. */
                        template: ("weekly" | "monthly") | components["schemas"]["ReportTile"][];
                    };
                };
            };
            responses: {
                /** @description The report. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Report"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a report
         * @description Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rpt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The report. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Report"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Delete a report
         * @description Its runs go with it.
         *
         *     Needs the scope `subscriptions`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rpt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change a report
         * @description Naming a recipient anew, who had unsubscribed, does not subscribe it again.
         *
         *     Needs the scope `subscriptions`.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `rpt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name?: string;
                        /** @description Addresses that are verified e-mail channels. */
                        recipients?: string[];
                        schedule?: components["schemas"]["ReportSchedule"];
                        /** @description `weekly`, `monthly`, or tiles of your own. A tile without a range is about the report's, and one that names no zone counts in the schedule's. */
                        template?: ("weekly" | "monthly") | components["schemas"]["ReportTile"][];
                    };
                };
            };
            responses: {
                /** @description The report as changed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Report"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/reports/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make and send a report now
         * @description Over the last whole week or month of its schedule's zone, or what its own tiles ask for.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `rpt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Read it at `GET /reports/{id}/runs`. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ReportRun"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/{id}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a report's runs
         * @description The newest first. Kept for 400 days.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Id that begins with `rpt_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            runs: components["schemas"]["ReportRun"][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * See a report before it is sent
         * @description What the mail would say if it were sent now, of a report that need not be there yet. Nothing is kept or sent. With `Accept: text/html` the mail's own page alone; mails also hold a link to unsubscribe.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default Report */
                        name?: string;
                        /**
                         * @description Addresses that are verified e-mail channels.
                         * @default []
                         */
                        recipients?: string[];
                        schedule?: components["schemas"]["ReportSchedule"];
                        /** @description `weekly`, `monthly`, or tiles of your own. A tile without a range is about the report's, and one that names no zone counts in the schedule's. */
                        template: ("weekly" | "monthly") | components["schemas"]["ReportTile"][];
                    };
                };
            };
            responses: {
                /** @description The mail. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            from: string;
                            html: string;
                            subject: string;
                            text: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            to: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/retention": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the number of days that events are kept
         * @description Needs the scope `admin`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Days, for live and sandbox alike. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Retention"];
                    };
                };
            };
        };
        /**
         * Set the number of days that events are kept
         * @description `days` count for events stored from then on; those stored before keep the day they were given. `metrics_days` count for all numbers, once a day; null keeps them for ever. For a live key alone.
         *
         *     Needs the scope `admin`.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        days: number;
                        /** @description Days that numbers are kept; left out where they are for ever. */
                        metrics_days?: number | null;
                    };
                };
            };
            responses: {
                /** @description As set. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Retention"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reveal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show one thing without its mask
         * @description An event's payload, or a subscription's webhook URL, for people in the console whose role may and who have signed in within the last five minutes. Pages show it for a minute. Each leaves one record in the audit log.
         *
         *     Needs the scope `admin`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        object: string;
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description The thing itself. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            expires_at: string;
                            object: string;
                            revealed: {
                                [key: string]: unknown;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * State of each part of the platform, with incidents and maintenance
         * @description Without a key: the state of each part. With one: figures as well. What is answered may be five seconds old, figures of CloudWatch a minute.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The state of the platform. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Status"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List subscriptions
         * @description Oldest first, those of the key's environment.
         *
         *     Needs the scope `subscriptions`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description In this state. */
                    status?: "active" | "disabled";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            subscriptions: components["schemas"]["Subscription"][];
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Subscribe a webhook to events
         * @description Effective for events accepted 5 s later, or sooner.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SubscriptionRequest"];
                };
            };
            responses: {
                /** @description The subscription, with `signing_secret` shown this once. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewSubscription"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a subscription
         * @description Its `ETag` can be sent back in `If-Match` of a change.
         *
         *     Needs the scope `subscriptions`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The subscription. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Subscription"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Unsubscribe
         * @description Its waiting deliveries are cancelled, and nothing more is sent.
         *
         *     Needs the scope `subscriptions`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Removed, now or before. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change a subscription
         * @description A member given replaces the one before; `null` clears it. With `If-Match`, only that version is changed.
         *
         *     Needs the scope `subscriptions`.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SubscriptionPatch"];
                };
            };
            responses: {
                /** @description The subscription as changed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Subscription"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/subscriptions/{id}/backlog": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what a subscription has not received
         * @description The events, oldest first, whose delivery is held back, waits for another attempt, or was given up. Reading changes nothing. With `requests=true`, which also needs the scope `subscriptions`, each has the post that would deliver it alone, signed now: a program that pulls hands it on as it is.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                    /** @description Items of a page, at most. */
                    limit?: number;
                    /** @description By the time of receipt. */
                    order?: "asc" | "desc";
                    /** @description Adds the post that would deliver each event, signed: its headers and its body. */
                    requests?: "true" | "false";
                };
                header?: never;
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One page. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            events: (components["schemas"]["InboxEvent"] & {
                                request?: {
                                    /** @description The exact text. */
                                    body: string;
                                    headers: {
                                        [key: string]: string;
                                    };
                                };
                                /** @description Why nothing could be sent, in place of `request`. */
                                request_error?: {
                                    code?: string;
                                    message: string;
                                    path?: string;
                                } & {
                                    [key: string]: unknown;
                                };
                            })[];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/backlog/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Acknowledge events of a subscription's backlog
         * @description They count as delivered and are not sent. It is safe to repeat the call.
         *
         *     Needs the scope `events:read`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description At most 1,000 event ids. */
                        event_ids: string[];
                    };
                };
            };
            responses: {
                /** @description Number of events that will not be sent to this subscription now, and ids that were not in its backlog. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged: number;
                            missing: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enable a disabled subscription
         * @description Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The subscription, active. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Subscription"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate a subscription's signing secret
         * @description Deliveries carry a signature of the new secret at once, and of the old one too until the overlap ends.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /**
                         * @description Seconds for which the old secret stays valid; 0 ends it at once.
                         * @default 86400
                         */
                        overlap_seconds?: number;
                    };
                };
            };
            responses: {
                /** @description The new secret, shown this once. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            previous_secret_expires_at: string;
                            signing_secret: string;
                            subscription_id: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a sample to the webhook now
         * @description With any selector, and also when the subscription is disabled. Nothing is stored. The endpoint has five seconds; a customer has two tests under way at once, beyond them it is 429. A 410 removes the subscription. With `check_signature`, a sample that the endpoint took is followed by one with a wrong signature, which it should refuse with a 4xx; that it did is kept in `signature_verified_at`.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @description Id that begins with `sub_`. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /** @description Also sends a sample with a wrong signature. */
                        check_signature?: boolean;
                        event_type?: string | null;
                        payload?: {
                            [key: string]: unknown;
                        };
                    };
                };
            };
            responses: {
                /** @description The request, and the endpoint's answer. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            delivered: boolean;
                            error: string | null;
                            latency_ms: number;
                            request: {
                                body: string;
                                headers: {
                                    [key: string]: string;
                                };
                            };
                            response_excerpt?: string;
                            /** @description What came back for the wrong signature; with `check_signature`, once it took the right one. */
                            signature?: {
                                error: string | null;
                                status_code: number | null;
                                /** @description The endpoint refused the wrong signature with a 4xx. */
                                verified: boolean;
                            };
                            status_code: number | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create up to 10,000 subscriptions at once
         * @description All or nothing, and one change of the subscriptions' version. Send it with `Content-Encoding: gzip` when the body exceeds 1,000,000 bytes.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description A repeat within 24 h with the same body answers what the first request answered. */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        subscriptions: components["schemas"]["SubscriptionRequest"][];
                    };
                };
            };
            responses: {
                /** @description Ids and secrets in the order of the request. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            subscriptions: {
                                signing_secret: string;
                                subscription_id: string;
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/rehearse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a selector over recorded events before it is saved
         * @description The newest events first, `limit` of them a page. Near misses name the clause that decided against an event; those that fail in one clause beyond the event type come first.
         *
         *     Needs the scope `subscriptions`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        cursor?: string;
                        enrich?: components["schemas"]["Enrich"];
                        event_selector: components["schemas"]["EventSelector"];
                        /** @enum {string} */
                        format?: "event" | "payload";
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        from?: string;
                        /** @description Events to examine (1,000). */
                        limit?: number;
                        max_batch?: number;
                        /**
                         * Format: date-time
                         * @description RFC 3339; answers are in UTC with milliseconds.
                         * @example 2026-11-25T10:00:00.000Z
                         */
                        to?: string;
                        transform?: components["schemas"]["Transform"];
                    };
                };
            };
            responses: {
                /** @description The events that it would have matched. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            examined: number;
                            matched: number;
                            near_misses: {
                                /**
                                 * @description Why, with the values met.
                                 * @example amount 40 is not > 100
                                 */
                                because: string;
                                /** @description The part of the selector that decides, as it was written. */
                                clause: string;
                                event_id: string;
                            }[];
                            /** @description Cursor of the next page; null on the last. */
                            next_cursor: string | null;
                            samples: {
                                event: components["schemas"]["Event"];
                                request: {
                                    /** @description The exact text. */
                                    body: string;
                                    headers: {
                                        [key: string]: string;
                                    };
                                };
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Numbers of events sent, delivered and failed
         * @description By minute, hour or day, in UTC; `Accept: text/csv` answers a table of the buckets. `quota` says what of the limit was used, and where that leads: the month's events at the present pace, and when the peak meets the limit. Counts are exact under retries; what a function had not written when it died is missing for two hours at most, attempts for good. Latency is the subscribers' time to answer, to within 5 %. Minutes are kept 35 days, hours 400.
         *
         *     Needs the scope `events:read`.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Counted at or after. */
                    from?: string;
                    /** @description One series for each of them. */
                    group_by?: "event_type" | "subscription" | "key";
                    /** @description Time of one point. */
                    interval?: "minute" | "hour" | "day";
                    /** @description Counted before. */
                    to?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Buckets in order of time, empty ones left out when grouped. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            buckets: {
                                bytes: number;
                                dead_lettered: number;
                                delivered: number;
                                events: number;
                                failed: number;
                                /** @description The group's value. */
                                key?: string | null;
                                latency_ms: {
                                    p50: number | null;
                                    p95: number | null;
                                    p99: number | null;
                                };
                                /** @description Share of the customer's limit of events that was used, on average over the bucket or the range. Of the busiest minute it is `quota.peak_use`, and of the busiest second `limit_use` of the metrics. */
                                limit_use: number;
                                requests: number;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339; answers are in UTC with milliseconds.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                start: string;
                            }[];
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            from: string;
                            /** @enum {string} */
                            interval: "minute" | "hour" | "day";
                            quota: {
                                /** @description Events per second, over what has passed of the range. */
                                average_per_second: number;
                                /** @description Share of the limit, 1 being all of it. */
                                average_use: number;
                                /** @description The same of the key that asks; present where it has a limit of its own. */
                                key?: {
                                    /** @description Events per second, over what has passed of the range. */
                                    average_per_second: number;
                                    /** @description Share of the limit, 1 being all of it. */
                                    average_use: number;
                                    key_id: string;
                                    /** @description Today's limit, in events per second. */
                                    limit_per_second: number;
                                    /**
                                     * Format: date-time
                                     * @description When that minute began; null without events.
                                     * @example 2026-11-25T10:00:00.000Z
                                     */
                                    peak_at: string | null;
                                    /**
                                     * @description What the peak is a mean of: `hour` where minutes are no longer kept.
                                     * @enum {string|null}
                                     */
                                    peak_interval: "minute" | "hour" | null;
                                    /** @description Events per second in the busiest minute of the range's busiest hour. */
                                    peak_per_second: number;
                                    /** @description Share of the limit, 1 being all of it. Seconds within the minute may have been above. */
                                    peak_use: number;
                                };
                                /** @description Today's limit, in events per second. */
                                limit_per_second: number;
                                /**
                                 * Format: date-time
                                 * @description When that minute began; null without events.
                                 * @example 2026-11-25T10:00:00.000Z
                                 */
                                peak_at: string | null;
                                /**
                                 * @description What the peak is a mean of: `hour` where minutes are no longer kept.
                                 * @enum {string|null}
                                 */
                                peak_interval: "minute" | "hour" | null;
                                /** @description Events per second in the busiest minute of the range's busiest hour. */
                                peak_per_second: number;
                                /** @description Share of the limit, 1 being all of it. Seconds within the minute may have been above. */
                                peak_use: number;
                                /** @description Seen from now, for every range that is asked for. */
                                projection: {
                                    /** @description The present pace: the mean of the last 7 days, or since traffic began. */
                                    events_per_second: number;
                                    /** @description Events of the month so far. */
                                    events_to_date: number;
                                    /**
                                     * Format: date-time
                                     * @description When the peak meets the limit if it grows on in a line: now if it has, null if it does not within 365 days.
                                     * @example 2026-11-25T10:00:00.000Z
                                     */
                                    limit_reached_at: string | null;
                                    /**
                                     * Format: date-time
                                     * @description RFC 3339; answers are in UTC with milliseconds.
                                     * @example 2026-11-25T10:00:00.000Z
                                     */
                                    month_end: string;
                                    /**
                                     * Format: date-time
                                     * @description Begin of the present month, UTC.
                                     * @example 2026-11-25T10:00:00.000Z
                                     */
                                    month_start: string;
                                    /** @description What the trend adds to the peak a day. */
                                    peak_growth_per_day: number | null;
                                    /** @description Today's peak on the trend of the last 28 days; null while there are fewer than 7 days of traffic. */
                                    peak_per_second: number | null;
                                    /** @description Events of the whole month if they go on at this pace; null while there is less than a day of traffic. */
                                    projected_events: number | null;
                                    /** @description Share of what the limit would let through in the whole month; null as `projected_events`. */
                                    projected_use: number | null;
                                };
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339; answers are in UTC with milliseconds.
                             * @example 2026-11-25T10:00:00.000Z
                             */
                            to: string;
                            totals: {
                                bytes: number;
                                dead_lettered: number;
                                delivered: number;
                                events: number;
                                failed: number;
                                latency_ms: {
                                    p50: number | null;
                                    p95: number | null;
                                    p99: number | null;
                                };
                                limit_per_second: number;
                                /** @description Share of the customer's limit of events that was used, on average over the bucket or the range. Of the busiest minute it is `quota.peak_use`, and of the busiest second `limit_use` of the metrics. */
                                limit_use: number;
                                /** @description Events in 30 days at the rate of this range. */
                                projected_events_30d: number;
                                requests: number;
                            };
                        };
                        "text/csv": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AccessRecord: {
            calls: {
                /** @description Payload bytes taken in. */
                bytes: number;
                /** @example GET /inbox */
                call: string;
                /** @description Events taken in or handed out. */
                events: number;
                /** @description `ok`, the code of the error that was answered, or `replayed` under an `Idempotency-Key`. */
                outcome: string;
                requests: number;
            }[];
            /** @enum {string} */
            environment: "live" | "sandbox";
            /** @description SHA-256, hex, of the JSON array [customer_id, hour, seq, minute, environment, key_id, calls, source_ips, prev_hash], with `views` before `prev_hash` where there are any; members sorted by name. */
            hash: string;
            key_id: string;
            /**
             * Format: date-time
             * @description Its beginning.
             * @example 2026-11-25T10:00:00.000Z
             */
            minute: string;
            prev_hash: string;
            /** @description Counts the hour's records from 1, without gaps. */
            seq: number;
            /** @description Where the requests came from; of IPv6 the network of 64 bits. */
            source_ips: {
                address: string;
                requests: number;
            }[];
            /** @description Payloads that the person `key_id` saw in the console. */
            views?: {
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                at: string;
                event_id: string;
                /** @description `payload`, masked as the role demands, or `reveal`, without its mask. */
                how: string;
                name: string;
                reason: string | null;
                role: string;
            }[];
        };
        Alert: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            acknowledged_at: string | null;
            acknowledged_by: string | null;
            alert_id: string;
            /** @description What is suspected. */
            cause: string | null;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            fired_at: string | null;
            /** @enum {string} */
            kind: "error_rate" | "latency" | "quota" | "dead_letters" | "api_down" | "metric";
            messages: {
                attempts: number;
                /** @enum {string} */
                change: "firing" | "escalated" | "resolved";
                /** @description Null for the event of the customer's own. */
                channel_id: string | null;
                error: string | null;
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                sent_at: string | null;
                /** @enum {string} */
                state: "pending" | "sent" | "failed";
            }[];
            name: string;
            /** @description `recovered`, `no_data`, `rule_disabled` or `rule_deleted`; null before it resolves. */
            resolution: string | null;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            resolved_at: string | null;
            rule_id: string;
            /** @enum {string} */
            severity: "info" | "warning" | "critical";
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            since: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            snoozed_until: string | null;
            /** @enum {string} */
            state: "pending" | "firing" | "resolved";
            threshold: number;
            /** @description The last that was seen. */
            value: number | null;
        };
        AlertChannel: {
            channel_id: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Since when nothing could be sent; null while it works.
             * @example 2026-11-25T10:00:00.000Z
             */
            failing_since: string | null;
            /** @enum {string} */
            kind: "email" | "slack" | "sms" | "webhook";
            last_error: string | null;
            /** @description An address, a number, a URL; of a Slack webhook's URL the end is cut. */
            target: string;
            /** @description By whose clocks its messages say times. */
            time_zone: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
            verified: boolean;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            verified_at: string | null;
        };
        AlertRule: {
            /** @description Ids of channels; used once they are verified. */
            channels: string[];
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            enabled: boolean;
            filter: {
                [key: string]: unknown;
            } | null;
            /** @description How long it has to last; 0 rings at once. */
            for_minutes: number;
            /** @enum {string} */
            kind: "error_rate" | "latency" | "quota" | "dead_letters" | "api_down" | "metric";
            name: string;
            query: {
                [key: string]: unknown;
            } | null;
            rule_id: string;
            /** @enum {string} */
            severity: "info" | "warning" | "critical";
            /** @description It rings above this: a share from 0 to 1 (`error_rate`, `quota`), milliseconds (`latency`), a count (`dead_letters`), what the measure says (`metric`). */
            threshold: number;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        AuditEntry: {
            /** @example subscription.create */
            action: string;
            actor: {
                key_id?: string;
                name?: string;
                person_id?: string;
                role?: string;
                /** @enum {string} */
                type: "key" | "operator" | "person" | "platform";
            };
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            at: string;
            details: {
                [key: string]: unknown;
            };
            /** @description SHA-256, hex, of the JSON array [customer_id, seq, at, actor, action, object, source_ip, outcome, details, prev_hash], members sorted by name. */
            hash: string;
            /** @description Id of what was changed. */
            object: string | null;
            /** @description `ok`, or the code of the error that was answered. */
            outcome: string;
            prev_hash: string;
            /** @description Counts the customer's entries from 1, without gaps. */
            seq: number;
            source_ip: string | null;
        };
        Customer: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            customer_id: string;
            /** @description Events per second */
            limit_per_second: number;
            name: string;
            /** @enum {string} */
            status: "active";
        };
        CustomerFigures: {
            customer_id: string;
            dead_lettered: number;
            delivered: number;
            delivery_success_rate: number | null;
            events: number;
            failed: number;
            /** @description Active keys, live and sandbox. */
            keys: number;
            /** @description Active keys that nothing was ever asked with. */
            keys_never_used: number;
            limit_per_second: number;
            /** @description Events of the busiest second, of the limit. */
            limit_use: number | null;
            name: string;
            refused: number;
            requests: number;
            /** @description Those keys, 20 at most. */
            unused_keys: {
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                created_at: string;
                /** @enum {string} */
                environment: "live" | "sandbox";
                key_id: string;
            }[];
        };
        Delivery: {
            attempts: {
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                at: string;
                /**
                 * @description Named failure; null on success.
                 * @example timeout
                 */
                error: string | null;
                /** @description What happened, where nothing could be sent. */
                error_detail?: string;
                latency_ms: number;
                /** @description Up to 1 KB of the answer. */
                response_excerpt?: string;
                status_code: number | null;
            }[];
            /** @description Attempts that are no longer kept, between the first ten and the newest; only where there are any. */
            attempts_left_out?: number;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            delivery_id: string;
            /** @description The events of the delivery; within an event, that event alone. */
            event_ids: string[];
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            next_attempt_at: string | null;
            /** @description Why its retries ended, or why it was cancelled. */
            reason?: string;
            /** @description Id of the last replay that sent it, as in its posts. */
            replay_id?: string;
            /** @enum {string} */
            status: "pending" | "delivered" | "failed" | "dead_lettered" | "cancelled";
            subscription_id: string;
        };
        Enrich: {
            as: string;
            /** @description A reference table; or "$event": the time of receipt, the region, and the name of the key that sent it. */
            from: string;
            /** @description Path to the row's key. "$event" needs none. */
            key?: string;
        } | null;
        Error: {
            error: {
                /** @enum {string} */
                code: "invalid_json" | "invalid_event" | "too_many_events" | "schema_violation" | "invalid_request" | "unauthorized" | "forbidden" | "origin_forbidden" | "cross_site" | "sign_in_again" | "not_found" | "method_not_allowed" | "idempotency_conflict" | "idempotency_in_flight" | "webhook_url_taken" | "conflict" | "precondition_failed" | "payload_too_large" | "unsupported_media_type" | "unprocessable" | "too_many_hops" | "limit_reached" | "invalid_selector" | "unknown_reference_table" | "invalid_schema" | "invalid_header" | "webhook_url_forbidden" | "uri_too_long" | "headers_too_large" | "request_timeout" | "rate_limited" | "internal" | "bad_gateway" | "gateway_timeout" | "unavailable";
                details?: ({
                    code?: string;
                    index?: number;
                    message: string;
                    /** @description JSON Pointer */
                    path?: string;
                } & {
                    [key: string]: unknown;
                })[];
                docs: string;
                message: string;
                request_id: string;
            };
        };
        Event: {
            event_id: string;
            event_type: string | null;
            /** @description The payload, byte for byte as it was sent. */
            payload: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            received_at: string;
        };
        /**
         * @description The event itself. `event_type`, where present, is a string of 1 to 256 characters; the rest is yours.
         * @example {
         *       "event_type": "order.created",
         *       "id": 42
         *     }
         */
        EventPayload: {
            [key: string]: unknown;
        };
        /**
         * @description An event type (pattern), a JSONPath query, or a logical expression over JSONPaths; or an object of which all members must hold.
         * @example $.event_type == 'order.created'
         */
        EventSelector: string | {
            cel?: string;
            event_type?: string | string[];
            jsonpath?: string;
        };
        EventType: {
            event_type: string;
            /**
             * @description A JSON Schema (2020-12), as it is: not wrapped in anything.
             * @example {
             *       "type": "object",
             *       "required": [
             *         "id"
             *       ],
             *       "properties": {
             *         "id": {
             *           "type": "string"
             *         }
             *       }
             *     }
             */
            schema: {
                [key: string]: unknown;
            } | boolean;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
            version: number;
        };
        Health: {
            dependencies: {
                [key: string]: {
                    /** @enum {string} */
                    status: "ok" | "unavailable";
                };
            };
            /** @enum {string} */
            status: "ok" | "unavailable";
        };
        HealthDetails: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            checked_at: string;
            /** @description Number of messages in each dead-letter queue that is not empty. */
            dead_messages?: {
                [key: string]: number;
            };
            dependencies: {
                [key: string]: {
                    latency_ms: number;
                    /** @enum {string} */
                    status: "ok" | "unavailable";
                };
            };
            /** @enum {string} */
            status: "ok" | "unavailable";
        };
        InboxEvent: components["schemas"]["Event"] & {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            acknowledged_at: string | null;
            deliveries: components["schemas"]["Delivery"][];
            /** @description Deliveries that did not fit into the answer; only where there are any. `GET /deliveries` lists all. */
            more_deliveries?: number;
            /** @enum {string} */
            status: "unmatched" | "pending" | "delivered" | "failed" | "dead_lettered";
        };
        Incident: {
            components: ("api" | "queue" | "database" | "delivery")[];
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            ends_at: string | null;
            /**
             * @description What it does to the parts that it names, while it is open.
             * @enum {string}
             */
            impact: "none" | "degraded" | "down";
            incident_id: string;
            /** @enum {string} */
            kind: "incident" | "maintenance";
            message: string | null;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            starts_at: string;
            /** @enum {string} */
            status: "scheduled" | "open" | "resolved";
            title: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        Key: {
            /** @description Of a key that web pages hold: the only origins that it works from. */
            allowed_origins?: string[];
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            /** @enum {string} */
            environment: "live" | "sandbox";
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            expires_at: string | null;
            key_id: string;
            /** @description How the text of the key ends, by which you tell it from others: of its checksum, not of its secret. */
            last_four: string | null;
            /**
             * Format: date-time
             * @description To within ten minutes.
             * @example 2026-11-25T10:00:00.000Z
             */
            last_used_at: string | null;
            /** @description The key's own limit below the customer's. */
            limit_per_second: number | null;
            name: string | null;
            scopes: ("events:write" | "events:read" | "subscriptions" | "keys" | "privacy" | "admin")[];
            /** @enum {string} */
            status: "active" | "revoked" | "expired";
        };
        /** @description Of what was measured; where nothing was, the value is null. */
        Latency: {
            /** @description Upper bound in ms and count, ascending; with `histogram`. */
            buckets?: [
                number,
                number
            ][];
            count: number;
            p50: number;
            p95: number;
            p99: number;
        };
        Masking: {
            /** @description Kinds of data that are masked anywhere in a text. */
            detect: ("email" | "card" | "phone" | "token")[];
            /**
             * @description JSONPath queries (RFC 9535) of members of a payload that are always masked.
             * @example [
             *       "$.card"
             *     ]
             */
            paths: string[];
        };
        MetricsAnswer: {
            compare?: {
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                from: string;
                series: components["schemas"]["MetricsSeries"][];
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                to: string;
                /** @description The measures asked for, by name. */
                totals: {
                    [key: string]: number | null | components["schemas"]["Latency"];
                };
            };
            /**
             * Format: date-time
             * @description What happened before is counted.
             * @example 2026-11-25T10:00:00.000Z
             */
            complete_until: string;
            /** @description Members of the series `(other)`. */
            folded: number;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            from: string;
            /** @enum {string} */
            interval: "minute" | "hour" | "day" | "none";
            series: components["schemas"]["MetricsSeries"][];
            time_zone: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            to: string;
            /** @description The measures asked for, by name. */
            totals: {
                [key: string]: number | null | components["schemas"]["Latency"];
            };
        };
        MetricsSeries: {
            /** @description The values that the series is for, by dimension; `(other)` for all past `top`, null for none. */
            key: {
                [key: string]: string | null;
            };
            /** @description One for each interval, with the measures by name; `partial` while it is still filling. */
            points: ({
                /** @enum {boolean} */
                partial?: true;
                /**
                 * Format: date-time
                 * @description RFC 3339; answers are in UTC with milliseconds.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                start: string;
            } & {
                [key: string]: number | null | components["schemas"]["Latency"];
            })[];
            /** @description The measures asked for, by name. */
            totals: {
                [key: string]: number | null | components["schemas"]["Latency"];
            };
        };
        NewKey: components["schemas"]["Key"] & {
            /** @description The key itself, shown only here. */
            api_key: string;
        };
        NewSubscription: components["schemas"]["Subscription"] & {
            /** @description The replay that `backfill_from` began. */
            backfill_replay_id?: string;
            /** @description `whsec_…`, shown only here. */
            signing_secret: string;
        };
        Person: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            email: string;
            invited_by: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            last_signed_in_at: string | null;
            name: string | null;
            person_id: string;
            /** @enum {string} */
            role: "owner" | "developer" | "operations" | "business" | "executive" | "auditor" | "operator";
            /** @enum {string} */
            status: "invited" | "active";
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        PrivacyRequest: {
            certificate?: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            /** @description Needs no key; null once the export is gone. */
            download_url?: string | null;
            error?: string;
            /**
             * Format: date-time
             * @description Of the link; a new one is given at each read.
             * @example 2026-11-25T10:00:00.000Z
             */
            expires_at?: string;
            /** @enum {string} */
            kind: "export" | "erasure";
            /** @description Counts, so far. */
            progress: {
                [key: string]: number;
            };
            request_id: string;
            /** @description The request. A value is shown only as its HMAC, under a key that is deleted when all is erased. */
            scope: {
                [key: string]: unknown;
            };
            /** @description Of events.jsonl. */
            sha256?: string;
            /** @enum {string} */
            status: "pending" | "running" | "succeeded" | "failed" | "cancelled";
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        Problem: {
            advice: string;
            /** @description Attempts that failed. */
            count: number;
            /** @enum {string} */
            error: "timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other";
            /** @description Events that it happened to. */
            events: number;
            explanation: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            first_at: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            last_at: string;
            problem_id: string;
            /** @description The last delivery that failed like this. */
            sample_delivery_id: string;
            /** @enum {string} */
            state: "open" | "acknowledged" | "resolved" | "muted";
            /** @description Present if the endpoint answered. */
            status_code?: number;
            subscription_id: string;
            workflow_id: string | null;
        };
        ReferenceTable: {
            name: string;
            row_count: number;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
            version: number;
        };
        Replay: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            error?: string;
            /** @description Events that matched a subscription so far. */
            matched: number;
            progress: {
                [key: string]: number;
            };
            replay_id: string;
            request: {
                [key: string]: unknown;
            };
            /** @description Deliveries' events handed on so far. */
            sent: number;
            /** @enum {string} */
            status: "pending" | "running" | "succeeded" | "failed" | "cancelled";
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        Report: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            name: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            next_run_at: string | null;
            recipients: string[];
            report_id: string;
            schedule: components["schemas"]["ReportSchedule"];
            template: ("weekly" | "monthly") | {
                [key: string]: unknown;
            }[];
            /** @description Recipients that have unsubscribed. */
            unsubscribed: string[];
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        ReportRun: {
            /** @description Id of the key, or `schedule`. */
            asked_by: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            /** Format: uri */
            csv_url: string | null;
            error: string | null;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            expires_at: string | null;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            from: string | null;
            /**
             * Format: uri
             * @description Signed links that need no key, for 15 minutes; kept 7 days.
             */
            html_url: string | null;
            /** Format: uri */
            pdf_url: string | null;
            report_id: string;
            run_id: string;
            sent_to: string[];
            /** @enum {string} */
            status: "pending" | "running" | "succeeded" | "failed";
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            to: string | null;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
        };
        ReportSchedule: {
            /** @example 08:00 */
            at: string;
            /**
             * @description Weeks begin on Monday, months on the first.
             * @enum {string}
             */
            every: "day" | "week" | "month";
            /** @default UTC */
            time_zone: string;
        } | null;
        ReportTile: {
            /** @enum {string} */
            chart?: "line" | "bar" | "number" | "table";
            query: {
                /**
                 * @description The same over the range before, or a week earlier.
                 * @enum {string}
                 */
                compare?: "previous" | "week";
                /**
                 * @description Values that count, by dimension; null stands for what has none.
                 * @default {}
                 */
                filter: {
                    error?: ("timeout" | "dns" | "connect" | "tls" | "redirect" | "http_4xx" | "http_5xx" | "gone" | "forbidden_address" | "other" | null)[];
                    event_type?: (string | null)[];
                    key_id?: (string | null)[];
                    reason?: (string | null)[];
                    status?: ("pending" | "delivered" | "failed" | "dead_lettered" | "cancelled")[];
                    subscription_id?: (string | null)[];
                    workflow_id?: (string | null)[];
                };
                /**
                 * Format: date-time
                 * @description RFC 3339.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                from?: string;
                /** @default [] */
                group_by: ("event_type" | "workflow_id" | "subscription_id" | "key_id" | "status" | "error" | "reason")[];
                /**
                 * @description Adds `buckets` to latencies.
                 * @default false
                 */
                histogram: boolean;
                /**
                 * @description Length of a point. `auto`: minutes up to 6 h, hours up to 14 days, days beyond. `none`: one point.
                 * @default auto
                 * @enum {string}
                 */
                interval: "auto" | "minute" | "hour" | "day" | "none";
                /**
                 * @description Up to now: `15m`, `24h`, `7d`, `4w`. Not together with `from` and `to`.
                 * @example 24h
                 */
                last?: string;
                /** @description What is asked for; the first one ranks the series. */
                measures: ("requests" | "events" | "bytes" | "refused" | "matched" | "unmatched" | "attempts" | "delivered" | "failed" | "dead_lettered" | "replayed" | "delivery_success_rate" | "error_rate" | "limit_use" | "accept_latency_ms" | "delivery_latency_ms" | "attempt_latency_ms")[];
                /**
                 * @description Hours and days begin as they do there. `UTC` or an IANA name.
                 * @default UTC
                 * @example Europe/Berlin
                 */
                time_zone: string;
                /**
                 * Format: date-time
                 * @description RFC 3339.
                 * @example 2026-11-25T10:00:00.000Z
                 */
                to?: string;
                /** @description Series of an answer, the largest; all others are one named `(other)`. 20 unless it is said, or as many as fit. */
                top?: number;
            };
            title: string;
        };
        Retention: {
            days: number;
            /** @description Days that numbers are kept; left out where they are for ever. */
            metrics_days?: number;
        };
        Status: {
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            checked_at: string;
            components: {
                api: {
                    /** @description Milliseconds until it answered. */
                    latency_ms?: number;
                    /** @enum {string} */
                    status: "ok" | "degraded" | "down";
                };
                database: {
                    /** @description Milliseconds until it answered. */
                    latency_ms?: number;
                    /** @enum {string} */
                    status: "ok" | "degraded" | "down";
                    /** @description Throttled requests in the last five minutes. */
                    throttles?: number;
                };
                delivery: {
                    dead_letters?: number;
                    /** @description Messages that wait to be delivered or tried again. */
                    depth?: number;
                    /** @description How long the oldest has waited; a retry from 15 minutes on, which it may have to wait for its next attempt. */
                    oldest_message_seconds?: number;
                    /** @enum {string} */
                    status: "ok" | "degraded" | "down";
                };
                queue: {
                    dead_letters?: number;
                    /** @description Messages that wait to be routed. */
                    depth?: number;
                    oldest_message_seconds?: number;
                    /** @enum {string} */
                    status: "ok" | "degraded" | "down";
                };
            };
            incidents: components["schemas"]["Incident"][];
            /** @enum {string} */
            status: "ok" | "degraded" | "down";
        };
        Subscription: {
            /**
             * Format: date-time
             * @description Since when its selector takes so much work that events are decided without it; only while it does.
             * @example 2026-11-25T10:00:00.000Z
             */
            costly_since?: string;
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            created_at: string;
            /** @description `requested` by a caller, or why the platform disabled it. */
            disabled_reason: string | null;
            enrich: components["schemas"]["Enrich"];
            /** @enum {string} */
            environment: "live" | "sandbox";
            event_selector: components["schemas"]["EventSelector"];
            /** @enum {string} */
            format: "event" | "payload";
            /** @description Names only; values are never read back. */
            headers: {
                [key: string]: "***";
            };
            max_batch: number;
            /**
             * Format: date-time
             * @description When a test last showed that the endpoint checks signatures: it took a sample and refused one that was signed with another secret. Only once one has.
             * @example 2026-11-25T10:00:00.000Z
             */
            signature_verified_at?: string;
            /** @enum {string} */
            status: "active" | "disabled";
            subscription_id: string;
            transform: components["schemas"]["Transform"];
            /**
             * Format: date-time
             * @description RFC 3339; answers are in UTC with milliseconds.
             * @example 2026-11-25T10:00:00.000Z
             */
            updated_at: string;
            /** @description Counts the changes of this subscription, from 1. */
            version: number;
            webhook_url: string;
            workflow_id: string | null;
        };
        SubscriptionPatch: {
            /**
             * Format: date-time
             * @description Also deliver, as a replay, what matched since then.
             * @example 2026-11-25T10:00:00.000Z
             */
            backfill_from?: string;
            enrich?: components["schemas"]["Enrich"];
            /**
             * @description That of the key; given, it must be the same.
             * @enum {string}
             */
            environment?: "live" | "sandbox";
            event_selector?: components["schemas"]["EventSelector"];
            /** @enum {string} */
            format?: "event" | "payload";
            headers?: {
                [key: string]: string;
            };
            max_batch?: number;
            /** @enum {string} */
            status?: "active" | "disabled";
            transform?: components["schemas"]["Transform"];
            webhook_url?: string;
            workflow_id?: string | null;
        };
        SubscriptionRequest: {
            /**
             * Format: date-time
             * @description Also deliver, as a replay, what matched since then.
             * @example 2026-11-25T10:00:00.000Z
             */
            backfill_from?: string;
            enrich?: components["schemas"]["Enrich"];
            /**
             * @description That of the key; given, it must be the same.
             * @enum {string}
             */
            environment?: "live" | "sandbox";
            event_selector: components["schemas"]["EventSelector"];
            /** @enum {string} */
            format?: "event" | "payload";
            headers?: {
                [key: string]: string;
            };
            max_batch?: number;
            /** @description The same as `webhook_url`, as REST-hook clients call it. */
            target_url?: string;
            transform?: components["schemas"]["Transform"];
            webhook_url?: string;
            workflow_id?: string | null;
        };
        /** @description Applied in the order extract, rename, omit. */
        Transform: {
            extract?: {
                [key: string]: string;
            };
            omit?: string[];
            rename?: {
                [key: string]: string;
            };
        } | null;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
