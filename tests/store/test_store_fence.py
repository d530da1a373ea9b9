"""The fence: what reads the views passes, everything else is refused, however it is spelt."""

from __future__ import annotations

from pathlib import Path

import pytest
from endpoint_client import Asker

from spancost.store.client import Store
from spancost.store.fence import SYSTEM_TABLES

READS = {
    "SELECT count() FROM calls": "2",
    "select COUNT() from shown.calls": "2",
    "SELECT count() FROM `shown`.`calls` AS c WHERE c.team IN ('a', 'b')": "2",
    "WITH x AS (SELECT team FROM calls) SELECT count() FROM x": "2",
    "WITH (SELECT count() FROM calls) AS n SELECT n": "2",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT max(n) FROM r": "3",
    "SELECT count() FROM calls WHERE team IN (SELECT team FROM calls)": "2",
    "WITH x AS (SELECT 'a') SELECT count() FROM calls WHERE team IN x": "1",
    "SELECT count() FROM calls AS a INNER JOIN call_spans AS b USING (trace_id, span_id)": "2",
    "SELECT count() FROM (SELECT 1 UNION ALL SELECT 2) AS q": "2",
    "SELECT count() FROM calls ARRAY JOIN [1, 2] AS n": "4",
    "SELECT arraySum(arrayMap(x -> x * 2, [1, 2]))": "6",
    "SELECT sum(number) FROM numbers(4)": "6",
    "SELECT max(generate_series) FROM generate_series(1, 3)": "3",
    "SELECT sum(n) FROM values('n Int8', 1, 2)": "3",
    "SELECT format('{}-{}', 'a', 'b')": "a-b",
    "SELECT 'file(''/etc/passwd'') -- ; spans_ledger'": "file(\\'/etc/passwd\\') -- ; spans_ledger",
    "SELECT 1 -- spans_ledger\n/* ; DROP */;": "1",
    "SELECT sum(cost) OVER (ORDER BY team) FROM calls LIMIT 1": "0.5",
    "SELECT quantile(0.5)(toFloat64(cost)) FROM calls": "0.5",
    "SELECT count() FROM calls SETTINGS max_threads = 1, join_use_nulls = 1": "2",
    "SELECT 1 IN (1, 2), 3 IN [1, 2], (1, 2) IN ((1, 2), (3, 4))": "1\t0\t1",
    "SELECT name FROM system.columns WHERE database = 'shown' AND table = 'calls' LIMIT 1": "trace_id",
    "SELECT count() > 1000 FROM system.settings": "1",
    "SELECT system.one.dummy FROM system.one": "0",
    "EXISTS calls": "1",
    "EXISTS TABLE shown.calls": "1",
    "(SELECT 1)": "1",
    "SELECT 1 INTERSECT SELECT 1": "1",
}
STARTS = {
    "DESCRIBE calls": "trace_id\tString",
    "DESC TABLE `shown`.`calls`": "trace_id\tString",
    "DESCRIBE TABLE (SELECT team FROM calls)": "team\tLowCardinality(String)",
    "DESCRIBE (SELECT 1 AS n) FORMAT JSONEachRow": '{"name":"n"',
    "SHOW CREATE VIEW calls": "CREATE VIEW shown.calls",
    "SHOW TABLES": "adjustments",
    "SHOW TABLES FROM shown LIKE 'calls'": "calls",
    "SHOW COLUMNS FROM calls": "adjusted_count",
    "SHOW DATABASES": "",
    "EXPLAIN SELECT count() FROM calls": "",
    "EXPLAIN AST SELECT 1": "SelectWithUnionQuery",
    "EXPLAIN SYNTAX SELECT count() FROM calls": "SELECT",
    "EXPLAIN indexes = 1, actions = 1 SELECT count() FROM calls": "",
}
REFUSED = {
    # statements that are no reading
    "INSERT INTO calls VALUES (1)": 164,
    "INSERT INTO spans_ledger (trace_id) VALUES ('x')": 164,
    "INSERT INTO FUNCTION file('{dir}/x', 'CSV', 'a Int8') SELECT 1": 164,
    "DROP TABLE spans_ledger": 164,
    "DROP DATABASE shown": 164,
    "CREATE TABLE x (a Int8) ENGINE = Memory": 164,
    "CREATE TEMPORARY TABLE x (a Int8)": 164,
    "CREATE VIEW x AS SELECT * FROM spans_ledger": 164,
    "ALTER TABLE spans_ledger DELETE WHERE 1": 164,
    "TRUNCATE TABLE spans_ledger": 164,
    "OPTIMIZE TABLE spans_ledger FINAL": 164,
    "RENAME TABLE calls TO x": 164,
    "DETACH VIEW calls": 164,
    "SYSTEM STOP MERGES": 164,
    "SYSTEM FLUSH LOGS": 164,
    "KILL QUERY WHERE 1": 164,
    "SET max_threads = 8": 164,
    "SET readonly = 0": 164,
    "USE default": 164,
    "GRANT ALL ON *.* TO default": 164,
    "BACKUP DATABASE shown TO File('{dir}/x')": 164,
    "SHOW PROCESSLIST": 164,
    "SHOW GRANTS": 164,
    "CHECK TABLE spans_ledger": 164,
    "SELECT 1 PARALLEL WITH SELECT 2": 164,
    "BEGIN TRANSACTION": 164,
    "EXPLAIN TABLE OVERRIDE mysql('h:1', 'd', 't', 'u', 'p') COLUMNS (a Int8)": 164,
    "EXPLAIN CURRENT TRANSACTION": 164,
    # two statements
    "SELECT 1; SELECT 2": 62,
    "SELECT 1; SET readonly = 0": 62,
    "SELECT 1;; DROP TABLE spans_ledger": 62,
    "EXPLAIN SELECT 1; DROP TABLE spans_ledger": 62,
    "SELECT 1 FORMAT TSV; DROP TABLE spans_ledger": 62,
    # files
    "SELECT * FROM calls INTO OUTFILE '{dir}/x'": 164,
    "SELECT 1 INTO OUTFILE '{dir}/x' TRUNCATE FORMAT CSV": 164,
    "EXPLAIN SELECT 1 INTO OUTFILE '{dir}/x'": 164,
    "SHOW TABLES INTO OUTFILE '{dir}/x'": 164,
    "DESCRIBE calls INTO OUTFILE '{dir}/x'": 164,
    "DESCRIBE (SELECT 1 INTO OUTFILE '{dir}/x')": 62,
    "SELECT * FROM file('/etc/passwd', 'LineAsString')": 497,
    "SELECT * FROM file('/etc/passwd')": 497,
    "SELECT * FROM FILE('/etc/passwd')": 497,
    "SELECT file('/etc/passwd')": 497,
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])": 497,
    "SELECT * FROM '/etc/passwd'": 60,
    "SELECT * FROM `/etc/passwd`": 60,
    "SELECT * FROM default.`/etc/passwd`": 497,
    "DESCRIBE file('/etc/passwd')": 164,
    "DESCRIBE TABLE `/etc/passwd`": 60,
    "SELECT * FROM filesystem('/etc')": 497,
    "SELECT * FROM sqlite('/etc/x', 't')": 497,
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')": 497,
    # the network and the process
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')": 497,
    "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV', 'a Int8')": 497,
    "SELECT * FROM remote('127.0.0.1', system.one)": 497,
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')": 497,
    "SELECT * FROM executable('id', 'TSV', 'a String')": 497,
    "SELECT * FROM python('x')": 497,
    "SELECT * FROM Python(os)": 497,
    "SELECT aiGenerate('x')": 497,
    "SELECT sleep(3)": 497,
    "SELECT addressToLine(1)": 497,
    "SELECT getClientHTTPHeader('authorization')": 497,
    # the ledgers, by any spelling
    "SELECT * FROM spans_ledger": 497,
    "SELECT * FROM shown.spans_ledger": 497,
    "SELECT * FROM `shown`.`spans_ledger`": 497,
    'SELECT * FROM "spans_ledger"': 497,
    "SELECT * FROM spans_ledger AS calls": 497,
    "SELECT * FROM /* x */ spans_ledger": 497,
    "FROM spans_ledger SELECT 1": 497,
    "SELECT * FROM (SELECT * FROM spans_ledger)": 497,
    "SELECT (SELECT count() FROM spans_ledger)": 497,
    "SELECT * FROM calls WHERE trace_id IN (SELECT trace_id FROM spans_ledger)": 497,
    "SELECT * FROM calls WHERE trace_id IN spans_ledger": 497,
    "SELECT * FROM calls WHERE trace_id IN (spans_ledger)": 497,
    "SELECT * FROM calls WHERE trace_id GLOBAL NOT IN shown.spans_ledger": 497,
    "SELECT in(1, spans_ledger)": 497,
    "SELECT nullIn(1, shown.spans_ledger)": 497,
    "SELECT arrayExists(x -> x IN spans_ledger, [1])": 497,
    "SELECT * FROM calls WHERE EXISTS (SELECT 1 FROM spans_ledger)": 497,
    "SELECT 1 UNION ALL SELECT count() FROM spans_ledger": 497,
    "SELECT 1 EXCEPT SELECT count() FROM spans_ledger": 497,
    "SELECT * FROM calls CROSS JOIN spans_ledger": 497,
    "SELECT spans_ledger.cost FROM calls": 497,
    "SELECT shown.spans_ledger.cost FROM calls": 497,
    "SELECT system.processes.query FROM calls": 497,
    "WITH x AS (SELECT * FROM spans_ledger) SELECT * FROM x": 497,
    "WITH spans_ledger AS (SELECT 1) SELECT * FROM spans_ledger": 497,
    "WITH spans_ledger AS x SELECT 1 IN x": 60,
    "WITH spans_ledger AS x SELECT * FROM x": 60,
    "SELECT 1 IN x FROM (SELECT 1) AS q": 60,
    "SELECT * FROM view(SELECT * FROM spans_ledger)": 497,
    "SELECT * FROM merge('shown', 'spans_.*')": 497,
    "SELECT 1 IN merge('shown', 'spans_.*')": 497,
    "SELECT * FROM mergeTreeIndex('shown', 'spans_ledger')": 497,
    "SELECT * FROM cluster('default', shown.spans_ledger)": 497,
    "SELECT * FROM loop(spans_ledger)": 497,
    "SELECT joinGet('shown.spans_ledger', 'cost', 1)": 497,
    "SELECT dictGet('shown.spans_ledger', 'cost', 1)": 497,
    "SELECT eval('SELECT 1')": 497,
    "SELECT * FROM eval('SELECT * FROM spans_ledger')": 497,
    "EXPLAIN SELECT * FROM spans_ledger": 497,
    "EXPLAIN AST SELECT * FROM spans_ledger": 497,
    "DESCRIBE spans_ledger": 497,
    "DESCRIBE (SELECT * FROM spans_ledger)": 497,
    "EXISTS spans_ledger": 497,
    "SHOW CREATE TABLE spans_ledger": 497,
    "SHOW COLUMNS FROM spans_ledger": 497,
    "SHOW INDEXES FROM spans_ledger": 497,
    "SHOW TABLES WHERE name IN (SELECT team FROM spans_ledger)": 497,
    "SELECT * FROM schema_migrations": 497,
    # other databases
    "SELECT * FROM system.processes": 497,
    "SELECT * FROM system.query_log": 497,
    "SELECT * FROM system.user_directories": 497,
    "SELECT * FROM system.server_settings": 497,
    "WITH system.processes AS x SELECT 1 IN x": 60,
    "SELECT * FROM information_schema.tables": 497,
    "SELECT * FROM nosuch.calls": 497,
    "SHOW TABLES FROM default": 497,
    # settings
    "SELECT 1 SETTINGS final = 1": 452,
    "SELECT * FROM (SELECT * FROM calls SETTINGS final = 0)": 452,
    "SELECT 1 SETTINGS do_not_merge_across_partitions_select_final = 0": 452,
    "SELECT 1 SETTINGS additional_table_filters = {{'shown.spans_ledger': '1'}}": 452,
    "SELECT 1 SETTINGS additional_table_filters = {{'calls': 'team IN (SELECT team FROM shown.spans_ledger)'}}": 452,
    "SELECT 1 SETTINGS additional_result_filter = '1 IN (SELECT 1 FROM spans_ledger)'": 452,
    "SELECT 1 SETTINGS readonly = 0": 452,
    "SELECT 1 SETTINGS `output_format_csv_crlf_end_of_line = 1, max_threads` = 8": 452,
    "SELECT 1 SETTINGS `output_format_x = 1; DROP TABLE spans_ledger; SET max_threads` = 1": 452,
    "SELECT 1 SETTINGS max_threads = 64": 452,
    "SELECT 1 SETTINGS max_threads = 0": 452,
    "SELECT 1 SETTINGS max_execution_time = 1e9": 452,
    "SELECT 1 SETTINGS max_execution_time = DEFAULT": 452,
    "SELECT 1 SETTINGS read_overflow_mode = 'break', max_rows_to_read = 1": 452,
    "SELECT 1 SETTINGS format_schema = '/etc/passwd'": 452,
    "SELECT 1 SETTINGS format_template_row = '/etc/passwd'": 452,
    "SELECT 1 SETTINGS param_x = 1": 452,
    "SELECT 1 SETTINGS log_comment = 'x'": 452,
    "SELECT 1 FORMAT TSV SETTINGS final = 1": 452,
    "SELECT 1 SETTINGS final = 1 UNION ALL SELECT 2": 452,
    "EXPLAIN SELECT 1 SETTINGS final = 1": 452,
    # not SQL, or more than anybody means
    "": 62,
    "SELEC 1": 62,
    "SELECT 'open": 62,
    "exit": 47,
    "SELECT " + "abs(" * 400 + "1" + ")" * 400: 306,
    "SELECT " + "(" * 2000 + "1" + ")" * 2000: 306,
}


@pytest.mark.parametrize(("sql", "answer"), READS.items())
def test_reading_passes(asker: Asker, sql: str, answer: str) -> None:
    """Whatever reads views, literals or the permitted system tables is answered."""
    assert (asker.ask(sql).code, asker.ask(sql).text) == (0, answer)


@pytest.mark.parametrize(("sql", "start"), STARTS.items())
def test_asking_what_there_is_passes(asker: Asker, sql: str, start: str) -> None:
    """Clients may describe, list and explain what they may read."""
    answer = asker.ask(sql)

    assert (answer.code, answer.text[: len(start)]) == (0, start)


@pytest.mark.parametrize(("sql", "code"), REFUSED.items())
def test_the_rest_is_refused(asker: Asker, shown: Store, tmp_path: Path, sql: str, code: int) -> None:
    """Nothing else runs: the error says why, no file appears and no row goes."""
    answer = asker.ask(sql.replace("{dir}", str(tmp_path)).replace("{{", "{").replace("}}", "}"))

    assert (answer.code, answer.status >= 400) == (code, True), answer.text
    assert list(tmp_path.iterdir()) == []
    assert shown.query("SELECT count() AS n FROM spans_ledger")["n"].to_pylist() == [4]


@pytest.mark.parametrize("place", ["FROM {t:Identifier}", "FROM {t:Identifier}.x", "WHERE 1 IN {t:Identifier}"])
def test_a_parameter_names_no_table(asker: Asker, place: str) -> None:
    """A table cannot be smuggled in as a parameter after the statement was checked."""
    answer = asker.ask(f"SELECT count() {place}", url={"param_t": "spans_ledger"})

    assert answer.code == 497


def test_a_parameter_is_a_value(asker: Asker) -> None:
    """A parameter that looks like SQL is text."""
    assert asker.ask("SELECT {t:String}", url={"param_t": "(SELECT 1) FROM spans_ledger"}).text == (
        "(SELECT 1) FROM spans_ledger"
    )


@pytest.mark.parametrize(
    "name",
    [
        "final",
        "readonly_",
        "additional_table_filters",
        "format_schema",
        "max_rows_to_read",
        "output_format_csv_crlf_end_of_line = 1, max_threads",
        "output_format_csv_crlf_end_of_line = 1; DROP TABLE spans_ledger; SET max_threads",
        "output_format_x\n",
        "output_format_",
    ],
)
def test_settings_in_the_url_are_held_to_the_same_list(asker: Asker, name: str) -> None:
    """A setting that a statement may not set cannot be set beside it either."""
    assert asker.ask("SELECT 1", url={name: "1"}).code == 452


@pytest.mark.parametrize(
    "url",
    [
        {"param_a; DROP TABLE spans_ledger": "1"},
        {"param_a": "'; DROP TABLE spans_ledger; --"},
        {"default_format": "TSV; DROP TABLE spans_ledger"},
        {"default_format": "CSV INTO OUTFILE '{dir}/x'"},
        {"session_timezone": "UTC'; DROP TABLE spans_ledger; --"},
        {"session_timezone": "UTC\\'; DROP TABLE spans_ledger; --"},
        {"database": "shown`; DROP TABLE shown.spans_ledger; --"},
        {"query_id": "x\r\nX-Evil: 1"},
        {"log_comment": "x'; DROP TABLE spans_ledger; --"},
        {"user": "'; DROP TABLE spans_ledger; --"},
    ],
)
def test_nothing_beside_the_statement_is_sql(asker: Asker, shown: Store, tmp_path: Path, url: dict[str, str]) -> None:
    """Names and values in the URL are only names and values."""
    answer = asker.ask("SELECT 1", url={name: value.replace("{dir}", str(tmp_path)) for name, value in url.items()})

    assert (answer.text == "1" or answer.code > 0, "x-evil" in answer.headers) == (True, False)
    assert list(tmp_path.iterdir()) == []
    assert shown.query("SELECT count() AS n FROM spans_ledger")["n"].to_pylist() == [4]


def test_rows_in_the_body_are_not_inserted(asker: Asker, shown: Store) -> None:
    """An INSERT in the URL with rows in the body is refused like any other."""
    answer = asker.ask('{"trace_id":"x"}', url={"query": "INSERT INTO spans_ledger FORMAT JSONEachRow"})

    assert answer.code == 164
    assert shown.query("SELECT count() AS n FROM spans_ledger")["n"].to_pylist() == [4]


def test_limits_asked_for_in_the_url_are_lowered(asker: Asker) -> None:
    """A driver that derives limits from its own deadline is answered, within ours."""
    read = "SELECT getSetting('max_threads'), getSetting('max_execution_time')"

    assert asker.ask(read, url={"max_threads": "64", "max_execution_time": "100000.5"}).text == "1\t60"
    assert asker.ask(read, url={"max_threads": "0", "max_execution_time": "7.5"}).text == "1\t7"


def test_a_result_has_a_limit(asker: Asker) -> None:
    """More rows than an answer may hold are an error, not a shorter answer."""
    assert asker.ask("SELECT number FROM numbers(1000001)").code == 396


@pytest.mark.parametrize("table", sorted(SYSTEM_TABLES))
def test_every_permitted_system_table_can_be_read(asker: Asker, table: str) -> None:
    """The list names tables that exist and that answer without a further right."""
    asked = f"SELECT * FROM system.{table} LIMIT 1 FORMAT Null"
    assert asker.ask(asked).code == 0


def test_the_engine_is_a_second_fence(asker: Asker) -> None:
    """Even a statement that the fence let through by mistake would run read-only."""
    assert asker.ask("SELECT getSetting('readonly')").text == "1"
