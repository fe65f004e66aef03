-- One row per proxy and seed whose scores were computed in more than one environment: of `series_environments` those
-- that are mixed, and those of which a part alone has its environment recorded.
FROM series_environments
WHERE mixed OR (mixed IS NULL AND unrecorded < scores)
