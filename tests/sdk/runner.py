"""Runs the conformance table with the SDK for Python, as it was installed: cases come in by standard input, what came of
them goes out by standard output. The argument says which client: ``sync`` or ``async``."""
from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import triggers

KIND = sys.argv[1]


def settings(case):
    options = case.get("options", {})
    given = {"timeout": 120.0} | {name: options[name] for name in ("timeout", "retries", "max_wait", "lossless") if name in options}
    if "proxy" in options:
        given["proxy"] = case["proxy"]
    return {"api_key": options.get("api_key", case["api_key"]), "url": options.get("url", case["url"]), **given}


def failure(error):
    if isinstance(error, (triggers.TriggersConnectionError, triggers.WebhookVerificationError)):
        return {"error": error.reason}
    if isinstance(error, (asyncio.CancelledError, asyncio.TimeoutError, triggers.TriggersCancelledError)):
        return {"error": "cancelled"}
    if isinstance(error, TypeError) and re.search(r" is no address: | in params\.$", str(error)):
        return {"error": str(error)}
    if not isinstance(error, triggers.TriggersError):
        return {"error": repr(error)}
    indexes = [detail["index"] for detail in error.details if "index" in detail]
    return {
        "error": error.code,
        "status": error.status,
        **({"indexes": indexes} if indexes else {}),
        **({"retry_after": error.retry_after} if error.retry_after is not None else {}),
    }


def event_of(case, n):
    padding = {"padding": "x" * case["padding"]} if "padding" in case else {}
    return {"event_type": 5 if n in case.get("bad", []) else case["type"], "n": n, **padding}


def batch_outcome(errors):
    refused = [error for error in errors if error is not None]
    return {
        "accepted": len(errors) - len(refused),
        "refused": len(refused),
        **({"error": refused[0].code, "message": str(refused[0])} if refused else {}),
    }


def count_accepted(answer):
    return {"accepted": sum(one["event_id"].startswith("evt_") for one in ([answer] if "event_id" in answer else answer))}


def key_of(case):
    return {"idempotency_key": f"conformance-{case['type']}"} if "again" in case else {}


def verify(case):
    signed = case["signed"]
    options = {"tolerance_seconds": signed["tolerance"]} if "tolerance" in signed else {}
    text = triggers.verify(signed["body"], signed["headers"], signed["secrets"], now=signed["now"], **options)
    assert text == signed["body"]
    return {"value": json.loads(text)}


def run(case):
    do = case["do"]
    if do == "verify":
        return verify(case)
    with triggers.Triggers(**settings(case)) as client:
        if do == "send":
            accepted = client.send(case["events"], **key_of(case))
            if "again" in case:
                client.send(case["again"], **key_of(case))
            return count_accepted(accepted)
        if do == "cancel":
            cancel = triggers.Cancel()
            threading.Timer(case["after"], cancel.cancel).start()
            return {"accepted": client.send(case["events"], cancel=cancel)}
        if do == "call":
            return {"answer": client.call(case["method"], case["path"])}
        if do == "event":
            return {"event": client.event(case["id"])}
        if do == "pages":
            client.send(case["events"])
            ns = []
            while len(ns) < len(case["events"]):
                pages = client.inbox(event_type=[case["type"]], order="asc", limit=case["limit"])
                ns = [event["payload"]["n"] for event in pages]
                time.sleep(0.1)
            return {"ns": ns}
        if do == "round_trip":
            sent = client.send(triggers.read_json(case["text"], True))
            while True:
                try:
                    return {"text": triggers.write_json(client.event(sent["event_id"])["payload"])}
                except triggers.TriggersError as error:
                    # What was accepted a moment ago may not be listed yet.
                    if error.code != "not_found":
                        raise
        if do == "batch":
            with client.batch(**case["batch"]) as batch:
                futures = [batch.add(event_of(case, n)) for n in range(case["count"])]
                if case.get("wait_for_all"):
                    for future in futures:
                        future.result()
            return batch_outcome([future.exception() for future in futures])
    raise NotImplementedError(do)


async def run_async(case):
    do = case["do"]
    if do == "verify":
        return verify(case)
    async with triggers.AsyncTriggers(**settings(case)) as client:
        if do == "send":
            accepted = await client.send(case["events"], **key_of(case))
            if "again" in case:
                await client.send(case["again"], **key_of(case))
            return count_accepted(accepted)
        if do == "cancel":
            await asyncio.wait_for(client.send(case["events"]), case["after"])
        if do == "call":
            return {"answer": await client.call(case["method"], case["path"])}
        if do == "event":
            return {"event": await client.event(case["id"])}
        if do == "pages":
            await client.send(case["events"])
            ns = []
            while len(ns) < len(case["events"]):
                pages = client.inbox(event_type=[case["type"]], order="asc", limit=case["limit"])
                ns = [event["payload"]["n"] async for event in pages]
                await asyncio.sleep(0.1)
            return {"ns": ns}
        if do == "round_trip":
            sent = await client.send(triggers.read_json(case["text"], True))
            while True:
                try:
                    return {"text": triggers.write_json((await client.event(sent["event_id"]))["payload"])}
                except triggers.TriggersError as error:
                    if error.code != "not_found":
                        raise
        if do == "batch":
            async with client.batch(**case["batch"]) as batch:
                futures = [batch.add(event_of(case, n)) for n in range(case["count"])]
                if case.get("wait_for_all"):
                    await asyncio.gather(*futures)
            return batch_outcome([future.exception() for future in futures])
    raise NotImplementedError(do)


def end(case):
    """Ends with a batch that is not closed."""
    batch = triggers.Triggers(**settings(case)).batch(**case["batch"])
    for n in range(case["count"]):
        batch.add(event_of(case, n))
    if case["how"] == "SIGTERM":
        print("added", flush=True)
        threading.Event().wait(60)


def safely(case):
    try:
        return run(case)
    except BaseException as error:  # noqa: BLE001
        return failure(error)


async def safely_async(case):
    try:
        return await run_async(case)
    except BaseException as error:  # noqa: BLE001
        return failure(error)


async def all_async(cases):
    return await asyncio.gather(*(safely_async(case) for case in cases))


cases = json.load(sys.stdin)
if cases[0]["do"] == "exit":
    end(cases[0])
elif KIND == "sync":
    with ThreadPoolExecutor(16) as pool:
        print(json.dumps(list(pool.map(safely, cases)), ensure_ascii=False))
else:
    print(json.dumps(asyncio.run(all_async(cases)), ensure_ascii=False))
