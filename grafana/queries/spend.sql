-- What do we spend in the time range, and how does that compare with the last period?
-- The last period is the same range so many whole days earlier as the range touches, at the same time of day. The
-- comparison is unknown when the store does not reach back to the first tenth of it, because it would be too high.
WITH
    $__fromTime AS since,
    $__toTime AS until,
    toIntervalDay(intDiv(until - since + 86399, 86400)) AS shift,
    (
        SELECT min(start_time) FROM spancost.spend
        WHERE start_time >= since - shift - toIntervalDay(7) AND start_time <= until
    ) AS first_seen,
    first_seen <= since - shift + toIntervalSecond(intDiv(until - since, 10)) AS covered,
    sumIf(cost, start_time >= since) AS spent,
    sumIf(cost, start_time <= until - shift) AS spent_last
SELECT
    spent AS "Spend",
    if(covered, spent / nullIf(spent_last, 0) - 1, NULL) AS "Change"
FROM spancost.spend
WHERE start_time >= since - shift AND start_time <= until
    AND {filters}
