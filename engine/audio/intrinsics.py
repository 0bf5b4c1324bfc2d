"""What compiled code needs beyond numba to live in the audio thread: pointers, order, calls, zeros.

Each is one or a few instructions; none allocates, raises or knows of Python.
"""

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_BYTES = ir.IntType(8).as_pointer()
_X86 = platform.machine().lower() in ("x86_64", "amd64", "i686")
_ARM = platform.machine().lower() in ("aarch64", "arm64")
_FLUSH = 0x8040 if _X86 else 1 << 24
"""MXCSR: flush results to zero, take denormal inputs as zero; FPCR: the same in one bit."""


@intrinsic
def pointer(typing: Any, address: Any) -> Any:
    """An address from a handle as something `carray` takes: int64 -> void *."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))
    return types.voidptr(types.int64), build


@intrinsic
def store_release(typing: Any, address: Any, value: Any) -> Any:
    """Publish an int64: whoever acquires it sees all that was written before."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[1], builder.inttoptr(args[0], _I64.as_pointer()), "release", 8)
        return context.get_dummy_value()
    return types.void(types.int64, types.int64), build


@intrinsic
def load_acquire(typing: Any, address: Any) -> Any:
    """Read a published int64, and with it all that its writer had written."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(builder.inttoptr(args[0], _I64.as_pointer()), "acquire", 8)
    return types.int64(types.int64), build


@intrinsic
def exchange(typing: Any, address: Any, value: Any) -> Any:
    """Put an int64 in place of another, in one step, and get what was there."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], _I64.as_pointer())
        return builder.atomic_rmw("xchg", place, args[1], "acq_rel")
    return types.int64(types.int64, types.int64), build


@intrinsic
def call_run(typing: Any, function: Any, handle: Any, frames: Any) -> Any:
    """Call `void run(void *handle, uint32_t frames)`, LV2's shape, by its address."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        run = ir.FunctionType(ir.VoidType(), [_BYTES, _I32]).as_pointer()
        builder.call(builder.inttoptr(args[0], run),
                     [builder.inttoptr(args[1], _BYTES), builder.trunc(args[2], _I32)])
        return context.get_dummy_value()
    return types.void(types.int64, types.int64, types.int64), build


@intrinsic
def call_system(typing: Any, function: Any, number: Any, address: Any, size: Any) -> Any:
    """Call `long f(int, void *, size_t)` by its address: the shape of `write`.

    A function that takes fewer, such as `clock_gettime`, doesn't see the rest; of one that
    returns an int only the lower half counts.
    """
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_I64, [_I32, _BYTES, _I64]).as_pointer()
        return builder.call(builder.inttoptr(args[0], kind),
                            [builder.trunc(args[1], _I32), builder.inttoptr(args[2], _BYTES),
                             args[3]])
    return types.int64(types.int64, types.int64, types.int64, types.int64), build


@intrinsic
def call_work(typing: Any, function: Any, instance: Any, respond: Any, handle: Any, size: Any,
              data: Any) -> Any:
    """Call LV2's `int work(void *instance, respond, void *handle, uint32_t size, void *data)`."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_I32, [_BYTES, _BYTES, _BYTES, _I32, _BYTES]).as_pointer()
        passed = [builder.inttoptr(arg, _BYTES) for arg in args[1:4]]
        result = builder.call(builder.inttoptr(args[0], kind), [
            *passed, builder.trunc(args[4], _I32), builder.inttoptr(args[5], _BYTES)])
        return builder.zext(result, _I64)
    return types.int64(*[types.int64] * 6), build


@intrinsic
def call_response(typing: Any, function: Any, instance: Any, size: Any, data: Any) -> Any:
    """Call LV2's `int work_response(void *instance, uint32_t size, const void *body)`.

    A function that takes fewer, such as `end_run`, doesn't see the rest.
    """
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_I32, [_BYTES, _I32, _BYTES]).as_pointer()
        result = builder.call(builder.inttoptr(args[0], kind), [
            builder.inttoptr(args[1], _BYTES), builder.trunc(args[2], _I32),
            builder.inttoptr(args[3], _BYTES)])
        return builder.zext(result, _I64)
    return types.int64(*[types.int64] * 4), build


@intrinsic
def flush_denormals(typing: Any) -> Any:
    """Let vanishing numbers be zero in this thread, since a tail of them costs 23 times as much.

    returns : int64   what `restore_denormals` takes
    """
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        before = _float_control(builder)
        _set_float_control(builder, builder.or_(before, ir.Constant(_I64, _FLUSH)))
        return before
    return types.int64(), build


@intrinsic
def restore_denormals(typing: Any, before: Any) -> Any:
    """Give the thread back as it was found: it may be numpy's too."""
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _set_float_control(builder, args[0])
        return context.get_dummy_value()
    return types.void(types.int64), build


def _float_control(builder: Any) -> Any:
    """The floating-point control register as int64; 0 on machines we don't know."""
    if _X86:
        word = cgutils.alloca_once(builder, _I32)
        _instruction(builder, "x86.sse.stmxcsr", ir.VoidType(), word)
        return builder.zext(builder.load(word), _I64)
    if _ARM:
        return _instruction(builder, "aarch64.get.fpcr", _I64)
    return ir.Constant(_I64, 0)


def _set_float_control(builder: Any, value: Any) -> None:
    if _X86:
        word = cgutils.alloca_once(builder, _I32)
        builder.store(builder.trunc(value, _I32), word)
        _instruction(builder, "x86.sse.ldmxcsr", ir.VoidType(), word)
    elif _ARM:
        _instruction(builder, "aarch64.set.fpcr", ir.VoidType(), value)


def _instruction(builder: Any, name: str, returns: Any, *arguments: Any) -> Any:
    kind = ir.FunctionType(returns, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}")
    return builder.call(function, arguments)
