-- Which values does {dimension} have in the time range?
SELECT DISTINCT if({dimension} = '', '(not set)', {dimension}) AS value
FROM spancost.spend
WHERE $__timeFilter(start_time)
ORDER BY value
LIMIT 1000
