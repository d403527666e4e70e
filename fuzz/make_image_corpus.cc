// Writes the seeds of image_fuzz into the folder given (fuzz/corpus/image): tiny pictures of our own, one for each path
// through the decoders.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "image/encode_for_test.h"

namespace {

using namespace prefiqs::image;
using namespace std::string_literals;

class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) { std::filesystem::create_directories(path_); }
  void Save(const std::string& name, const ByteVector& bytes) const {
    std::ofstream file(path_ + "/" + name, std::ios::binary);
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.flush();
  }

 private:
  std::string path_;
};

void SaveJpegs(const Folder& folder) {
  using Colour = JpegOptions::Colour;
  const Samples grey = Ramps(9, 7, 1), rgb = Ramps(17, 9, 3), cmyk = Ramps(9, 7, 4);
  folder.Save("grey.jpg", EncodeJpeg(grey, {.colour = Colour::kGrey}));
  folder.Save("subsampled.jpg", EncodeJpeg(rgb, {.subsampled = true, .exif = ExifBlock(6, false)}));
  folder.Save("rgb.jpg", EncodeJpeg(rgb, {.colour = Colour::kRgb, .exif = ExifBlock(3, true)}));
  folder.Save("progressive.jpg", EncodeJpeg(rgb, {.progressive = true}));
  folder.Save("arithmetic.jpg", EncodeJpeg(rgb, {.arithmetic = true}));
  folder.Save("cmyk.jpg", EncodeJpeg(cmyk, {.colour = Colour::kCmyk, .adobe = false}));
  folder.Save("ycck.jpg", EncodeJpeg(cmyk, {.colour = Colour::kYcck}));
}

void SavePngs(const Folder& folder) {
  const Samples bits{5, 2, 1, {0, 1, 1, 0, 1, 1, 0, 0, 1, 0}};
  for (int channels = 1; channels <= 4; ++channels) {
    const std::string name = std::to_string(channels) + ".png";
    folder.Save("channels_" + name, EncodePng(Ramps(7, 5, channels)));
    folder.Save("wide_channels_" + name, EncodePng(Ramps(5, 9, channels, 65535), {.depth = 16, .interlaced = true}));
  }
  folder.Save("bits.png", EncodePng(bits, {.depth = 1, .transparent = {{1, 0, 0}}}));
  folder.Save("palette.png", EncodePng(bits, {.depth = 2, .palette = {{1, 2, 3}, {255, 0, 9}}, .palette_alpha = {7}}));
  folder.Save("turned.png", EncodePng(Ramps(7, 5, 3), {.transparent = {{1, 2, 3}}, .exif = ExifBlock(8, true)}));
}

void SaveWebps(const Folder& folder) {
  for (const bool lossless : {false, true}) {
    const std::string name = lossless ? "lossless" : "lossy";
    folder.Save(name + ".webp", EncodeWebp(Ramps(17, 9, 3), {.lossless = lossless}));
    folder.Save(name + "_alpha.webp", EncodeWebp(Ramps(17, 9, 4), {.lossless = lossless}));
    folder.Save(name + "_turned.webp", EncodeWebp(Ramps(9, 5, 3), {.lossless = lossless, .exif = ExifBlock(5, true)}));
  }
}

void SaveJpeg2000s(const Folder& folder) {
  using Colour = Jpeg2000Options::Colour;
  folder.Save("grey.jp2", EncodeJpeg2000(Ramps(9, 7, 1), {.colour = Colour::kGrey, .is_signed = true}));
  folder.Save("wide.jp2", EncodeJpeg2000(Ramps(9, 8, 2, 65535), {.colour = Colour::kGrey, .depth = 16}));
  folder.Save("rgba.jp2", EncodeJpeg2000(Ramps(17, 9, 4), {.colour = Colour::kRgb, .x0 = 3, .y0 = 5}));
  folder.Save("ycc.jp2", EncodeJpeg2000(Ramps(17, 9, 3), {.colour = Colour::kYcc, .chroma_step = 2}));
  folder.Save("tiles.j2k", EncodeJpeg2000(Ramps(17, 12, 3), {.codestream = true, .tile_size = 8}));
  folder.Save("subsampled.j2k", EncodeJpeg2000(Ramps(9, 8, 3), {.codestream = true, .chroma_step = 2}));
}

void SavePnms(const Folder& folder) {
  const auto save = [&](const std::string& name, const std::string& text) { folder.Save(name, ToBytes(text)); };
  save("plain.pbm", "P1 # bits\n3 2 1 0 1\n010");
  save("plain.pgm", "P2\n2 2\n255\n0 1\n# two rows\n128 255\n");
  save("plain.ppm", "P3 1 2 9 1 2 3 4 5 6");
  save("raw.pbm", "P4\n9 2\n\x01\x80\xFF\x00"s);
  folder.Save("raw.pgm", EncodePnm(Ramps(5, 3, 1)));
  folder.Save("raw.ppm", EncodePnm(Ramps(5, 3, 3)));
  save("wide.ppm", "P6 1 1 999\n\x01\x02\x01\x02\x01\x02");
  folder.Save("alpha.pam", EncodePnm(Ramps(5, 3, 4)));
  folder.Save("wide.pam", EncodePnm(Ramps(3, 2, 2, 65535), 65535));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_image_corpus FOLDER\n", stderr);
    return 2;
  }
  try {
    const Folder folder(argv[1]);
    SaveJpegs(folder);
    SavePngs(folder);
    SaveWebps(folder);
    SaveJpeg2000s(folder);
    SavePnms(folder);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
    return 4;
  }
  return 0;
}
