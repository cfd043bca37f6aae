"""Lossless bfloat16: 10.9 bits a weight, decoded at the speed of memory.

`format` says what is stored and `reference` how to read it. On a CPU `planes.c` does the work
where a C compiler is found, else numba where it is installed, else the reference; on a GPU
`planes.cu`, else Triton.
"""

from danqing.memory.codec.codec import decode, decode_into, encode, verify
from danqing.memory.codec.format import Packed

__all__ = ["Packed", "decode", "decode_into", "encode", "verify"]
