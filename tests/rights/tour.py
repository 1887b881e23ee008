"""A tour of everything that the service does, so that every function uses each of its rights. Rare states (a worker
that died, a phone number without its client) are written into the tables beforehand. A new right needs a step here
that uses it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import requests

from chalicelib.adapters.clock import Clock
from chalicelib.adapters.schedules import Schedules
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.client_row import PhoneRow
from chalicelib.adapters.tables.counters import CounterRow
from chalicelib.adapters.tables.erasures import ErasureRow
from chalicelib.adapters.tables.import_row import ImportRow
from chalicelib.adapters.tables.mailing_row import MailingRow
from chalicelib.adapters.tables.message_row import NOT_CLAIMED, MessageRow, row_of
from chalicelib.adapters.tables.slices import SliceRow
from chalicelib.domain.audience import NEWEST
from chalicelib.domain.audit_record import Author
from chalicelib.domain.brake import LEAD, Answers
from chalicelib.domain.client import BLOCK_SIZE, CLIENT_ID, LABEL_SHARDS
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import FollowMovedClients, Job, SendMessage
from chalicelib.domain.message import message_id
from chalicelib.domain.rate import Bucket
from chalicelib.settings import LOCAL_STAGE, Settings
from infra.deploy import receipts_secret
from infra.local.deployment import REPORT_SENDER, STACK_NAME
from infra.local.lambdas import find_function, invoke
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER, verify_sender
from infra.local.stack import DevStack

from .trail import read_trail, refusals

PHONES = [79770000001, 79770000002, 79210000003]
TOKYO = timedelta(hours=9)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 60
AUDIT_BUCKET = "copied-audit"
INBOUND_TOPIC = "arn:aws:sns:us-east-1:000000000000:inbound"


class Tour:
    def __init__(self, stack: DevStack) -> None:
        assert stack.simulator is not None
        self.stack = stack
        self.simulator = stack.simulator
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"
        services = Services(Settings(stage=LOCAL_STAGE, stack_name=STACK_NAME))
        self.rows = (
            services.clients,
            services.imports,
            services.mailings,
            services.slices,
            services.counters,
            services.messages,
            services.erasures,
        )
        self.audit = services.audit
        self.rates = services.rates
        self.mailings = services.mailings

    def walk(self) -> None:
        self.audit_copy()
        self.clients()
        self.console()
        self.identity_provider()
        self.access()
        self.schedules()
        self.segments()
        self.series()
        self.sending()
        self.a_rate_limit_that_delays()
        self.receipts()
        self.inbound_messages()
        self.balances()
        self.canary()
        self.brake()
        self.an_opt_out_at_the_gateway()
        self.hours()
        self.a_fan_out_that_died()
        self.imports()
        self.erasures()
        self.dead_letters()
        self.report()

    def audit_copy(self) -> None:
        """Records of the last minutes are not copied yet."""
        bucket = {"Bucket": AUDIT_BUCKET, "ObjectLockEnabledForBucket": True}
        boto3.client("s3").create_bucket(**bucket)
        at = datetime.now(UTC) - timedelta(hours=1)
        self.audit.add(Author("vera", at, jitter=0.5).record("token", "shop", None, {"role": "read"}))
        assert invoke("CopyAudit", {}) == {"copied": 1}
        assert boto3.client("s3").list_objects_v2(Bucket=AUDIT_BUCKET)["KeyCount"] == 1

    def clients(self) -> None:
        """The ids are so high that a tag or a code is searched in its index, for all but the newest clients."""
        CounterRow(CLIENT_ID).update([CounterRow.value.set((LABEL_SHARDS + 1) * BLOCK_SIZE + NEWEST)])
        made = [self.call("POST", "/Clients/", {"phone_number": phone, "tag": "vip"})["id"] for phone in PHONES]
        spare = {"phone_number": 79770000009}
        once = {"Idempotency-Key": "once"}
        twice = [self.call("POST", "/Clients/", spare, headers=once)["id"] for _ in range(2)]
        assert len(set(twice)) == 1
        self.call("PATCH", f"/Clients/{made[1]}/", {"attributes": {"name": "Anna"}})
        self.call("DELETE", f"/Mailing/{self.announce(3600, message_text='{name}')}/")
        for query in ("", "?tag=vip", "?operator_code=977", f"?phone_number={PHONES[0]}"):
            self.call("GET", f"/Clients/{query}")
        self.call("PATCH", f"/Clients/{made[0]}/", {"timezone": "Asia/Omsk"})
        self.call("GET", f"/Clients/{made[0]}/")
        for step in ("opt_out", "opt_in", "withdraw_consent"):
            self.call("POST", f"/Clients/{twice[0]}/{step}/")
        self.call("DELETE", f"/Clients/{twice[0]}/")
        self.call("POST", "/StopList/", {"phone_number": 79770000008})
        self.call("GET", "/StopList/")
        self.call("DELETE", "/StopList/79770000008/")
        self.call("GET", "/Audit/")
        assert self.session.get(f"{self.stack.url}/metrics/", timeout=30).ok

    def console(self) -> None:
        self.page("POST", "sign-in", name=LOCAL_USER, password=LOCAL_PASSWORD)
        self.page("GET", "clients?limit=1")
        form = self.page("GET", "mailings/new")
        csrf = _found(r'name="csrf" value="([^"]+)"', form)
        draft = _found(r'action="/console/(drafts/[0-9]+)"', form)
        self.page("POST", draft, csrf=csrf, step="test", test_phone=PHONES[0], message_text="test")
        file = {"file": ("clients.csv", "phone_number\n79770000009\n")}
        address = f"{self.stack.url}/console/imports"
        uploaded = self.session.post(address, data={"csrf": csrf}, files=file, timeout=30)
        assert self.session.post(uploaded.url, data={"csrf": csrf, "meaning-0": "phone_number"}, timeout=30).ok
        self.page("GET", "drafts")
        self.page("POST", f"{draft}/delete", csrf=csrf)
        self.page("POST", "tokens", csrf=csrf, name="vera", role="read")
        digests = re.findall(r"tokens/([0-9a-f]{64})/revoke", self.page("GET", "tokens"))
        self.page("POST", f"tokens/{digests[0]}/revoke", csrf=csrf)
        self.page("POST", "users", csrf=csrf, name="olga", role="read")
        self.page("POST", "users/olga/role", csrf=csrf, role="admin")
        self.page("POST", "users/olga/remove", csrf=csrf)
        self.page("GET", "calendar")
        self.page("POST", "sign-out", csrf=csrf)

    def identity_provider(self) -> None:
        """The form of the provider is sent to the address of the page that shows it."""
        session = requests.Session()
        page = session.get(f"{self.stack.url}/console/sign-in/openid", timeout=30)
        answer = session.post(page.url, data={"sub": "olga"}, timeout=30)
        assert answer.url == f"{self.stack.url}/console", answer.text

    def access(self) -> None:
        """A token by hand, and a call that no authorizer has checked: the API checks the token itself."""
        made = invoke("ManageTokens", {"make": "boris"})
        invoke("ManageTokens", {"revoke": made["token"]})
        invoke("ManageUsers", {"make": "boris"})
        invoke("ManageUsers", {"remove": "boris"})
        assert invoke("APIHandler", _unseen_by_the_authorizer("/Stats"))["statusCode"] == 200

    def schedules(self) -> None:
        """Schedules are moved and deleted. One mailing is started as by its schedule, one by the sweep."""
        mailing_id = self.announce(3600)
        later = (datetime.now(UTC) + timedelta(seconds=4000)).isoformat()
        self.call("PATCH", f"/Mailing/{mailing_id}/", {"datetime_start": later})
        self.call("GET", "/Mailing/")
        self.call("DELETE", f"/Mailing/{mailing_id}/")
        by_schedule, _by_sweep = (self.announce_without_a_schedule(filter_tag="absent") for _ in range(2))
        assert invoke("StartMailing", {"mailing": by_schedule})["started"]
        self.sweep()

    def segments(self) -> None:
        """A segment that names a mailing is made, read, listed, counted and changed; mailings use it, one started as by
        its schedule, one by the sweep.
        """
        unsent = {"not_received": self.announce(3600, filter_tag="absent")}
        condition = {"all": [{"field": "tag", "is": "absent"}, unsent]}
        made = self.call("POST", "/Segments/", {"name": "x", "filter": condition})
        path = f"/Segments/{made['id']}/"
        self.call("GET", "/Segments/")
        self.call("GET", f"{path}count/")
        self.call("PATCH", path, {"name": "y"})
        self.await_status(self.announce(-1, segment=made["id"]), "finished")
        by_schedule, _by_sweep = (self.announce_without_a_schedule(segment=made["id"]) for _ in range(2))
        assert invoke("StartMailing", {"mailing": by_schedule})["started"]
        self.sweep()
        self.call("DELETE", path)

    def series(self) -> None:
        """A series is read, listed and changed, and the sweep makes its mailing."""
        now = datetime.now(UTC)
        dates = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
        made = self.call("POST", "/Series/", {**dates, "message_text": "x", "filter_tag": "absent", "repeat": "daily"})
        self.call("GET", "/Series/")
        self.sweep()
        assert self.call("GET", f"/Series/{made['id']}/")["made"] == 1
        self.call("POST", f"/Series/{made['id']}/end/")

    def sending(self) -> None:
        """To a tag and to a code; to a gateway that fails and then refuses some messages; a resend; a repeated queue
        message.
        """
        self.simulator.behave(error_rate=1)
        mailing_id = self.announce(-1, filter_tag="vip")
        self.await_use("SendMessages", "sqs:ChangeMessageVisibility")
        self.sweep()
        self.simulator.behave(refuse=(PHONES[0], PHONES[2]))
        self.await_status(mailing_id, "finished")
        self.await_status(self.announce(-1, filter_op_codes="921", rate_limit=50), "finished")
        self.simulator.behave()
        self.page("POST", "sign-in", name=LOCAL_USER, password=LOCAL_PASSWORD)
        assert "The gateway refused the message" in self.page("GET", f"mailings/{mailing_id}"), (
            "with phone numbers and reasons"
        )
        self.call("POST", f"/Mailing/{mailing_id}/resend/", {"statuses": "failed"})
        self.await_use("RunJobs", "dynamodb:PartiQLUpdate", "-messages")
        known = self.call("GET", f"/Stats/{mailing_id}/")["results"][0]
        assert self.call("GET", f"/Clients/{known['client_id']}/history/")["results"]
        self.put("SendQueueUrl", SendMessage(mailing_id, known["client_id"]))
        self.await_use("SendMessages", "dynamodb:GetItem", "-messages")

    def a_rate_limit_that_delays(self) -> None:
        """The permits of the next half minute are taken, so the messages return to the queue."""
        mailing_id = self.announce(3600, filter_tag="vip", rate_limit=5)
        taken = Bucket(clock=time.time() + 30)
        self.rates.change(Bucket, f"mailing#{mailing_id}#0", lambda _: (taken, None))
        self.call("PATCH", f"/Mailing/{mailing_id}/", {"datetime_start": _moment(-1)})
        self.await_use("SendMessages", "sqs:ChangeMessageVisibility", "-SendQueue")
        self.call("DELETE", f"/Mailing/{mailing_id}/")

    def receipts(self) -> None:
        """Receipts after the end, and during a post."""
        mailing_id = self.announce(-1, filter_tag="vip")
        self.await_status(mailing_id, "finished")
        message = self.call("GET", f"/Stats/{mailing_id}/?status=sent")["results"][0]
        receipt = {"id": message["id"], "status": "undelivered", "reason": "no such number"}
        headers = {"Authorization": f"Bearer {receipts_secret(STACK_NAME)}"}
        self.call("POST", "/Receipts/", receipt, headers=headers)
        self.await_until(lambda: self.call("GET", f"/Stats/{mailing_id}/")["messages"]["undelivered"] == 1)
        rows = list(MessageRow.scan(MessageRow.reported_at.exists()))
        until = MessageRow.claimed_until.set(time.time() + 600)
        rows[0].update([MessageRow.status.set("queued"), until])
        self.call("POST", "/Receipts/", receipt, headers=headers)
        self.await_use("SettleReceipts", "sqs:ChangeMessageVisibility")
        rows[0].update([MessageRow.status.set("undelivered"), MessageRow.claimed_until.set(NOT_CLAIMED)])

    def inbound_messages(self) -> None:
        """As SNS delivers them: from a client, and from a number without one."""
        client_id = self.call("POST", "/Clients/", {"phone_number": 79360000002})["id"]
        for phone in (79360000002, 79360000003):
            message = {"originationNumber": f"+{phone}", "messageBody": "STOP"}
            boto3.client("sqs").send_message(QueueUrl=self.queue_url("ReceiptsQueue"), MessageBody=json.dumps(message))
        self.await_until(lambda: self.call("GET", f"/Clients/{client_id}/")["opted_out_at"] is not None)
        self.await_until(
            lambda: (
                len([one for one in self.call("GET", "/StopList/")["results"] if one["phone_number"] == "79360000003"])
                == 1
            )
        )

    def balances(self) -> None:
        """The API shows balances while its gateway is one that tells them."""
        lambdas, name = boto3.client("lambda"), find_function("APIHandler")
        before = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for variables in ({**before, "GATEWAY": "smsc"}, before):
            lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
            assert self.call("GET", "/Stats/")["balances"] == []

    def canary(self) -> None:
        """The first message fails, and the mailing is paused."""
        self.simulator.behave(refuse=PHONES)
        mailing_id = self.announce(-1, filter_tag="vip", canary=1)
        self.await_status(mailing_id, "paused")
        self.simulator.behave()
        self.call("DELETE", f"/Mailing/{mailing_id}/")

    def brake(self) -> None:
        """Twenty messages got an answer outside the contract, and with the next one the mailing is paused."""
        self.simulator.behave(garbage=True)
        mailing_id = self.announce(-1, filter_tag="vip")
        self.await_status(mailing_id, "running")
        self.mailings.add_answers(mailing_id, Answers(doubtful=LEAD, off_contract=LEAD), datetime.now(UTC))
        self.await_status(mailing_id, "paused")
        self.simulator.behave()
        self.call("DELETE", f"/Mailing/{mailing_id}/")

    def an_opt_out_at_the_gateway(self) -> None:
        """The contract has no such answer, so the sender posts to another provider for a while."""
        server = RefusingProvider()
        functions = boto3.client("lambda").list_functions()["Functions"]
        sender = next(one["FunctionName"] for one in functions if "-SendMessages-" in one["FunctionName"])
        variables = boto3.client("lambda").get_function_configuration(FunctionName=sender)["Environment"]["Variables"]
        _set_environment(sender, {**variables, "GATEWAY": "smsru", "GATEWAY_URL": server.url})
        client_id = self.call("POST", "/Clients/", {"phone_number": 79360000001, "tag": "refuses"})["id"]
        mailing_id = self.announce(-1, filter_tag="refuses")
        self.await_status(mailing_id, "finished")
        assert self.call("GET", f"/Stats/{mailing_id}/")["messages"]["failed"] == 1
        assert self.call("GET", f"/Clients/{client_id}/")["opted_out_at"]
        _set_environment(sender, variables)
        server.shutdown()
        server.server_close()

    def hours(self) -> None:
        """All clients are outside the hours, then one changes its time zone. The schedules of both openings exist.

        A receipt says that a message is delivered whose attempt has no record of an answer.
        """
        opens = (datetime.now(UTC) + timedelta(hours=3)).replace(second=0, microsecond=0)
        window = {"time_from": f"{opens:%H:%M}", "time_to": f"{opens + timedelta(hours=1):%H:%M}"}
        mailing_id = self.announce(3600, filter_op_codes="977", **window, datetime_end=_moment(3 * 24 * 3600))
        schedules = Schedules(STACK_NAME, *_any_target(), Clock())
        for moment in (opens, opens + timedelta(hours=24) - TOKYO):
            schedules.set_release(mailing_id, moment)
        self.call("PATCH", f"/Mailing/{mailing_id}/", {"datetime_start": _moment(-1)})
        self.await_use("RunJobs", "scheduler:UpdateSchedule")
        client_id = self.call("GET", f"/Clients/?phone_number={PHONES[1]}")["results"][0]["id"]
        self.call("PATCH", f"/Clients/{client_id}/", {"timezone": "Asia/Tokyo"})
        self.put("JobsQueueUrl", FollowMovedClients((client_id,)))  # the job of the change comes half a minute later
        self.await_use("SendMessages", "scheduler:UpdateSchedule")
        mailing = self.mailings.get(mailing_id)
        assert mailing is not None
        row_of(mailing.message_key(client_id)).update([MessageRow.attempts.set(1)])
        receipt = {"id": message_id(mailing_id, client_id), "status": "delivered"}
        self.call("POST", "/Receipts/", receipt, headers={"Authorization": f"Bearer {receipts_secret(STACK_NAME)}"})
        self.await_use("SettleReceipts", "dynamodb:UpdateItem", "-slices")
        self.call("POST", f"/Mailing/{mailing_id}/pause/")
        self.put("JobsQueueUrl", FollowMovedClients((client_id,)))
        self.await_use("RunJobs", "dynamodb:BatchGetItem", "-clients")
        self.call("DELETE", f"/Mailing/{mailing_id}/")

    def a_fan_out_that_died(self) -> None:
        """The slice is leased to a dead worker. After that lease the sweep and the next worker continue."""
        mailing_id = self.announce(3600)
        audience_slice = SliceRow(mailing_id, "walk#00000", leased_until=time.time() + 600)
        audience_slice.save()
        self.call("PATCH", f"/Mailing/{mailing_id}/", {"datetime_start": _moment(-1)})
        self.await_use("RunJobs", "sqs:ChangeMessageVisibility")
        audience_slice.update([SliceRow.leased_until.set(1)])
        MailingRow(mailing_id).update([MailingRow.progress_at.set(LONG_AGO)])
        self.sweep()
        self.await_status(mailing_id, "finished")

    def imports(self) -> None:
        """One import finds a phone number without its client, stalls, and is restarted by the sweep."""
        lost = PhoneRow("79770000004", client_id=1)
        lost.save()
        rows = f"79770000004,UTC,\n{PHONES[2]},Asia/Tokyo,\n79770000005,UTC,2026-01-02T03:04:05Z\n{PHONES[1]},Mars,\n"
        file = f"phone_number,timezone,opted_out_at\n{rows}".encode()
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/Clients/import/{self.call('POST', '/Clients/import/', data=file, headers=headers)['id']}/"
        self.await_use("ImportClients", "sqs:ChangeMessageVisibility")
        lost.delete()
        boto3.client("sqs").purge_queue(QueueUrl=self.queue_url("ImportsQueue"))
        ImportRow(int(path.split("/")[3]), 0).update([ImportRow.moved_at.set(LONG_AGO)])
        self.sweep()
        self.await_until(lambda: self.call("GET", path)["status"] == "finished")
        self.call("GET", "/Clients/import/")
        bucket = self.stack.outputs["ImportsBucket"]
        boto3.client("s3").put_object(Bucket=bucket, Key="by hand.csv", Body=file)
        by_hand = invoke("StartImport", {"key": "by hand.csv"})
        invoke("StartImport", {"import": by_hand["id"], "refused": 1})
        self.undo_import(headers)

    def undo_import(self, headers: dict[str, str]) -> None:
        file = b"phone_number\n79770000006\n"
        path = f"/Clients/import/{self.call('POST', '/Clients/import/', data=file, headers=headers)['id']}/"
        self.await_until(lambda: self.call("GET", path)["status"] == "finished")
        self.call("POST", f"{path}undo/")
        self.await_until(lambda: self.call("GET", path)["status"] == "undone")

    def erasures(self) -> None:
        """A client with a refused row, whose job the sweep queues again, and then a number without a client."""
        client_id = self.call("GET", f"/Clients/?phone_number={PHONES[1]}")["results"][0]["id"]
        self.call("POST", f"/Clients/{client_id}/opt_out/")
        assert self.call("POST", f"/Clients/{client_id}/erase/")["stays_refused"]
        ErasureRow(f"client#{client_id}").update([ErasureRow.moved_at.set(LONG_AGO)])
        self.sweep()
        self.await_until(lambda: self.call("GET", "/Audit/?limit=1")["results"][0]["action"] == "traces erased")
        assert self.call("POST", "/Clients/erase/", {"phone_number": PHONES[1]})["stays_refused"]
        assert not self.call("POST", "/Clients/readmit/", {"phone_number": PHONES[1]})["stays_refused"]

    def dead_letters(self) -> None:
        """Each worker stores an invalid queue message, and each goes back to its queue."""
        messages = {
            "SendQueue": "?",
            "JobsQueue": '{"job": "start_mailing"}',
            "ImportsQueue": '{"job": "import_clients"}',
        }
        for queue, body in (messages | {"ReceiptsQueue": '{"job": "settle_receipts"}'}).items():
            boto3.client("sqs").send_message(QueueUrl=self.queue_url(queue), MessageBody=body)
        self.await_until(lambda: self.call("GET", "/Stats/")["dead_letters"] == 4)
        assert invoke("RedriveDeadLetters", {}) == {"redriven": 4}

    def report(self) -> None:
        """SES refuses the first email, so its claim is released. A series makes a mailing before the next report."""
        start = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
        dates = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=1)).isoformat()}
        self.call("POST", "/Series/", {**dates, "message_text": "x", "filter_tag": "absent", "repeat": "daily"})
        day = (datetime.now(UTC) + timedelta(hours=15)).date().isoformat()  # the next report is sent at 09:00
        boto3.client("ses").delete_identity(Identity=REPORT_SENDER)
        assert "not verified" in invoke("SendReport", {"date": day})["errorMessage"]
        verify_sender(REPORT_SENDER)
        assert invoke("SendReport", {"date": day})["sent"]

    def call(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        answer = self.session.request(method, self.stack.url + path, json=body, timeout=30, **options)
        assert answer.ok, (method, path, answer.text)
        return answer.json() if answer.content else None

    def page(self, method: str, path: str, **form: object) -> str:
        answer = self.session.request(method, f"{self.stack.url}/console/{path}", data=form, timeout=30)
        assert answer.ok, (path, answer.status_code)
        return answer.text

    def announce(self, starts_in: float, **fields: object) -> int:
        times = {"datetime_start": _moment(starts_in), "datetime_end": _moment(starts_in + 7200)}
        mailing_id: int = self.call("POST", "/Mailing/", {**times, "message_text": "text", **fields})["id"]
        return mailing_id

    def announce_without_a_schedule(self, **fields: object) -> int:
        """A mailing that is due, and that nothing wakes: a start within a minute has a job of the queue."""
        mailing_id = self.announce(3600, **fields)
        boto3.client("scheduler").delete_schedule(Name=f"mailing-{mailing_id}", GroupName=STACK_NAME)
        before = self.mailings.get(mailing_id)
        assert before is not None
        self.mailings.change(before, replace(before, datetime_start=datetime.now(UTC) - timedelta(seconds=1)))
        return mailing_id

    def sweep(self) -> None:
        answer = invoke("Sweep", {})
        assert "errorMessage" not in answer, answer

    def queue_url(self, queue: str) -> str:
        urls: list[str] = boto3.client("sqs").list_queues()["QueueUrls"]
        return next(url for url in urls if queue in url)

    def put(self, output: str, job: Job) -> None:
        boto3.client("sqs").send_message(QueueUrl=self.stack.outputs[output], MessageBody=to_body(job))

    def await_status(self, mailing_id: int, status: str) -> None:
        self.await_until(lambda: self.call("GET", f"/Mailing/{mailing_id}/")["status"] == status)

    def await_use(self, function: str, action: str, of: str = "") -> None:
        def is_used() -> bool:
            uses = read_trail(self.stack.iam_trail)
            return any(one.is_by(function) and one.action == action and of in one.resource for one in uses)

        self.await_until(is_used)

    def await_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, refusals(self.stack.iam_trail)
            time.sleep(0.1)


class RefusingProvider(ThreadingHTTPServer):
    """SMS.ru, whose recipients all refuse messages: code 209."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refuses)
        self.url = f"http://127.0.0.1:{self.server_port}"
        Thread(target=self.serve_forever, daemon=True).start()


class _Refuses(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"status": "ERROR", "status_code": 209}
        body = json.dumps({"status": "OK", "status_code": 100, "sms": {"79360000001": message}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


def _set_environment(function: str, variables: dict[str, str]) -> None:
    boto3.client("lambda").update_function_configuration(FunctionName=function, Environment={"Variables": variables})


def _moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _any_target() -> tuple[str, str]:
    """A function and a role, for schedules that do not fire during the test."""
    target = boto3.client("scheduler").get_schedule(Name=f"{STACK_NAME}-report")["Target"]
    return target["Arn"], target["RoleArn"]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None
    return match[1]


def _unseen_by_the_authorizer(path: str) -> dict[str, Any]:
    """A call as LocalStack sends it."""
    return {
        "httpMethod": "GET",
        "path": path,
        "resource": path,
        "headers": {"Authorization": f"Token {LOCAL_TOKEN}"},
        "pathParameters": None,
        "stageVariables": None,
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": "GET", "resourcePath": path, "path": path, "identity": {"sourceIp": ""}},
    }
