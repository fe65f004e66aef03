"""A network whose feature maps are taken from within, so that a user's classifier can be scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from pipeline.errors import UserError, unknown


class Tapped(nn.Module):
    """A network that gives the outputs of some of its submodules: images [N, 3, H, W] -> [[N, C, H', W'], ...].

    What the network itself returns is dropped. A submodule that is called several times gives its last output.

    Args:
        names: of submodules as `network.named_modules()` spells them, the first stage first.

    Raises:
        UserError: a name that the network does not have.
    """

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        known = [name for name, _ in network.named_modules() if name]
        for name in names:
            if name not in known:
                raise unknown(f"submodule of {type(network).__name__}", name, known)
        self.network, self.names = network, tuple(names)

    @property
    def blocks(self) -> list[nn.Module]:
        """The submodules that are tapped."""
        return [self.network.get_submodule(name) for name in self.names]

    def forward(self, images: Tensor) -> list[Tensor]:
        """The outputs of the submodules, in the order of their names.

        Raises:
            UserError: the network did not call one of them.
        """
        outputs: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[nn.Module, object, Tensor], Tensor | None]:
            def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
                outputs[name] = output
                # The network continues with a copy: what it computes in place must not change what was kept.
                return output.clone() if isinstance(output, Tensor) else None

            return hook

        # For this call alone: a copy of a network would keep a permanent hook, and with it these outputs.
        hooks = [block.register_forward_hook(keep(name)) for name, block in zip(self.names, self.blocks, strict=True)]
        try:
            self.network(images)
        finally:
            for hook in hooks:
                hook.remove()
        if idle := [name for name in self.names if name not in outputs]:
            raise UserError(f"{type(self.network).__name__} does not call its submodule '{idle[0]}': tap another one")
        return [outputs[name] for name in self.names]
