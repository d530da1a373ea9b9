"""ClickHouse's HTTP interface, as curl, clickhouse-connect and clickhouse-go speak it."""

from __future__ import annotations

import gzip
import json
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from endpoint_client import Asker, served

from spancost.store.asking import Identity
from spancost.store.client import Store
from spancost.store.endpoint import endpoint_app
from spancost.store.wire import HELLO

SLOW = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1"


@pytest.fixture(scope="module")
def locked(engine_dir: Path, shown: Store) -> Iterator[Asker]:
    """A client of an endpoint that asks for a password."""
    with served(endpoint_app(str(engine_dir), "shown", credentials=Identity("ann", "pä:ss"), cores=2)) as asker:
        yield asker


class TestAsking:
    def test_a_statement_may_stand_in_the_url_or_in_the_body_or_in_both(self, asker: Asker) -> None:
        """The URL's part comes first, as ClickHouse has it."""
        assert asker.get(f"/?query={quote('SELECT 1')}").text == "1"
        assert asker.ask("SELECT 2").text == "2"
        assert asker.ask("+ 3", url={"query": "SELECT 2"}).text == "5"

    def test_a_statement_may_come_compressed(self, asker: Asker) -> None:
        """A body with Content-Encoding gzip is read; one that only says so is an error of the sender."""
        header = {"Content-Encoding": "gzip"}

        assert asker.ask(body=gzip.compress(b"SELECT 3"), headers=header).text == "3"
        assert asker.ask("SELECT 3", headers=header).code == 354
        assert asker.ask("SELECT 3", headers={"Content-Encoding": "br"}).status == 501

    def test_a_statement_has_a_limit_before_and_after_decompression(self, asker: Asker) -> None:
        """A megabyte is enough for anyone, and a bomb does not go off."""
        long = b"SELECT '" + b"x" * (1 << 20) + b"'"

        assert asker.ask(body=long).code == 62
        assert asker.ask(body=gzip.compress(long * 50), headers={"Content-Encoding": "gzip"}).code == 62

    @pytest.mark.parametrize(
        ("url", "headers", "sql", "text"),
        [
            ({}, {}, "SELECT 1 AS n FORMAT JSONEachRow", '{"n":1}'),
            ({"default_format": "JSONEachRow"}, {}, "SELECT 1 AS n", '{"n":1}'),
            ({}, {"X-ClickHouse-Format": "JSONEachRow"}, "SELECT 1 AS n", '{"n":1}'),
            ({"default_format": "CSV"}, {"X-ClickHouse-Format": "XML"}, "SELECT 1 AS n FORMAT JSONEachRow", '{"n":1}'),
            ({}, {}, "SELECT 1 AS n", "1"),
            ({"database": "shown"}, {}, "SELECT count() FROM calls", "2"),
            ({"database": "default"}, {}, "SELECT count() FROM calls", "2"),
            ({}, {"X-ClickHouse-Database": "shown"}, "SELECT currentDatabase()", "shown"),
            ({"param_a": "x\\ty", "param_b": "['p','q']"}, {}, "SELECT {a:String}, {b:Array(String)}[2]", "x\\ty\tq"),
            ({"send_logs_level": "trace", "wait_end_of_query": "1", "session_id": "s"}, {}, "SELECT 1", "1"),
        ],
    )
    def test_formats_databases_and_parameters(
        self, asker: Asker, url: dict[str, str], headers: dict[str, str], sql: str, text: str
    ) -> None:
        """They come from the statement, from headers and from the URL, in that order."""
        assert asker.ask(sql, url=url, headers=headers).text == text

    def test_other_databases_do_not_exist(self, asker: Asker) -> None:
        """A request for another database is told so."""
        assert asker.ask("SELECT 1", url={"database": "system"}).code == 81

    def test_a_ping_needs_no_statement(self, asker: Asker) -> None:
        """Load balancers and clients ask for /ping, or for nothing at all."""
        assert {(asker.get(path).status, asker.get(path).body) for path in ("/ping", "/")} == {(200, b"Ok.\n")}


class TestAnswering:
    def test_an_answer_says_what_it_is(self, asker: Asker) -> None:
        """Format, media type, query id and a summary of numbers as strings are in the headers."""
        answer = asker.ask("SELECT team FROM calls", url={"query_id": "mine", "default_format": "CSVWithNames"})

        assert answer.headers["content-type"] == "text/csv; charset=UTF-8; header=present"
        assert answer.headers["x-clickhouse-format"] == "CSVWithNames"
        assert answer.headers["x-clickhouse-query-id"] == "mine"
        assert set(json.loads(answer.headers["x-clickhouse-summary"])) == {"read_rows", "read_bytes", "elapsed_ns"}

    def test_a_large_answer_is_compressed_for_those_who_take_it(self, asker: Asker) -> None:
        """Gzip on request, and never unasked."""
        sql = "SELECT number FROM numbers(10000)"
        plain, zipped = asker.ask(sql), asker.ask(sql, headers={"Accept-Encoding": "gzip, deflate"})

        assert (plain.headers.get("content-encoding"), zipped.headers["content-encoding"]) == (None, "gzip")
        assert gzip.decompress(zipped.body) == plain.body

    @pytest.mark.parametrize(
        ("sql", "status", "body"),
        [
            ("SELECT nosuch FROM calls", 404, "Code: 47. DB::Exception: "),
            ("SELECT * FROM nosuch", 404, "Code: 60. DB::Exception: "),
            ("SELEC 1", 400, "Code: 62. DB::Exception: Syntax error: "),
            ("SELECT * FROM spans_ledger", 403, "Code: 497. DB::Exception: "),
            ("DROP TABLE calls", 400, "Code: 164. DB::Exception: "),
            ("SELECT throwIf(1)", 500, "Code: 395. DB::Exception: "),
        ],
    )
    def test_an_error_looks_like_clickhouse(self, asker: Asker, sql: str, status: int, body: str) -> None:
        """Status, code in a header, and one line of text with code, name and version, said once."""
        answer = asker.ask(sql)

        assert (answer.status, answer.text[: len(body)]) == (status, body)
        assert answer.text.count("DB::Exception") == answer.text.count("(version ") == 1
        assert f"Code: {answer.code}." in answer.text

    def test_errors_do_not_show_how_statements_are_checked(self, asker: Asker) -> None:
        """A syntax error names the statement's own fault only."""
        assert "formatQuery" not in asker.ask("SELEC 1").text

    @pytest.mark.parametrize("option", ["compress", "decompress"])
    def test_native_compression_is_declined(self, asker: Asker, option: str) -> None:
        """Framed blocks are not spoken; a driver that wants them is told."""
        assert asker.ask("SELECT 1", url={option: "1"}).status == 501


class TestHandshake:
    def test_clickhouse_go_reads_the_first_block_at_its_own_revision(self, asker: Asker) -> None:
        """The driver's first statement is answered with block info and a byte a column, and names revision 0."""
        version = asker.ask("SELECT version()").body.strip()
        answer = asker.ask(HELLO, url={"default_format": "Native", "client_protocol_version": "54460"})

        assert answer.body == (
            b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01"
            b"\x0ddisplayName()\x06String\x00\x08spancost"
            b"\x09version()\x06String\x00"
            + bytes([len(version)])
            + version
            + b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00"
            b"\x0atimezone()\x06String\x00\x03UTC"
        )

    def test_older_drivers_get_the_plain_answer(self, asker: Asker) -> None:
        """Without a revision the statement is like any other."""
        answer = asker.ask(HELLO, url={"default_format": "Native"})

        assert answer.body[:2] == b"\x04\x01"


class TestClickhouseConnect:
    @pytest.mark.parametrize("compress", [False, True, "gzip", "lz4", "zstd"])
    def test_it_reads_values_of_every_kind(self, asker: Asker, compress: bool | str) -> None:
        """Numbers, money, times, labels, arrays and maps come through, compressed or not."""
        with clickhouse_connect.get_client(host="127.0.0.1", port=asker.port, compress=compress) as client:
            rows = client.query(
                "SELECT cost, team, start_time, agent_path, map('a', 1) AS m, number FROM calls, numbers(2000) AS n "
                "WHERE team = {t:String}",
                {"t": "a"},
            )

        assert (len(rows.result_rows), rows.column_names[:2]) == (2000, ("cost", "team"))
        assert rows.result_rows[0][:2] == (Decimal("0.5"), "a")
        assert rows.result_rows[0][3:5] == ([], {"a": 1})

    def test_it_reads_arrow_and_nothing(self, asker: Asker) -> None:
        """Arrow, an empty answer, dates as parameters and a single command work."""
        with clickhouse_connect.get_client(host="127.0.0.1", port=asker.port, database="shown") as client:
            assert client.query_arrow("SELECT team FROM calls ORDER BY team")["team"].to_pylist() == ["a", "b"]
            assert client.query("SELECT team FROM calls WHERE 0").result_rows == []
            assert client.query("SELECT {d:Date} AS d", {"d": date(2026, 3, 2)}).result_rows == [(date(2026, 3, 2),)]
            assert client.command("SELECT count() FROM calls") == 2
            assert client.ping()

    def test_it_raises_what_clickhouse_would_raise(self, asker: Asker) -> None:
        """Code and name of an error arrive typed."""
        with (
            clickhouse_connect.get_client(host="127.0.0.1", port=asker.port) as client,
            pytest.raises(DatabaseError) as caught,
        ):
            client.query("SELECT * FROM spans_ledger")

        assert (caught.value.code, caught.value.name) == (497, "ACCESS_DENIED")


class TestAdmission:
    @pytest.mark.parametrize(
        "request_of",
        [
            {"headers": {"Authorization": "Basic " + b64encode("ann:pä:ss".encode()).decode()}},
            {"headers": {"X-ClickHouse-User": "ann", "X-ClickHouse-Key": "p\xc3\xa4:ss"}},
            {"url": {"user": "ann", "password": "pä:ss"}},
        ],
    )
    def test_the_right_password_is_taken_from_wherever_it_stands(
        self, locked: Asker, request_of: dict[str, Any]
    ) -> None:
        """Basic, ClickHouse's own headers and the URL all do."""
        assert locked.ask("SELECT 1", **request_of).text == "1"

    @pytest.mark.parametrize(
        "request_of",
        [
            {},
            {"headers": {"Authorization": "Basic " + b64encode(b"ann:wrong").decode()}},
            {"headers": {"Authorization": "Basic " + b64encode("bob:pä:ss".encode()).decode()}},
            {"headers": {"Authorization": "Basic ***"}},
            {"headers": {"Authorization": "Bearer x"}},
            {"headers": {"X-ClickHouse-User": "ann"}, "url": {"user": "ann", "password": "pä:ss"}},
            {"url": {"user": "ann"}},
        ],
    )
    def test_anything_else_is_refused(self, locked: Asker, request_of: dict[str, Any]) -> None:
        """The answer is ClickHouse's AUTHENTICATION_FAILED, and does not say which part was wrong."""
        answer = locked.ask("SELECT 1", **request_of)

        assert (answer.status, answer.code) == (403, 516)
        assert "Authentication failed: wrong user or password. (AUTHENTICATION_FAILED)" in answer.text

    def test_without_a_password_a_foreign_host_name_is_refused(self, asker: Asker) -> None:
        """A web page that points its own name at this machine reads nothing."""
        assert asker.ask("SELECT 1", headers={"Host": "evil.example"}).code == 516
        assert asker.ask("SELECT 1", headers={"Host": f"localhost:{asker.port}"}).code == 0


class TestLoad:
    def test_a_query_ends_when_its_client_leaves(self, asker: Asker, shown: Store) -> None:
        """A closed connection cancels the query, and its place is free again."""
        for _ in range(3):
            _leave(asker, SLOW)
        while running := _running(shown):
            assert max(running) < 30, "the query runs until its own limit"
            time.sleep(0.05)

        assert asker.ask("SELECT 1").text == "1"

    def test_two_queries_run_and_others_wait(self, asker: Asker, shown: Store) -> None:
        """However many ask, no more than two are in the engine."""
        most = 0
        with ThreadPoolExecutor(5) as pool:
            slow = "SELECT count() FROM numbers(6000000) WHERE sipHash64(number) = 1"
            answers = [pool.submit(asker.ask, slow) for _ in range(5)]
            while not all(answer.done() for answer in answers):
                most = max(most, len(_running(shown)))
                time.sleep(0.01)

        assert (most, {answer.result().text for answer in answers}) == (2, {"0"})


def _leave(asker: Asker, sql: str) -> None:
    """Ask, wait until the query can be seen to run or to wait, and close the connection."""
    with socket.create_connection(("127.0.0.1", asker.port)) as connection:
        connection.sendall(f"GET /?query={quote(sql)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(0.2)


def _running(store: Store) -> list[float]:
    """How long each slow query runs by now, in seconds."""
    slow = "query LIKE '%sipHash64(number)%' AND query NOT LIKE '%processes%'"
    asked = f"SELECT elapsed FROM system.processes WHERE {slow}"
    seconds: list[float] = store.query(asked)["elapsed"].to_pylist()
    return seconds
