#!/usr/bin/env python3
"""Writes the seeds of pickle_fuzz into corpus/pickle: tiny verification sets as Python and NumPy write them, and a few
that are not."""
import pathlib
import pickle
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "corpus" / "pickle"
PICTURES = [b"P5 1 1 9\n\x01", b"P5 1 1 9\n\xe9"]


def save(name, data):
    (FOLDER / f"{name}.bin").write_bytes(data)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    arrays = [np.frombuffer(p, np.uint8) for p in PICTURES]
    copies = [np.array(a) for a in arrays]  # writable: protocol 5 writes a bytearray for it
    for protocol in range(6):
        save(f"bytes_{protocol}", pickle.dumps((PICTURES, [True]), protocol))
        save(f"arrays_{protocol}", pickle.dumps((arrays, [np.bool_(False)]), protocol))
        save(f"array_of_bool_{protocol}", pickle.dumps((copies, np.array([True])), protocol))
    save("integers", pickle.dumps([tuple(PICTURES), (0,)], 2))
    save("long_integer", pickle.dumps((PICTURES, [1 << 40]), 2))
    save("long_bytes", pickle.dumps(([bytes(300), b""], [True]), 4))
    save("text", pickle.dumps((["picture", "f\u00fcr"], [True]), 4))
    save("of_another_type", pickle.dumps((copies, np.array([1.0])), 4))
    save("of_two_axes", pickle.dumps((np.zeros((2, 3), np.uint8), [True]), 4))
    save("itself", b"]q\x01h\x01ah\x01a.")
    # Python 2 is gone; as it wrote them:
    save("python2_text", b"(lp0\n(lp1\nS'P5 \\xe9\\n\\'\\\\'\np2\naS\"it's\"\np3\naa(lp4\nI01\naa.")
    save("python2_strings", b"\x80\x02]q\x00(]q\x01(U\x03abcq\x02T\x03\x00\x00\x00\x00\xff\ne]q\x03I01\nae.")
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R(K\x01K\x02\x85" \
        b"cnumpy\ndtype\nq\x03U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" \
        b"\x89U\x02abtb"
    save("python2_arrays", b"\x80\x02](" + array + array + b"e]\x88a\x86.")
    # Names that nothing here may ask for, and opcodes of no use.
    save("system", b"cos\nsystem\n(S'true'\ntR.")
    save("stack_global", b"\x80\x04\x8c\x02os\x8c\x06system\x93)R.")
    save("dictionary", pickle.dumps({"a": 1}, 4))
    save("pops", b"K\x01(K\x02M\x03\x0410(l0N2\x85\x86\x87g1\n")
    print(f"{len(list(FOLDER.iterdir()))} files, {sum(p.stat().st_size for p in FOLDER.iterdir())} bytes")


if __name__ == "__main__":
    sys.exit(main())
