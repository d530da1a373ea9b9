-- Which teams spend most, and how does that compare with the last period?
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
    first_seen <= since - shift + toIntervalSecond(intDiv(until - since, 10)) AS covered
SELECT
    if(team = '', '(not set)', team) AS "Team",
    sumIf(cost, start_time >= since) AS "Spend",
    if(covered, sumIf(cost, start_time <= until - shift), NULL) AS "Last period",
    "Spend" - "Last period" AS "Change",
    "Change" / nullIf("Last period", 0) AS "Change %"
FROM spancost.spend
WHERE start_time >= since - shift AND start_time <= until
    AND {filters}
GROUP BY "Team"
ORDER BY "Spend" DESC NULLS LAST, "Team"
LIMIT 10
