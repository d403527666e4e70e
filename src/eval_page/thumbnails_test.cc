#include "eval_page/thumbnails.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/image.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "base/folder_for_test.h"
#include "image/encode.h"

namespace prefiqs::eval_page {
namespace {

// Dark, with a bright spot of 40 pixels where a face may be said to be.
constexpr int kSide = 200, kLeft = 140, kTop = 20, kSpot = 40;
Image Picture() {
  Image picture{kSide, kSide, std::vector<std::uint8_t>(kSide * kSide * 3, 20)};
  for (int y = kTop; y < kTop + kSpot; ++y) {
    for (int x = kLeft * 3; x < (kLeft + kSpot) * 3; ++x)
      picture.rgb[static_cast<std::size_t>(y * kSide * 3 + x)] = 230;
  }
  return picture;
}

int MiddleOf(const Thumbnail& thumbnail) {
  const DecodedImage decoded = Image::decode(thumbnail.jpeg);
  EXPECT_EQ(decoded.status, Status::kOk) << thumbnail.trouble;
  EXPECT_EQ(decoded.image.width, kThumbnailSide);
  EXPECT_EQ(decoded.image.height, kThumbnailSide);
  return decoded.status == Status::kOk
             ? decoded.image.rgb[static_cast<std::size_t>(kThumbnailSide / 2 * kThumbnailSide + kThumbnailSide / 2) * 3]
             : -1;
}

TEST(Thumbnails, ShowTheFaceWhereTheRowSaysWhereItIs) {
  const FolderForTest folder;
  const std::string face = folder / "face.png", none = folder / "none.png", wild = folder / "wild.png";
  write_png(Picture(), face);
  write_png(Picture(), none);
  write_png(Picture(), wild);
  const std::string columns =
      "path,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,"
      "right_mouth_y\n";
  const std::string rows = Fill(folder / "rows.csv", columns + face + ",153,38,167,38,160,44,154,52,166,52\n" + face +
                                                         ",10,10,20,10,15,15,11,19,19,19\n" + none + ",,,,,,,,,,\n" +
                                                         wild + ",5153,38,5167,38,5160,44,5154,52,5166,52\n");
  const auto thumbnails = ReadThumbnails(rows, {face, none, wild}, 1);
  ASSERT_EQ(thumbnails.size(), 3u);
  EXPECT_GT(MiddleOf(thumbnails[0]), 200);  // by its first row
  EXPECT_LT(MiddleOf(thumbnails[1]), 50);
  EXPECT_LT(MiddleOf(thumbnails[2]), 50);
  EXPECT_GT(MiddleOf(thumbnails[2]), 10);  // the picture, not what is far beside it
  const std::string others = Fill(folder / "others.csv", "name,score\n" + face + ",1\n");
  EXPECT_LT(MiddleOf(ReadThumbnails(others, {face}, 3)[0]), 50);
}

TEST(Thumbnails, SayWhyThereIsNone) {
  const FolderForTest folder;
  const std::string text = Fill(folder / "text.png", "no picture");
  const std::string rows = Fill(folder / "rows.csv", "path\n" + text + "\n");
  const std::string pipe = folder / "pipe.png";  // nobody writes: reading it would wait
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto thumbnails = ReadThumbnails(
      rows, {text, pipe, folder / "not there.png", folder / "no.bin#0", folder.path(), "/dev/zero", "#1", ""}, 2);
  ASSERT_EQ(thumbnails.size(), 8u);
  for (const Thumbnail& thumbnail : thumbnails) {
    EXPECT_TRUE(thumbnail.jpeg.empty());
    EXPECT_FALSE(thumbnail.trouble.empty());
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they take all addresses that there are
// Bytes of addresses that this process uses.
std::uint64_t AddressSpace() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(ThumbnailsDeathTest, OfAPictureForWhichThereIsNoMemory) {
  const FolderForTest folder;
  constexpr int kLarge = 6000;
  constexpr std::uint64_t kMemory = std::uint64_t{60} << 20;  // for the rest; the pixels alone are 103 MiB
  const Image picture{kLarge, kLarge, std::vector<std::uint8_t>(std::size_t{3} * kLarge * kLarge, 20)};
  const std::vector<std::uint8_t> jpeg = image::ToJpeg(picture, 80);
  const std::string large = Fill(folder / "large.jpg", {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
  write_png(Picture(), folder / "small.png");
  const std::string rows = Fill(folder / "rows.csv",
                                "path,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,"
                                "left_mouth_y,right_mouth_x,right_mouth_y\n" +
                                    large + ",153,38,167,38,160,44,154,52,166,52\n");
  const ImageLimits limits{.whole_jpeg_pixels = 300000};
  const std::vector<std::string> paths{large, folder / "small.png"};
  EXPECT_FALSE(ReadThumbnails(rows, paths, 1, limits)[0].jpeg.empty());
  const auto read = [&] {
    const rlimit memory{AddressSpace() + kMemory, RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &memory) != 0) std::exit(3);
    const auto thumbnails = ReadThumbnails(rows, paths, 1, limits);
    const bool is_said = thumbnails[0].jpeg.empty() && thumbnails[0].trouble == "not enough memory for this picture";
    std::exit(is_said && !thumbnails[1].jpeg.empty() ? 0 : 4);
  };
  EXPECT_EXIT(read(), ::testing::ExitedWithCode(0), "");
}
#endif

// BINBYTES of protocol 3.
void Append(std::string& pickle, const std::string& bytes) {
  pickle += 'B';
  for (int i = 0; i < 4; ++i) pickle += static_cast<char>(bytes.size() >> 8 * i);
  pickle += bytes;
}

TEST(Thumbnails, OfVerificationSets) {
  const FolderForTest folder;
  write_png(Picture(), folder / "a.png");
  std::string pickle = "\x80\x03](";  // ([picture, broken], [True])
  Append(pickle, Contents(folder / "a.png"));
  Append(pickle, "broken");
  pickle += "e](\x88";
  pickle += "e\x86.";
  const std::string set = Fill(folder / "faces.bin", pickle), rows = Fill(folder / "rows.csv", "path\n");
  const auto thumbnails = ReadThumbnails(rows, {set + "#0", set + "#1", set + "#2"}, 1);
  EXPECT_LT(MiddleOf(thumbnails[0]), 50);
  EXPECT_TRUE(thumbnails[1].jpeg.empty());
  EXPECT_TRUE(thumbnails[2].jpeg.empty());
}

}  // namespace
}  // namespace prefiqs::eval_page
