-- What did each {dimension} cost on each UTC day?
-- The 6 that cost most in the time range are shown by name, all the others together as other.
SELECT time, if(place <= 6, label, 'other') AS {dimension}, sum(day_cost) AS "Value"
FROM
(
    SELECT time, label, day_cost, dense_rank() OVER (ORDER BY range_cost DESC, label) AS place
    FROM
    (
        SELECT time, label, day_cost, sum(day_cost) OVER (PARTITION BY label) AS range_cost
        FROM
        (
            SELECT
                toStartOfDay(start_time) AS time,
                if({dimension} = '', '(not set)', {dimension}) AS label,
                sum(cost) AS day_cost
            FROM spancost.spend
            WHERE $__timeFilter(start_time)
                AND {filters}
            GROUP BY time, label
            HAVING day_cost IS NOT NULL
        )
    )
)
GROUP BY time, {dimension}
ORDER BY time, {dimension}
