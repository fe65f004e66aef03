-- One row per score that shows how a proxy ranks: released ones, and our own of the architectures of samples and lists.
SELECT
    scores.benchmark,
    scores.space,
    scores.arch_id,
    scores.proxy_id,
    scores.seed,
    scores.value,
    scores.status,
    scores.reason,
    scores.seconds,
    scores.device,
    scores.run_id
FROM scores
ANTI JOIN searched_alone
    ON
        scores.benchmark = searched_alone.benchmark
        AND scores.space = searched_alone.space
        AND scores.arch_id = searched_alone.arch_id
        AND scores.proxy_id = searched_alone.proxy_id
        AND scores.seed = searched_alone.seed
