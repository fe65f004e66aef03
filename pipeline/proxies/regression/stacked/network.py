"""Forward pass, backward pass and update of a stack of cell networks, each a fixed sequence of launches.

The networks are those of `pipeline.benchmarks.nasbench201.network` as the regression proxy trains them: cells without
affine parameters and running statistics, stem, reductions and heads with both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.proxies.regression.stacked import cell_kernels, convolution_kernels
from pipeline.proxies.regression.stacked.launches import LAUNCHES, Blocks, Launches, blocks
from pipeline.proxies.regression.stacked.layout import EDGES, Shape, Weights

EPS, MOMENTUM = 1e-5, 0.1  # torch's defaults of batch normalisation


class StackedConvolution:
    """A 3x3 convolution that every architecture has, with its affine batch normalisation and its running statistics.

    Args:
        name: of its weights.
        rows: of its input, which has as many columns.
        stride: 1 or 2.
        inputs: channels of its input.
        width: channels of its output.
        count: architectures.
        images: its input is [N, 3, rows, columns] and not rectified; else it is [N, rows, columns, inputs].
    """

    def __init__(
        self,
        name: str,
        shape: Shape,
        rows: int,
        stride: int,
        inputs: int,
        width: int,
        count: int,
        device: torch.device,
        launches: Launches,
        *,
        images: bool = False,
    ) -> None:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(count, *shape, device=device)

        self.name, self.inputs, self.width = name, inputs, width
        self.before = shape.images * rows**2  # positions of the input
        self.positions = self.before // stride**2
        self.launches = launches
        out, plane = rows // stride, rows**2
        # Constants of the kernels
        self.geometry = {
            "HI": rows, "WI": rows, "HO": out, "WO": out, "STRIDE": stride, "CI": inputs, "CO": width,
        }  # fmt: skip
        image, pixel, channel = (inputs * plane, 1, plane) if images else (inputs * plane, inputs, 1)
        self.reading = {
            "KI": max(inputs, 16), "IMAGE": image, "PIXEL": pixel, "CHANNEL": channel, "RELU": not images,
        }  # fmt: skip
        self.z, self.y = zeros(self.positions, width), zeros(self.positions, width)
        self.gradient = zeros(self.positions, width)
        self.part = zeros(max(self.blocks(name).tiles for name in ("conv_forward", "edges_gradient_sums")), 2, width)
        self.mean, self.rstd = zeros(width), zeros(width)
        self.means = zeros(2, width)
        self.running_mean, self.running_variance = zeros(width), zeros(width)

    def blocks(self, kernel: str, positions: int | None = None) -> Blocks:
        """How a kernel is launched that works on the positions of the output, or on so many."""
        return blocks(self.launches, kernel, self.width, positions or self.positions)


class Stack:
    """Networks of the same shape that do each operation together.

    Args:
        precision: of products, "ieee" or "tf32x3" (three TensorFloat-32 products for one of float32).
    """

    def __init__(
        self,
        shape: Shape,
        count: int,
        device: torch.device,
        precision: str = "ieee",
        launches: Launches = LAUNCHES,
    ) -> None:
        self.shape, self.count, self.device, self.precision = shape, count, device, precision
        self.launches = launches
        self.weights = Weights(shape, count, device)
        self.momenta = Weights(shape, count, device)
        self.gradients = torch.zeros_like(self.weights.others)
        self.decayed = self.weights.decayed()
        self.every = torch.full((count, EDGES), 3, dtype=torch.int32, device=device)
        self.stages = [_Stage(self, number) for number in range(3)]
        first, *_ = shape.widths
        self.stem = StackedConvolution("stem", shape, shape.size, 1, 3, first, count, device, launches, images=True)
        self.reductions = [self._reduction(number) for number in range(2)]
        self.pooled: list[Tensor | None] = [None, None]
        self.convolutions = [self.stem, *(convolution for pair in self.reductions for convolution in pair)]
        self.head_running = [torch.zeros(2, count, width, device=device) for width in shape.widths]

    def _reduction(self, number: int) -> tuple[StackedConvolution, StackedConvolution]:
        shape, rows = self.shape, self.shape.rows(number)
        before, width = shape.widths[number], shape.widths[number + 1]
        where = self.count, self.device, self.launches
        return (
            StackedConvolution(f"{number}.first", shape, rows, 2, before, width, *where),
            StackedConvolution(f"{number}.second", shape, rows // 2, 1, width, width, *where),
        )

    def reset(self) -> None:
        """No step yet: no momentum, running statistics of mean 0 and variance 1."""
        for tensor in (self.momenta.others, *self.momenta.cells):
            tensor.zero_()
        for convolution in self.convolutions:
            convolution.running_mean.zero_()
            convolution.running_variance.fill_(1)
        for running in self.head_running:
            running[0].zero_()
            running[1].fill_(1)

    def taps(self) -> list[Tensor]:
        """The features after each stage, [A, N, rows, columns, channels]."""
        rows = [self.shape.rows(stage.number) for stage in self.stages]
        return [
            stage.x[-1].view(self.count, self.shape.images, size, size, -1)
            for stage, size in zip(self.stages, rows, strict=True)
        ]

    def forward(self, images: Tensor, *, training: bool) -> None:
        """Images [A, N, 3, size, size] -> `taps`."""
        self._conv(self.stem, images)
        self._normalise(self.stem, self.stages[0].x[0], training=training)
        for stage in self.stages:
            stage.forward()
            if stage.number == 2:
                break
            first, second = self.reductions[stage.number]
            features = stage.x[-1]
            self._conv(first, features)
            self._normalise(first, first.y, training=training)
            self._conv(second, first.y)
            shortcut = self._shortcut(stage.number, features)
            self._normalise(second, self.stages[stage.number + 1].x[0], other=shortcut, training=training)

    def backward(self, images: Tensor, gradients: list[Tensor]) -> None:
        """From the gradients of the taps at every 1st, 2nd or 4th position, [A, N, 8, 8, channels], to all others."""
        for stage in reversed(self.stages):
            last = stage.g[-1]
            if stage.number == 2:
                last.zero_()
            rows = self.shape.rows(stage.number)
            step = rows // 8
            view = last.view(self.count, self.shape.images, rows, rows, -1)
            view[:, :, ::step, ::step].add_(gradients[stage.number])
            stage.backward()
            if stage.number:
                self._reduction_backward(stage.number - 1, stage.g[0])
        self._normalise_backward(self.stem, self.stages[0].g[0])
        self._weight_gradient(self.stem, images)

    def update(self, rate: float, decay: float, friction: float) -> None:
        """A step of stochastic gradient descent with momentum; weight decay leaves vectors alone."""
        for stage in self.stages:
            stage.update(rate, decay, friction)
        weights, momentum = self.weights.others, self.momenta.others
        self.gradients.addcmul_(weights, self.decayed, value=decay)
        momentum.mul_(friction).add_(self.gradients)
        weights.sub_(momentum, alpha=rate)

    def other(self, name: str) -> Tensor:
        """A weight outside of cells, for all architectures: see `Weights.other`."""
        return self.weights.other(name)

    def gradient(self, name: str) -> Tensor:
        """Where the gradient of that weight is put."""
        return self.weights.other(name, self.gradients)

    def _conv(self, own: StackedConvolution, x: Tensor) -> None:
        weight, cut = self.other(f"{own.name}.0"), own.blocks("conv_forward")
        convolution_kernels.conv_forward[(cut.tiles, self.count)](
            x, own.z, weight, own.part, x.stride(0), weight.stride(0), **own.geometry, **own.reading, M=own.positions,
            TILES=cut.tiles, BM=cut.tile, PRECISION=self.precision, **cut.options,
        )  # fmt: skip

    def _normalise(self, own: StackedConvolution, y: Tensor, *, training: bool, other: Tensor | None = None) -> None:
        mean, rstd = own.mean, own.rstd
        if training:
            summed = own.blocks("conv_forward")
            convolution_kernels.affine_statistics[(self.count,)](
                own.part, mean, rstd, own.running_mean, own.running_variance, self.count, TILES=summed.tiles,
                C=own.width, BM=summed.tile, EPS=EPS, MOMENTUM=MOMENTUM,
            )  # fmt: skip
        else:
            mean, rstd = own.running_mean, (own.running_variance + EPS).rsqrt()
        gamma, beta = (self.other(f"{own.name}.1.{vector}") for vector in ("weight", "bias"))
        cut = own.blocks("affine_forward")
        convolution_kernels.affine_forward[(cut.tiles, self.count)](
            own.z, y, own.z if other is None else other, mean, rstd, gamma, beta, gamma.stride(0), M=own.positions,
            C=own.width, BM=cut.tile, ADD=other is not None, **cut.options,
        )  # fmt: skip

    def _normalise_backward(self, own: StackedConvolution, g: Tensor) -> None:
        """The gradient of the convolution's result, over the result; those of scale and shift.

        For the kernels of cells it is the edge from node 0 to node 1.
        """
        gamma = self.other(f"{own.name}.1.weight")
        node, target = own.positions * own.width * self.count, 1
        sizes = {"C": own.width, "M": own.positions}
        summed, cut = own.blocks("edges_gradient_sums"), own.blocks("edges_gradient")
        cell_kernels.edges_gradient_sums[(summed.tiles, 1, self.count)](
            g, own.z, self.every, own.mean, own.rstd, own.part, node, self.count, target, **sizes, TILES=summed.tiles,
            BM=summed.tile, **summed.options,
        )  # fmt: skip
        cell_kernels.edges_gradient_means[(1, self.count)](
            own.part, self.every, own.means, self.count, target, TILES=summed.tiles, **sizes
        )
        cell_kernels.edges_gradient[(cut.tiles, 1, self.count)](
            g, own.z, self.every, own.mean, own.rstd, own.means, gamma, gamma.stride(0), node, self.count, target,
            **sizes, BM=cut.tile, AFFINE=True, **cut.options,
        )  # fmt: skip
        torch.mul(own.means[:, 0], own.positions, out=self.gradient(f"{own.name}.1.bias"))
        torch.mul(own.means[:, 1], own.positions, out=self.gradient(f"{own.name}.1.weight"))

    def _weight_gradient(self, own: StackedConvolution, x: Tensor) -> None:
        cut = own.blocks("conv_weight_gradient")
        partial = torch.empty(self.count, cut.chunks, 9, own.inputs, own.width, device=self.device)
        convolution_kernels.conv_weight_gradient[(cut.chunks * 9 // cut.taps, self.count)](
            x, own.z, partial, x.stride(0), **own.geometry, **own.reading, M=own.positions, CHUNKS=cut.chunks,
            TAPS=cut.taps, BK=cut.tile, PRECISION=self.precision, **cut.options,
        )  # fmt: skip
        torch.sum(partial, dim=1, out=self.gradient(f"{own.name}.0"))

    def _shortcut(self, number: int, features: Tensor) -> Tensor:
        """Average pooling by 2 and a 1x1 convolution, [A, positions, outputs]."""
        shape = self.shape
        half = shape.rows(number + 1)
        blocks = features.view(self.count, shape.images, half, 2, half, 2, shape.widths[number])
        self.pooled[number] = pooled = blocks.mean((3, 5)).flatten(1, 3)
        return torch.bmm(pooled, self.other(f"{number}.shortcut"))

    def _reduction_backward(self, number: int, g: Tensor) -> None:
        shape = self.shape
        first, second = self.reductions[number]
        before = self.stages[number]
        width, half = shape.widths[number], shape.rows(number + 1)
        pooled, weight = self.pooled[number], self.other(f"{number}.shortcut")
        assert pooled is not None
        self.gradient(f"{number}.shortcut").copy_(torch.bmm(pooled.transpose(1, 2), g))
        spread = torch.bmm(g, weight.transpose(1, 2)).mul_(0.25).view(self.count, shape.images, half, 1, half, 1, width)
        spread = spread.expand(-1, -1, -1, 2, -1, 2, -1).reshape(self.count, -1, width)
        self._normalise_backward(second, g)
        self._weight_gradient(second, first.y)
        self._conv_backward(second, first.y, first.gradient, None)
        self._normalise_backward(first, first.gradient)
        self._weight_gradient(first, before.x[-1])
        self._conv_backward(first, before.x[-1], before.g[-1], spread)

    def _conv_backward(self, own: StackedConvolution, x: Tensor, g: Tensor, other: Tensor | None) -> None:
        weight, cut = self.other(f"{own.name}.0"), own.blocks("conv_backward", own.before)
        convolution_kernels.conv_backward[(cut.tiles, self.count)](
            x, own.z, weight, g, g if other is None else other, weight.stride(0), **own.geometry, MI=own.before,
            MO=own.positions, BM=cut.tile, ADD=other is not None, PRECISION=self.precision, **cut.options,
        )  # fmt: skip


class _Stage:
    """The cells of one width, one after the other; node 0 of a cell is node 3 of the one before."""

    def __init__(self, stack: Stack, number: int) -> None:
        shape, count, device = stack.shape, stack.count, stack.device
        self.stack, self.number = stack, number
        rows, self.positions, self.width = shape.rows(number), shape.positions(number), shape.widths[number]
        self.cells = shape.cells
        # Constants of the kernels
        self.plane, self.sizes = {"H": rows, "W": rows}, {"C": self.width, "M": self.positions}

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device)

        self.node = count * self.positions * self.width
        self.x = zeros(3 * self.cells + 1, count, self.positions, self.width)
        self.g = zeros(3 * self.cells + 1, count, self.positions, self.width)
        self.z = zeros(self.cells, EDGES, count, self.positions, self.width)
        self.mean, self.rstd = (zeros(self.cells, EDGES, count, self.width) for _ in range(2))
        self.means = zeros(EDGES, count, 2, self.width)
        tiles = max(self.blocks(name).tiles for name in ("edges_forward", "edges_gradient_sums"))
        self.part = zeros(EDGES, count, tiles, 2, self.width)
        chunks = self.blocks("edges_weight_gradient").chunks
        self.partial = zeros(self.cells, EDGES, count, chunks, 9, self.width, self.width)
        self.edge_weights = count * 9 * self.width**2

    def blocks(self, kernel: str) -> Blocks:
        """How a kernel is launched on the stage's positions."""
        return blocks(self.stack.launches, kernel, self.width, self.positions)

    def forward(self) -> None:
        stack, count = self.stack, self.stack.count
        operations, weights = stack.weights.operations, stack.weights.cells[self.number]
        edges, nodes = self.blocks("edges_forward"), self.blocks("node_forward")
        for k in range(self.cells):
            x, z, mean, rstd = self.x[3 * k :], self.z[k], self.mean[k], self.rstd[k]
            for source in range(3):
                cell_kernels.edges_forward[(edges.tiles, 3 - source, count)](
                    x, z, weights[k], operations, self.part, self.node, self.edge_weights, count, source, **self.plane,
                    **self.sizes, TILES=edges.tiles, BM=edges.tile, PRECISION=stack.precision, **edges.options,
                )  # fmt: skip
                cell_kernels.edges_statistics[(3 - source, count)](
                    self.part, operations, mean, rstd, count, source, TILES=edges.tiles, C=self.width, BM=edges.tile,
                    EPS=EPS,
                )  # fmt: skip
                cell_kernels.node_forward[(nodes.tiles, count)](
                    x, z, operations, mean, rstd, self.node, count, source + 1, **self.plane, **self.sizes,
                    BM=nodes.tile, **nodes.options,
                )  # fmt: skip

    def backward(self) -> None:
        for k in reversed(range(self.cells)):
            for target in (3, 2, 1):
                self._node_backward(k, target)
            self._weight_gradients(k)

    def _node_backward(self, k: int, target: int) -> None:
        """From the gradient of a cell's node to that of its convolutions, and of the node before it."""
        stack, count, operations = self.stack, self.stack.count, self.stack.weights.operations
        x, g, z, mean, rstd = self.x[3 * k :], self.g[3 * k :], self.z[k], self.mean[k], self.rstd[k]
        summed, edges = self.blocks("edges_gradient_sums"), self.blocks("edges_gradient")
        cell_kernels.edges_gradient_sums[(summed.tiles, target, count)](
            g[target], z, operations, mean, rstd, self.part, self.node, count, target, **self.sizes,
            TILES=summed.tiles, BM=summed.tile, **summed.options,
        )  # fmt: skip
        cell_kernels.edges_gradient_means[(target, count)](
            self.part, operations, self.means, count, target, TILES=summed.tiles, **self.sizes
        )
        no_gamma, no_stride = self.means, 0
        cell_kernels.edges_gradient[(edges.tiles, target, count)](
            g[target], z, operations, mean, rstd, self.means, no_gamma, no_stride, self.node, count, target,
            **self.sizes, BM=edges.tile, AFFINE=False, **edges.options,
        )  # fmt: skip
        weights, nodes = stack.weights.cells[self.number][k], self.blocks("node_backward")
        cell_kernels.node_backward[(nodes.tiles, count)](
            x, g, z, weights, operations, self.node, self.edge_weights, target - 1, **self.plane, **self.sizes,
            BM=nodes.tile, PRECISION=stack.precision, **nodes.options,
        )  # fmt: skip

    def _weight_gradients(self, k: int) -> None:
        stack, count, cut = self.stack, self.stack.count, self.blocks("edges_weight_gradient")
        cell_kernels.edges_weight_gradient[(cut.chunks * 9 // cut.taps, EDGES, count)](
            self.x[3 * k :], self.z[k], stack.weights.operations, self.partial[k], self.node, count, **self.plane,
            **self.sizes, CHUNKS=cut.chunks, TAPS=cut.taps, BK=cut.tile, PRECISION=stack.precision, **cut.options,
        )  # fmt: skip

    def update(self, rate: float, decay: float, friction: float) -> None:
        stack, size = self.stack, self.width**2
        block, chunks = min(1024, size), self.blocks("edges_weight_gradient").chunks
        for k in range(self.cells):
            cell_kernels.edges_update[(9 * size // block, EDGES, stack.count)](
                stack.weights.cells[self.number][k], stack.momenta.cells[self.number][k], self.partial[k],
                stack.weights.operations, stack.count, rate, decay, friction, C=self.width, CHUNKS=chunks,
                BLOCK=block,
            )  # fmt: skip
