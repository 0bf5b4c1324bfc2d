"""Multiply and add in one step, rounded once: half the work, and the same bits on every machine.

A compiler that is only allowed to do so chooses anew which product it joins to which sum, whenever
the code around them changes.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a · b + c, all float32."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)
    return types.float32(types.float32, types.float32, types.float32), build
