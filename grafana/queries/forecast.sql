-- What will the month in which the time range ends cost, if every day left costs what the last 7 cost on average?
-- It is a run rate carried on, with no eye for weekdays; with less than one day of amounts it is unknown.
WITH
    $__toTime AS until,
    until - toIntervalDay(7) AS week_ago,
    toDateTime(toStartOfMonth(until, 'UTC'), 'UTC') AS month_start,
    month_start + toIntervalMonth(1) AS month_end,
    (
        SELECT min(start_time) FROM spancost.spend
        WHERE start_time > until - toIntervalDay(14) AND start_time <= until
    ) AS first_seen,
    dateDiff('second', greatest(first_seen, week_ago), until) / 86400 AS days,
    sumIf(cost, start_time > week_ago) / days AS run_rate,
    sumIf(cost, start_time >= month_start) AS month_so_far
SELECT if(days >= 1, month_so_far + run_rate * dateDiff('second', until, month_end) / 86400, NULL) AS "Forecast"
FROM spancost.spend
WHERE start_time >= least(month_start, week_ago) AND start_time <= until
    AND {filters}
