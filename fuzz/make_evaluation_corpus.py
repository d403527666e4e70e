#!/usr/bin/python3
"""Writes the seeds of evaluation_fuzz: fuzz/make_evaluation_corpus.py fuzz/corpus/evaluation"""
import io
import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder / 'table').write_bytes(b'\0score,name\n1.5,"a,""b"""\r\n,c\n-2e-3,d\n')
(folder / 'pairs_csv').write_bytes(b'\1file_a,file_b,mated,fold,identity_a,identity_b\na.png,./b.jpg,1,0,x,x\na,../c,false,1,x,y\n')
(folder / 'pairs_lfw').write_bytes(b'\0012\t1\nAnn\t1\t2\nAnn\t1\tBob\t12\nCy\t3\t4\nCy\t1\tBob\t2\n')
(folder / 'pairs_lfw_one_set').write_bytes(b'\0011\nAnn 1 2\nAnn 1 Bob 12\n')
(folder / 'scores').write_bytes(b'\6a b/1.jpg 0.5\r\n\nc.jpg\t +2e-1\n')
for name, values in (('npy_float', np.arange(6, dtype=np.float32).reshape(2, 3)),
                     ('npy_double', np.arange(6, dtype=np.float64).reshape(3, 2)),
                     ('npy_empty', np.zeros((0, 4), np.float32)),
                     ('npy_fortran', np.asfortranarray(np.zeros((2, 3), np.float32)))):
    file = io.BytesIO()
    np.save(file, values)
    (folder / name).write_bytes(b'\2' + file.getvalue())
(folder / 'template_pairs').write_bytes(b'\0031 11065 1\n1\t7 0\r\n\n11065 7 0\n')
(folder / 'template_pictures').write_bytes(b'\004img/1.jpg 1 69544\n2.jpg\t2 69544\r\n\n3.jpg 77 5\n1.jpg 2 4294967295\n')
(folder / 'identities_fold').write_bytes(b'\005user_id\toriginal_image\tface_id\tage\tgender\n1@N03\ta_o.jpg\t1\t(25, 32)\tf\n'
                                         b'1@N03\ta_o.jpg\t2\t(0, 2)\tu\r\n')
(folder / 'identities_feret').write_bytes(b'\005a/00001_930831_fa_a.ppm.bz2\r\n00001fa010_930831.tif 00002fb001d.sfi\n')
for name, save in (('npz_stored', np.savez), ('npz_deflated', np.savez_compressed)):
    file = io.BytesIO()
    save(file, np.arange(6, dtype=np.float32).reshape(2, 3))
    (folder / name).write_bytes(b'\2' + file.getvalue())
(folder / 'identities_csv').write_bytes(b'\005identity,path\nann,a/1.png\n"b,c",a/2.png\n')
numbers = b'438.5 210 550 211 497 277 444 319 544 320'
(folder / 'landmarks_ijb').write_bytes(b'\0071.jpg ' + numbers + b' 0.9\n2.jpg ' + numbers + b' 1e-1\r\n')
(folder / 'landmarks_celeba').write_bytes(b'\0071\nlefteye_x lefteye_y\n1.jpg ' + numbers + b'\n')
(folder / 'landmarks_table').write_bytes(
    b'\007path,face,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,'
    b'right_mouth_y,box_width\na/1.jpg,0,' + numbers.replace(b' ', b',') + b',9\na/1.jpg,1,' + numbers.replace(b' ', b',') +
    b',\nb.jpg,,,,,,,,,,,,\n')
# Found by the fuzzer: no rows, and columns that would fill the memory.
(folder / 'npy_wide').write_bytes(b"\2\x93NUMPY\1\0\x46\0{'descr': '<f8', 'fortran_order': False, 'shape': (0, 666666666666), }")
