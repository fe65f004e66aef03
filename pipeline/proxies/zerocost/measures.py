"""The zero-cost proxies: each is a number that passes through an untrained network give.

w are the weights of convolutions and linear layers, L is the cross-entropy of the batch, z(x) are the logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from pipeline.proxies.zerocost.passes import Passes
from pipeline.wording import count_of

EPSILON = 1e-5  # of the papers' released code for Jacobians


def params(passes: Passes) -> float:
    """The number of trainable parameters, the classifier's included."""
    return passes.sizes.parameters


def layers(passes: Passes) -> float:
    """The number of convolutions and linear layers."""
    return passes.sizes.layers


def depth(passes: Passes) -> float:
    """The number of convolutions and linear layers on the longest path that the logits depend on."""
    return passes.sizes.depth


def delay(passes: Passes) -> float:
    """Minus the number of time steps that an input takes to reach the output of a layer; this project's own.

    Where it is not 0, an output knows nothing of the newest input, which is what the next word depends on most.

    Raises:
        ValueError: no input ever reaches the output.
    """
    steps = passes.network.delay
    if steps is None:
        raise ValueError("no input reaches the output")
    return float(-steps)


def depthwise(passes: Passes) -> float:
    """The number of depthwise convolutions; a trivial proxy for spaces with separable convolutions."""
    return sum(
        isinstance(module, torch.nn.Conv2d) and module.groups == module.in_channels > 1
        for module in passes.network.modules()
    )


def flops(passes: Passes) -> float:
    """The operations of a forward pass of one image: the multiply-accumulates of convolutions and linear layers, 2 for
    each output of a batch normalisation, 1 for each of a ReLU, and the size of the window for each of a pooling.
    """
    return passes.sizes.operations


def random(passes: Passes) -> float:
    """A uniform random number, which every proxy has to beat."""
    return float(torch.rand((), generator=passes.stream("random"), dtype=torch.float64))


def grad_norm(passes: Passes) -> float:
    """Abdelfattah, Mehrotra, Dudziak and Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR 2021.

    The sum over layers of |dL/dw|_2.
    """
    return sum(float(g.detach().double().norm()) for g in passes.loss_gradients.weights)


def snip(passes: Passes) -> float:
    """Lee, Ajanthan and Torr, "SNIP: Single-Shot Network Pruning Based on Connection Sensitivity", ICLR 2019.

    The sum of |w dL/dw|.
    """
    return _products(passes.network.weights(), passes.loss_gradients.weights, torch.abs)


def grasp(passes: Passes) -> float:
    """Wang, Zhang and Grosse, "Picking Winning Tickets Before Training by Preserving Gradient Flow", ICLR 2020.

    The sum of -w (H dL/dw), where H is the Hessian of L.
    """
    return _products(passes.network.weights(), passes.curvature, torch.neg)


def fisher(passes: Passes) -> float:
    """Theis, Korshunova, Tejani and Huszar, "Faster Gaze Prediction with Dense Networks and Fisher Pruning", 2018;
    Turner et al., "BlockSwap: Fisher-Guided Block Substitution for Network Compression on a Budget", ICLR 2020.

    The sum over channels of 1/2 mean_n (sum_hw a dL/da)^2, where a is the output of a convolution or linear layer,
    each times the number of weights of the channel: released scores give each weight the value of its channel, and sum
    over weights.
    """
    total = 0.0
    for (a, fan_in), g in zip(passes.forward.observed.outputs, passes.loss_gradients.outputs, strict=True):
        per_image = (a.detach() * g.detach()).flatten(2).sum(2) if a.dim() > 2 else a.detach() * g.detach()
        total += fan_in * float((per_image.double() ** 2).mean(0).sum()) / 2
    return total


def synflow(passes: Passes) -> float:
    """Tanaka, Kunin, Yamins and Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic
    flow", NeurIPS 2020; without batch normalisation, after Abdelfattah et al., ICLR 2021.

    The sum of |w dR/dw|, where R is the sum of the logits that the network of absolute parameters gives for ones.
    """
    return sum(float((w.detach() * g).abs().sum()) for w, g in passes.flow)


def logsynflow(passes: Passes) -> float:
    """Cavagnero et al., "FreeREA: Training-Free Evolution-Based Architecture Search", WACV 2023.

    SynFlow with the gradient's logarithm, which does not explode with depth: the sum of |w log(1 + dR/dw)|.
    """
    return sum(float((w.detach() * g.abs().log1p()).abs().sum()) for w, g in passes.flow)


def jacov(passes: Passes) -> float:
    """Mellor, Turner, Storkey and Crowley, "Neural Architecture Search without Training", first version, 2020.

    -sum_i (log(l_i + k) + 1 / (l_i + k)), where l are the eigenvalues of the correlation of d sum(z) / dx between the
    images of the batch.
    """
    return _independence(passes.input_gradient)


def layer1_hidden_covariance(passes: Passes) -> float:
    """Serianni and Kalita, "Training-free Neural Architecture Search for RNNs and Transformers", ACL 2023.

    `jacov`'s sum for the correlation between the units of the first recurrent layer, over all steps of all sequences.
    """
    return _hidden_covariance(passes, 0)


def layer2_hidden_covariance(passes: Passes) -> float:
    """`layer1_hidden_covariance` of the second layer."""
    return _hidden_covariance(passes, 1)


def layer3_hidden_covariance(passes: Passes) -> float:
    """`layer1_hidden_covariance` of the third layer."""
    return _hidden_covariance(passes, 2)


def epe_nas(passes: Passes) -> float:
    """Lopes, Alirezazadeh and Alexandre, "EPE-NAS: Efficient Performance Estimation Without Training for Neural
    Architecture Search", ICANN 2021, for at most 100 classes.

    The sum over classes of |sum_ij log(|c_ij| + k)|, where c is the correlation of d sum(z) / dx between the images of
    the class.
    """
    classes = [passes.input_gradient[passes.labels == c] for c in sorted(set(passes.labels.tolist()))]
    return sum(abs(float((_correlation(of_class).abs() + EPSILON).log().sum())) for of_class in classes)


def naswot(passes: Passes) -> float:
    """Mellor, Turner, Storkey and Crowley, "Neural Architecture Search without Training", ICML 2021.

    log |det K|, where K_ij counts the units of all ReLUs (ReLU6, LeakyReLU, ...) that are on for both images or off for
    both.
    """
    agreement = passes.forward.observed.agreement
    if agreement is None:
        raise ValueError("the network has no ReLU")
    return float(torch.linalg.slogdet(agreement).logabsdet)


def swap(passes: Passes) -> float:
    """Peng, Song, Fayek, Ciesielski and Chang, "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS", ICLR
    2024: its SWAP-Score without regularisation.

    The number of different patterns among the units of all ReLUs, where a unit's pattern is for which of the first
    16 images it is on: that many as in the authors' code, which takes the mean over 32 initialisations.
    """
    patterns = passes.forward.observed.sample_patterns
    if patterns is None:
        raise ValueError("the network has no ReLU")
    return float(patterns.sum())


def zen(passes: Passes) -> float:
    """Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition", ICCV 2021.

    log E|f(x) - f(x + a e)| + sum over batch normalisations of log sqrt(mean variance), where f are the features of
    the network with standard normal weights, x and e are standard normal, and a is 0.01. The variance is the running
    one after the two passes, as in released scores (it starts at 1 and goes a tenth of the way each time).
    """
    difference, variances = passes.perturbed
    if not difference:
        raise ValueError("the features do not depend on the input")
    return math.log(difference) + sum(math.log(variance) / 2 for variance in variances)


def zico(passes: Passes) -> float:
    """Li, Yang, Bhardwaj and Marculescu, "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients",
    ICLR 2023.

    The sum over layers of log sum_w (mean |g| / std |g|), where g are the gradients of two halves of the batch;
    weights whose gradients do not differ, and layers without others, are left out. The deviation is that of |g|, as in
    the paper; the released code has that of g.
    """
    total = 0.0
    for halves in zip(*passes.halves, strict=True):
        sizes = torch.stack(halves).double().abs()
        spread = sizes.std(0, correction=0)
        ratio = float((sizes.mean(0)[spread > 0] / spread[spread > 0]).sum())
        total += math.log(ratio) if ratio else 0.0
    return total


def az_expressivity(passes: Passes) -> float:
    """Lee and Ham, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search", CVPR 2024.

    The sum over blocks of the entropy of the normalised eigenvalues of the covariance between the channels of the
    block's output.
    """
    return sum(_entropies(_blocks(passes)))


def az_progressivity(passes: Passes) -> float:
    """AZ-NAS: the smallest step of expressivity from one block to the next.

    Raises:
        ValueError: the network has a single block.
    """
    entropies = _entropies(_several_blocks(passes))
    return min(after - before for before, after in pairwise(entropies))


def az_trainability(passes: Passes) -> float:
    """AZ-NAS: the mean over blocks of 2 - s - 1/s, where s is the spectral norm of the block's Jacobian.

    The Jacobian between channels is estimated by mean g^T r, where r are random signs at the block's output and g is
    their gradient at its input; where the block makes the image smaller, the pixels of g that one pixel of r covers
    count as channels.

    Raises:
        ValueError: a block hands its input on as it is, whose Jacobian says nothing of training, or does not make the
            image smaller by a whole factor; or there is but one block.
    """
    norms = []
    _several_blocks(passes)
    for signs, gradient in passes.block_gradients:
        if torch.equal(signs, gradient):
            raise ValueError("a block of the network is the identity")
        norms.append(float(torch.linalg.matrix_norm(_between_channels(signs, gradient), ord=2)))
    return sum(2 - s - 1 / (s + 1e-6) for s in norms) / len(norms)


def vkdnw(passes: Passes) -> float:
    """Tybl and Neumann, "Training-free Neural Architecture Search through Variance of Knowledge of Deep Network
    Weights", CVPR 2025: its VKDNW_single.

    The number of layers, and added to it the entropy of the normalised deciles (.1 to .9) of the eigenvalues of
    Fisher's information, of one entry of each of the first 128 parameters.
    """
    values = torch.linalg.eigvalsh(passes.information).clamp(min=0)
    deciles = torch.quantile(values, torch.arange(1, 10, dtype=values.dtype, device=values.device) / 10)
    shares = deciles / (deciles.sum() + 1e-10)
    return passes.sizes.layers - float((shares * (shares + 1e-10).log()).sum())


def _products(weights: Sequence[Tensor], gradients: Sequence[Tensor], transform: Callable[[Tensor], Tensor]) -> float:
    pairs = zip(weights, gradients, strict=True)
    return sum(float(transform(w.detach() * g.detach()).double().sum()) for w, g in pairs)


def _blocks(passes: Passes) -> Sequence[Tensor]:
    """The outputs of the network's blocks.

    Raises:
        ValueError: the network does not say what its blocks are.
    """
    if not passes.forward.blocks:
        raise ValueError("the network names no blocks: name them with pipeline.tapped(network, [...])")
    return passes.forward.blocks


def _several_blocks(passes: Passes) -> Sequence[Tensor]:
    """The outputs of at least two blocks; ValueError where there are fewer."""
    if len(blocks := _blocks(passes)) < 2:
        raise ValueError("the network has a single block, where this proxy compares one with the next")
    return blocks


def _hidden_covariance(passes: Passes, layer: int) -> float:
    blocks = passes.forward.blocks
    if layer >= len(blocks):
        raise ValueError(f"the network has {count_of(len(blocks), 'layer')}")
    return _independence(blocks[layer].flatten(0, 1).T)


def _independence(rows: Tensor) -> float:
    """Highest where the rows are not correlated.

    Raises:
        ValueError: a row that is constant, whose correlation is not defined.
    """
    correlation = _correlation(rows)
    if not correlation.isfinite().all():
        raise ValueError("a unit is constant, or not finite")
    values = torch.linalg.eigvalsh(correlation) + EPSILON
    return -float((values.log() + 1 / values).sum())


def _correlation(rows: Tensor) -> Tensor:
    """Between rows, [N, N]; also of one row."""
    return torch.corrcoef(rows.detach().double()).reshape(len(rows), len(rows))


def _entropies(maps: Sequence[Tensor]) -> list[float]:
    entropies = []
    for features in maps:
        points = features.detach().transpose(0, 1).flatten(1)
        variances = torch.linalg.eigvalsh(torch.cov(points, correction=0).double())
        shares = variances.clamp(min=0) / variances.clamp(min=0).sum()
        entropies.append(-float((shares * (shares + 1e-8).log()).sum()))
    return entropies


def _between_channels(signs: Tensor, gradient: Tensor) -> Tensor:
    """[channels of the gradient, channels of the signs]."""
    (height, width), (rows_out, columns_out) = gradient.shape[2:], signs.shape[2:]
    factor = height // rows_out
    if (height, width) != (factor * rows_out, factor * columns_out):
        raise ValueError(
            f"a block makes maps of {rows_out}x{columns_out} of maps of {height}x{width}, which are not larger by one "
            "whole factor"
        )
    if factor > 1:
        gradient = torch.nn.functional.pixel_unshuffle(gradient, factor)
    rows, columns = (t.transpose(0, 1).flatten(1) for t in (gradient, signs))
    return rows @ columns.T / rows.shape[1]
