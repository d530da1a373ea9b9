-- What the pipeline asks of its own ledgers, by name (`-- name: ...`). Rows are read without FINAL: the latest version of
-- each is picked by the query itself, so that only the parts that hold the traces asked for are touched.
-- {columns} stands for names of columns.

-- name: stored
SELECT {columns}
FROM (
    SELECT * FROM spans_ledger
    WHERE start_time >= fromUnixTimestamp64Nano({first:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({last:Int64}, 'UTC')
      AND trace_id IN {traces:Array(String)}
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id
)
WHERE is_deleted = 0

-- name: recent
SELECT {columns}, ingested_at
FROM (
    SELECT * FROM spans_ledger
    WHERE ingested_at >= (
        SELECT ifNull(min(at), toDateTime64(0, 9, 'UTC'))
        FROM (
            SELECT ingested_at AS at FROM spans_ledger
            WHERE ingested_at >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
            ORDER BY at DESC
            LIMIT {limit:UInt64}
        )
    )
      AND ingested_at >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id
)
WHERE is_deleted = 0

-- name: hours
SELECT DISTINCT intDiv(toUnixTimestamp(toStartOfHour(start_time)), 3600) AS hour FROM spans_ledger

-- name: recent_tasks
SELECT task_id FROM tasks_ledger
WHERE ingested_at >= fromUnixTimestamp64Nano({since:Int64}, 'UTC') AND is_deleted = 0
ORDER BY ingested_at DESC
LIMIT {limit:UInt64}

-- name: task_traces
WITH known AS (
    SELECT min(start_time) AS first, max(end_time) AS last FROM tasks_ledger WHERE task_id IN {tasks:Array(String)}
)
SELECT task_id, trace_id, min(start_time) AS first, max(start_time) AS last
FROM spans_ledger
WHERE task_id IN {tasks:Array(String)}
  AND start_time >= (SELECT first FROM known)
  AND start_time <= (SELECT last FROM known)
GROUP BY task_id, trace_id

-- name: billed_twice
SELECT arrayJoin(traces) AS trace_id
FROM (
    SELECT groupUniqArray(trace_id) AS traces
    FROM (
        SELECT trace_id, provider, response_id, start_time, billing_role, is_deleted FROM spans_ledger
        WHERE start_time >= fromUnixTimestamp64Nano({first:Int64}, 'UTC')
          AND start_time <= fromUnixTimestamp64Nano({last:Int64}, 'UTC')
          AND response_id != ''
        ORDER BY version DESC
        LIMIT 1 BY trace_id, span_id
    )
    WHERE billing_role = 'call' AND is_deleted = 0
    GROUP BY provider, response_id
    HAVING count() > 1 AND dateDiff('second', min(start_time), max(start_time)) <= 3600
)
