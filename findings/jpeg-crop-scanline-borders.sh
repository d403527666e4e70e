#!/usr/bin/env bash
# libjpeg-turbo: a part that is decoded with jpeg_crop_scanline() differs from the same part of the whole picture.
#
# GUESS:     The region of a JPEG that jpeg_crop_scanline() selects has the pixels that a whole decode has there.
# BEHAVIOUR: With 4:2:0 chroma the first or last columns of the region differ, by up to dozens of levels on noise: the
#            filter that widens the chroma treats the edge of the region as the edge of the picture. 16 pixels inside there
#            is no difference, and with 4:4:4 there is none at all.
# MATTERS:   A face that is cut out this way scores differently from the same face in the whole picture, unless the region is
#            taken wider than needed.
# VERSION:   libjpeg62-turbo 1:2.1.5-2 (Debian 12).
# SOURCE:    libjpeg-turbo's doc/libjpeg.txt, "jpeg_crop_scanline"; the program below.
# OUTPUT SEEN:
#   4:2:0: pixels that differ at the edge: yes, 16 columns inside: no
#   4:4:4: pixels that differ at the edge: no, 16 columns inside: no
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

architecture=$(dpkg --print-architecture)
version=$(apt-cache madison libjpeg62-turbo-dev | awk '$3 ~ /^1:2\.1\.5-/ {print $3; exit}')
[[ -n $version ]] || { echo "jpeg-crop-scanline-borders: skipped: apt has no libjpeg62-turbo-dev 1:2.1.5"; exit 0; }
apt-get -qq download "libjpeg62-turbo-dev=$version" "libjpeg62-turbo=$version" >/dev/null 2>&1
for package in *.deb; do dpkg-deb -x "$package" root; done
libraries=$(echo root/usr/lib/*-linux-gnu*)

cat >crop.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { kSide = 256, kLeft = 64, kWidth = 96, kInside = 16 };

static unsigned char* encoded;
static unsigned long encoded_size;

static void Encode(int sampling) {
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  encoded = NULL;
  jpeg_mem_dest(&info, &encoded, &encoded_size);
  info.image_width = info.image_height = kSide;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = sampling;
  jpeg_start_compress(&info, TRUE);
  srand(1);
  for (int y = 0; y < kSide; ++y) {
    unsigned char row[kSide * 3], *rows = row;
    for (int i = 0; i < kSide * 3; ++i) row[i] = (unsigned char)(rand() >> 8);
    jpeg_write_scanlines(&info, &rows, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
}

/* The columns from left on, width of them as libjpeg makes them. */
static void Decode(unsigned char* out, JDIMENSION* left, JDIMENSION* width) {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, encoded, encoded_size);
  jpeg_read_header(&info, TRUE);
  jpeg_start_decompress(&info);
  if (*width < kSide) jpeg_crop_scanline(&info, left, width);
  for (int y = 0; y < kSide; ++y) {
    unsigned char* row = out + (size_t)y * *width * 3;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

static int Differs(const unsigned char* whole, const unsigned char* part, JDIMENSION left, JDIMENSION width,
                   JDIMENSION margin) {
  int differs = 0;
  for (int y = 0; y < kSide; ++y) {
    for (JDIMENSION x = margin; x + margin < width; ++x) {
      differs |= memcmp(whole + ((size_t)y * kSide + left + x) * 3, part + ((size_t)y * width + x) * 3, 3) != 0;
    }
  }
  return differs;
}

int main(void) {
  static unsigned char whole[kSide * kSide * 3], part[kSide * kSide * 3];
  for (int sampling = 2; sampling >= 1; --sampling) {
    JDIMENSION none = 0, all = kSide, left = kLeft, width = kWidth;
    Encode(sampling);
    Decode(whole, &none, &all);
    Decode(part, &left, &width);
    printf("4:%s: pixels that differ at the edge: %s, %d columns inside: %s\n", sampling == 2 ? "2:0" : "4:4",
           Differs(whole, part, left, width, 0) ? "yes" : "no", kInside,
           Differs(whole, part, left, width, kInside) ? "yes" : "no");
    free(encoded);
  }
}
C
# The headers of the C library come from the system, those of libjpeg from the packages above.
cc -std=gnu99 -O1 -Iroot/usr/include $(for folder in root/usr/include/*-linux-gnu*; do echo "-I$folder"; done) crop.c \
  "$(echo "$libraries"/libjpeg.so.62.*)" -o crop
LD_LIBRARY_PATH=$libraries ./crop | tee seen

diff seen - <<'WANTED' && echo "jpeg-crop-scanline-borders: as described ($version, $architecture)"
4:2:0: pixels that differ at the edge: yes, 16 columns inside: no
4:4:4: pixels that differ at the edge: no, 16 columns inside: no
WANTED
