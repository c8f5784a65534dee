"""Vectors of eight or four numbers as a Numba type, so that a kernel says itself what runs side by side.

Loops over lanes are left to the compiler elsewhere; where the layout is known (eight fields of a site, eight rows of a
plane) these types make sure of it. Arithmetic is lane by lane and gives the same bits on any machine with fused
multiply-add; on narrower processors the compiler splits a vector.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

#: lanes of a vector, in both precisions, unless said otherwise
WIDTH = 8
#: lanes of what has three components and a spare
HALF = 4

#: bytes beyond which an array will not be found in a cache when it is read again
_CACHE = 32 * 1024**2

#: compiler options: products and sums may fuse, and nothing may be reordered
SERIAL: Any = {"cache": True, "error_model": "numpy", "fastmath": {"contract"}}
PARALLEL: Any = {**SERIAL, "parallel": True}
INLINE: Any = {**SERIAL, "forceinline": True}


class Vector(types.Type):
    """Floats side by side."""

    def __init__(self, dtype: Any, width: int = WIDTH) -> None:
        self.dtype, self.width = dtype, width
        super().__init__(name=f"Vector({dtype}, {width})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, fe_type: Any) -> None:
        lane = manager.lookup(fe_type.dtype).get_value_type()
        super().__init__(manager, fe_type, ir.VectorType(lane, fe_type.width))


def _splat(builder: Any, value: Any, width: int) -> Any:
    """A scalar in every lane."""
    kind = ir.VectorType(value.type, width)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


def _register(symbol: Any, instruction: str) -> None:
    """Make ``symbol`` work lane by lane between vectors, and between a vector and a scalar of its kind."""

    @infer_global(symbol)
    class _Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            vectors = [a for a in args if isinstance(a, Vector)]
            if len(args) == 2 and vectors and all(a in (vectors[0], vectors[0].dtype) for a in args):
                return signature(vectors[0], *args)
            return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        width = sig.return_type.width
        left, right = (
            value if isinstance(kind, Vector) else _splat(builder, value, width)
            for kind, value in zip(sig.args, args, strict=True)
        )
        return getattr(builder, instruction)(left, right, flags=("contract",))

    lower_builtin(symbol, Vector, Vector)(lower)
    lower_builtin(symbol, Vector, types.Float)(lower)
    lower_builtin(symbol, types.Float, Vector)(lower)


for _symbol, _instruction in (
    (operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv"),
    (operator.iadd, "fadd"), (operator.isub, "fsub"), (operator.imul, "fmul"),
):  # fmt: skip
    _register(_symbol, _instruction)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, lanes: int = WIDTH) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    lane = context.get_value_type(array_type.dtype)
    place = builder.gep(data, [index])
    return builder.bitcast(place, ir.VectorType(lane, lanes).as_pointer())


def _size(array_type: Any) -> int:
    return int(array_type.dtype.bitwidth) // 8


def _is_flat(array: Any) -> bool:
    return isinstance(array, types.Array) and array.layout == "C" and isinstance(array.dtype, types.Float)


def _loader(width: int, what: str) -> Any:
    def typed(typing: Any, array: Any, index: Any) -> Any:
        if not (_is_flat(array) and isinstance(index, types.Integer)):
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.load(_pointer(context, builder, sig.args[0], args[0], args[1], width), align=_size(array))

        return Vector(array.dtype, width)(array, types.intp), codegen

    typed.__name__, typed.__doc__ = f"load{width}", what
    return intrinsic(typed)


load = _loader(WIDTH, "The eight numbers from flat position ``index`` on of a C-contiguous array.")
load4 = _loader(HALF, "The four numbers from flat position ``index`` on of a C-contiguous array.")


@intrinsic
def number(typing: Any, array: Any, index: Any) -> Any:
    """The number at flat position ``index`` >= 0 of a C-contiguous array, without a look at where it ends."""
    if not (isinstance(array, types.Array) and array.layout == "C" and isinstance(index, types.Integer)):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), codegen


@intrinsic
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Set the number that ``number`` reads."""
    if not (isinstance(array, types.Array) and array.layout == "C" and value == array.dtype):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.store(args[2], builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _storer(width: int, what: str) -> Any:
    def typed(typing: Any, array: Any, index: Any, value: Any) -> Any:
        if not (_is_flat(array) and isinstance(index, types.Integer) and value == Vector(array.dtype, width)):
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, sig.args[0], args[0], args[1], width)
            builder.store(args[2], pointer, align=_size(array))
            return context.get_dummy_value()

        return types.void(array, types.intp, value), codegen

    typed.__name__, typed.__doc__ = f"store{width}", what
    return intrinsic(typed)


store = _storer(WIDTH, "Put eight numbers at flat position ``index`` on of a C-contiguous array.")
store4 = _storer(HALF, "Put four numbers at flat position ``index`` on of a C-contiguous array.")


@intrinsic
def stream(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """``store`` past the caches, for what is not read again soon; the place has to be a multiple of eight numbers."""
    if not (_is_flat(array) and isinstance(index, types.Integer) and value == Vector(array.dtype)):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1])
        written = builder.store(args[2], pointer, align=WIDTH * _size(array))
        written.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def streams(array: Any) -> bool:
    """Whether ``stream`` pays and may be used: an array larger than caches, on a boundary of vectors."""
    return bool(array.nbytes > _CACHE and array.ctypes.data % (WIDTH * array.itemsize) == 0)


@intrinsic
def splat(typing: Any, value: Any) -> Any:
    """A scalar in every lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0], WIDTH)

    return Vector(value)(value), codegen


def _mask(lanes: Any) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))


@intrinsic
def transpose(typing: Any, rows: Any) -> Any:
    """Eight vectors as the rows of a matrix to the vectors of its columns."""
    if not (isinstance(rows, types.UniTuple) and rows.count == WIDTH and getattr(rows.dtype, "width", 0) == WIDTH):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        v = list(cgutils.unpack_tuple(builder, args[0]))
        for distance in (1, 2, 4):  # exchange the off-diagonal blocks of each size
            low = _mask([WIDTH + j - distance if j & distance else j for j in range(WIDTH)])
            high = _mask([WIDTH + j if j & distance else j + distance for j in range(WIDTH)])
            for i in range(WIDTH):
                if not i & distance:
                    a, b = v[i], v[i + distance]
                    v[i], v[i + distance] = builder.shuffle_vector(a, b, low), builder.shuffle_vector(a, b, high)
        return context.make_tuple(builder, sig.return_type, v)

    return rows(rows), codegen


def shuffler(order: tuple[int, ...], what: str) -> Any:
    """A function of one vector whose lane i is lane ``order[i]`` of it, or zero for ``WIDTH``."""

    def typed(typing: Any, value: Any) -> Any:
        if not (isinstance(value, Vector) and value.width == WIDTH):
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.shuffle_vector(args[0], ir.Constant(args[0].type, [0.0] * WIDTH), _mask(order))

        return value(value), codegen

    typed.__name__, typed.__doc__ = "shuffled", what
    return intrinsic(typed)


@intrinsic
def load_complex(typing: Any, array: Any, index: Any) -> Any:
    """Real and imaginary parts of eight complex numbers stored as pairs from flat position ``index`` on."""
    if not (_is_flat(array) and isinstance(index, types.Integer)):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], 2 * WIDTH)
        both = builder.load(pointer, align=_size(array))
        nothing = ir.Constant(both.type, ir.Undefined)
        parts = [builder.shuffle_vector(both, nothing, _mask(range(i, 2 * WIDTH, 2))) for i in (0, 1)]
        return context.make_tuple(builder, sig.return_type, parts)

    return types.UniTuple(Vector(array.dtype), 2)(array, types.intp), codegen


@intrinsic
def store_complex(typing: Any, array: Any, index: Any, real: Any, imaginary: Any) -> Any:
    """Put eight complex numbers as pairs at flat position ``index`` on."""
    if not (_is_flat(array) and real == imaginary == Vector(array.dtype)):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], 2 * WIDTH)
        mask = _mask([i // 2 + WIDTH * (i % 2) for i in range(2 * WIDTH)])
        builder.store(builder.shuffle_vector(args[2], args[3], mask), pointer, align=_size(array))
        return context.get_dummy_value()

    return types.void(array, types.intp, real, imaginary), codegen


def _register_unary(name: str, what: str) -> Any:
    """An LLVM function of one vector, lane by lane."""

    def typed(typing: Any, value: Any) -> Any:
        if not (isinstance(value, Vector) and value.width == WIDTH):
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind = args[0].type
            symbol = f"llvm.{name}.v{WIDTH}f{sig.args[0].dtype.bitwidth}"
            function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), symbol)
            return builder.call(function, [args[0]])

        return value(value), codegen

    typed.__name__ = f"vector_{name}"
    typed.__doc__ = what
    return intrinsic(typed)


@intrinsic
def exceeds(typing: Any, value: Any, limit: Any) -> Any:
    """Whether any lane is beyond +-limit, or NaN."""
    if not (isinstance(value, Vector) and limit == value.dtype):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        width = sig.args[0].width
        above = builder.fcmp_unordered(">", args[0], _splat(builder, args[1], width))
        below = builder.fcmp_unordered("<", args[0], _splat(builder, builder.fneg(args[1]), width))
        mask = builder.bitcast(builder.or_(above, below), ir.IntType(width))
        return builder.icmp_unsigned("!=", mask, ir.Constant(mask.type, 0))

    return types.boolean(value, limit), codegen


floor = _register_unary("floor", "Largest whole number not above, lane by lane.")
root = _register_unary("sqrt", "Square root, lane by lane.")


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    """A NumPy array of zeros that begins at a cache line, so that vectors do not straddle two (NumPy's own may)."""
    return torch.from_numpy(np.zeros(0, dtype)).new_zeros(shape).numpy()


@njit(**INLINE)
def load_rows(array, at, pitch):
    """Eight rows ``pitch`` numbers apart, as the vectors of their columns."""
    return transpose(
        (
            load(array, at), load(array, at + pitch), load(array, at + 2 * pitch), load(array, at + 3 * pitch),
            load(array, at + 4 * pitch), load(array, at + 5 * pitch), load(array, at + 6 * pitch),
            load(array, at + 7 * pitch),
        )
    )  # fmt: skip


@njit(**INLINE)
def store_rows(array, at, pitch, columns):
    """The inverse of ``load_rows``."""
    store_vectors(array, at, pitch, transpose(columns))


@njit(**INLINE)
def store_vectors(array, at, pitch, vectors):
    """Eight vectors ``pitch`` numbers apart."""
    store(array, at, vectors[0])
    store(array, at + pitch, vectors[1])
    store(array, at + 2 * pitch, vectors[2])
    store(array, at + 3 * pitch, vectors[3])
    store(array, at + 4 * pitch, vectors[4])
    store(array, at + 5 * pitch, vectors[5])
    store(array, at + 6 * pitch, vectors[6])
    store(array, at + 7 * pitch, vectors[7])


@njit(**INLINE)
def stream_vectors(array, at, pitch, vectors):
    """``store_vectors`` past the caches."""
    stream(array, at, vectors[0])
    stream(array, at + pitch, vectors[1])
    stream(array, at + 2 * pitch, vectors[2])
    stream(array, at + 3 * pitch, vectors[3])
    stream(array, at + 4 * pitch, vectors[4])
    stream(array, at + 5 * pitch, vectors[5])
    stream(array, at + 6 * pitch, vectors[6])
    stream(array, at + 7 * pitch, vectors[7])
