#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/folder_for_test.h"
#include "image/decode_for_test.h"
#include "image/encode_for_test.h"
#include "image/format.h"

namespace prefiqs::image {
namespace {

std::vector<ByteVector> OneOfEachFormat() {
  const Samples samples = Ramps(16, 12, 3);
  return {EncodeJpeg(samples), EncodePng(samples), EncodeWebp(samples), EncodeJpeg2000(samples), EncodePnm(samples)};
}

TEST(Decode, LimitsPixelsOfAllFormatsByTheirProduct) {
  for (const ByteVector& bytes : OneOfEachFormat()) {
    EXPECT_EQ(Image::decode(bytes, {.max_pixels = 16 * 12}).status, Status::kOk);
    for (const std::int64_t limit :
         {std::int64_t{16 * 12 - 1}, std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()})
      ExpectRefused(Image::decode(bytes, {.max_pixels = limit}), Status::kTooLarge, "16x12");
    EXPECT_EQ(Image::decode(bytes, {.max_pixels = std::numeric_limits<std::int64_t>::max()}).status, Status::kOk);
  }
}

TEST(Decode, LimitsBytes) {
  const FolderForTest folder;
  for (const ByteVector& bytes : OneOfEachFormat()) {
    const std::string path = Fill(folder / "picture", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const ImageLimits fits{.max_file_bytes = bytes.size()}, tight{.max_file_bytes = bytes.size() - 1};
    EXPECT_EQ(Image::decode(bytes, fits).status, Status::kOk);
    EXPECT_EQ(Image::open(path, fits).status, Status::kOk);
    ExpectRefused(Image::decode(bytes, tight), Status::kTooLarge, "limit");
    ExpectRefused(Image::open(path, tight), Status::kTooLarge, "limit");
    EXPECT_EQ(Image::open(path, {.max_file_bytes = std::numeric_limits<std::size_t>::max()}).status, Status::kOk);
  }
}

TEST(Decode, RefusesWhatIsNoPicture) {
  ExpectRefused(Image::decode({}), Status::kUndecodable, "empty");
  ExpectRefused(Image::decode(ToBytes("path,face,status\n")), Status::kUndecodable, "not a picture");
  ExpectRefused(Image::decode(ByteVector(1000, 0)), Status::kUndecodable, "not a picture");
  ExpectRefused(Image::decode(ToBytes("P8 1 1 255 a")), Status::kUndecodable, "not a picture");
}

TEST(Decode, NamesFormatsItDoesNotRead) {
  using namespace std::string_literals;
  for (const auto& [bytes, name] :
       {std::pair("GIF89a"s, "GIF"), std::pair("BM1234"s, "BMP"), std::pair("II*\0abcd"s, "TIFF"),
        std::pair("\0\0\0\x20"s + "ftypheic", "HEIF"), std::pair("\xFF\x0A"s, "JPEG XL")})
    ExpectRefused(Image::decode(ToBytes(bytes)), Status::kUndecodable, name);
}

TEST(Decode, HandlesGarbageAfterEveryMagic) {
  using namespace std::string_literals;
  std::mt19937 random(1);
  for (const std::string& magic : {"\xFF\xD8\xFF"s, "\x89PNG\r\n\x1A\n"s, "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s,
                                   "RIFF\x40\0\0\0WEBPVP8 "s, "RIFF\x40\0\0\0WEBPVP8L"s, "RIFF\x40\0\0\0WEBPVP8X"s,
                                   "\0\0\0\x0CjP  \r\n\x87\n"s, "\xFF\x4F\xFF\x51"s, "P1"s, "P5"s, "P7\n"s}) {
    for (int i = 0; i < 200; ++i) {
      ByteVector bytes = ToBytes(magic);
      for (unsigned size = random() % 200; size > 0; --size) bytes.push_back(static_cast<std::uint8_t>(random()));
      const ImageLimits limits{.max_pixels = 1 << 16};
      ExpectConsistent(DecodeCopy(bytes, bytes.size(), limits), limits);
    }
  }
}

TEST(OrSay, TurnsTroubleWithAPictureIntoItsStatus) {
  const auto said = [](const std::function<std::string()>& work) {
    return OrSay(
        work, [](Status status, const std::string& detail) { return std::string(info(status).name) + ": " + detail; });
  };
  EXPECT_EQ(said([] { return std::string("fine"); }), "fine");
  EXPECT_EQ(said([]() -> std::string { throw Failure(Status::kUndecodable, "PNG: cut off"); }),
            "undecodable: PNG: cut off");
  EXPECT_EQ(said([]() -> std::string { throw std::bad_alloc(); }), "too_large: not enough memory for this picture");
  EXPECT_THROW(said([]() -> std::string { throw Error(ErrorCode::kModel, "not of the picture"); }), Error);
}

TEST(Open, ReadsPathsOfAnyBytes) {
  const FolderForTest folder;
  const ByteVector bytes = EncodePnm(Ramps(3, 2, 3));
  const std::string path = Fill(folder / "\xFF\xFE \n%s", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const DecodedImage decoded = Image::open(path);
  EXPECT_EQ(decoded.status, Status::kOk) << decoded.detail;
  ExpectClose(decoded.image, ToImage(Ramps(3, 2, 3)), 0);
}

TEST(Open, SaysWhatCannotBeRead) {
  const FolderForTest folder;
  ExpectRefused(Image::open(folder / "missing.png"), Status::kUnreadable, "missing.png");
  ExpectRefused(Image::open(folder.path()), Status::kUnreadable, folder.path());
  ExpectRefused(Image::open(""), Status::kUnreadable);
  ExpectRefused(Image::open(Fill(folder / "file", "P5 1 1 9\n1") + "/below"), Status::kUnreadable, "below");
  ExpectRefused(Image::open(Fill(folder / "empty", "")), Status::kUndecodable, "empty");
}

// A name with a zero byte must not open what stands before it.
TEST(Open, RefusesPathsWithZeroBytes) {
  const FolderForTest folder;
  const std::string path = Fill(folder / "a.pgm", "P5 1 1 9\n1");
  ASSERT_EQ(Image::open(path).status, Status::kUndecodable);  // '1' is above 9
  ExpectRefused(Image::open(path + std::string("\0.png", 5)), Status::kUnreadable, "zero byte");
}

// A device never ends, and has no size to look at before.
TEST(Open, StopsReadingDevicesAtTheLimit) {
  ExpectRefused(Image::open("/dev/zero", {.max_file_bytes = 1 << 16}), Status::kTooLarge, "limit");
}

}  // namespace
}  // namespace prefiqs::image
