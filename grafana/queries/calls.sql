-- How many model calls were made?
SELECT count() AS "Calls"
FROM spancost.calls
WHERE $__timeFilter(start_time)
    AND {filters}
