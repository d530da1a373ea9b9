-- What do we spend a day, at the pace of the last 7 days of the time range?
-- The days count from the first amount of anyone, if that is younger; with less than one day the pace is unknown.
WITH
    $__toTime AS until,
    until - toIntervalDay(7) AS week_ago,
    (
        SELECT min(start_time) FROM spancost.spend
        WHERE start_time > until - toIntervalDay(14) AND start_time <= until
    ) AS first_seen,
    dateDiff('second', greatest(first_seen, week_ago), until) / 86400 AS days
SELECT if(days >= 1, sum(cost) / days, NULL) AS "Run rate"
FROM spancost.spend
WHERE start_time > week_ago AND start_time <= until
    AND {filters}
