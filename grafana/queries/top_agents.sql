-- Which agents cost most, and what does a task cost that they work on?
-- Tasks without a priced call stay out of the cost per task, because they would make it too low.
SELECT
    if(agent = '', '(not set)', agent) AS "Agent",
    sum(cost) AS "Spend",
    "Spend" / nullIf(sum("Spend") OVER (), 0) AS "Share",
    count() AS "Calls",
    uniqExact(task_id) AS "Tasks",
    "Spend" / nullIf(uniqExactIf(task_id, cost IS NOT NULL), 0) AS "Cost per task",
    countIf(cost_status IN ('unpriced', 'partial') AND unpriced_reason != 'failed_no_usage') AS "Unpriced"
FROM spancost.calls
WHERE $__timeFilter(start_time)
    AND {filters}
GROUP BY "Agent"
ORDER BY "Spend" DESC NULLS LAST, "Agent"
LIMIT 10
